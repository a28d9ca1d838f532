"""Score how far a call-centre agent took ownership of a call."""
