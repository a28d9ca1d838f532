"""What a score rests on: the words quoted, and the result of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: Source of evidence that no single cue stands for.
MODEL_SOURCE = "model"

#: The call was judged.
SCORED = "scored"
#: Why a call was not judged; stands in the ``status`` column.
NO_AGENT_TURN = "no agent turn"
TOO_FEW_TURNS = "too few agent turns"
TOO_FEW_WORDS = "too few agent words"


class Evidence(NamedTuple):
    """A behaviour that an agent turn is said to show.

    Parameters
    ----------
    turn : int
        Position in ``transcript.turns``.
    start, end : int
        ``transcript.turns[turn].text[start:end] == quote``.
    quote : str
        The words that speak for it.
    behaviour : str
        One of `rubric.BEHAVIOURS`.
    source : str
        Id of the cue found, or ``"model"``.
    probability : float
        Calibrated, 0..1.
    """

    turn: int
    start: int
    end: int
    quote: str
    behaviour: str
    source: str
    probability: float


@dataclass(frozen=True, slots=True)
class CallScore:
    """The result of one call.

    Parameters
    ----------
    call_id : str
    agent_id, customer_id, started_at : str or None
        As in the transcript.
    status : str
        ``"scored"``, or why the call cannot be judged.
    agent_turns : int
    scores : dict of str to float
        Expected rating a dimension, 1.0 to 5.0; empty where the call cannot be judged.
    intervals : dict of str to (float, float)
        The 80 % interval of each rating; empty where the call cannot be judged.
    evidence : list of Evidence
        In the order of the turns.
    model_id : str
        The model that said so.
    """

    call_id: str
    agent_id: str | None
    customer_id: str | None
    started_at: str | None
    status: str
    agent_turns: int
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    evidence: list[Evidence]
    model_id: str
