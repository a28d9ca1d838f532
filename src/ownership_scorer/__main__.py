"""Makes ``python -m ownership_scorer`` the command line."""

import sys

from ownership_scorer.cli import main

sys.exit(main())
