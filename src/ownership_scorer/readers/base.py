"""What every reader shares: its settings, what it gives back, and how it says no."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..transcript import Transcript
from .clean import safe
from .marks import DEFAULT_MARKS, Marks

#: Guesses roles: takes a call whose speakers are unknown, gives speaker label to role, and how sure it is (0 to 1).
Infer = Callable[[Transcript], tuple[Mapping[str, str], float]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be read; becomes a row of ``rejected.csv``.

    Parameters
    ----------
    file : str
        Path as given.
    line : int or None
        1-based line or record number, where the format has one.
    call_id : str or None
        Where it was still readable.
    reason : str
        Names the value found and what is allowed; never quotes what a speaker said.
    """

    file: str
    line: int | None
    call_id: str | None
    reason: str

    def __post_init__(self) -> None:
        # Names of keys and files may hold what no file can.
        for name in ("file", "call_id", "reason"):
            value = getattr(self, name)
            object.__setattr__(self, name, safe(value) if value else value)


class ReadError(ValueError):
    """A whole file, or the one call in it, cannot be read; the message says what was found and what is allowed."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Settings of a reading run.

    Parameters
    ----------
    agent_channel : str or None
        The channel (as the file names it: ``"0"``, ``"ch_1"``) on which the agent speaks; every other channel is the customer.
    speaker_map : mapping of str to str
        Speaker label in the file to role, for example ``{"spk_0": "agent", "Dana": "customer"}``; goes before anything the file says.
    infer_roles : bool
        Guess who the agent is where the file does not say; such calls say so in their metadata.
    infer : callable or None
        Makes that guess: takes the call, gives speaker label to role, and a confidence from 0 to 1. Without it, roles stay unknown.
    columns : mapping of str to str
        Field (``call_id``, ``speaker``, ``text``, ``start``, ``end``, ``order``, ``agent_id``, ``customer_id``, ``started_at``, ``channel``) to
        column heading; goes before the headings found by synonym.
    marks : Marks
        What counts as a mark for a noise or for removed data.
    max_file_bytes : int
        Largest file that is read whole (single-document formats); line formats are streamed and have no such limit.
    max_group_bytes : int
        Largest table whose rows may stand in any order; in larger ones the rows of a call must be neighbours.
    max_record_bytes : int
        Largest single record (line) of a streamed format.
    max_depth : int
        Deepest nesting of a JSON document.
    max_turns : int
        Most segments of one call.
    """

    agent_channel: str | None = None
    speaker_map: Mapping[str, str] = field(default_factory=dict)
    infer_roles: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    max_file_bytes: int = 256 * 1024 * 1024
    max_record_bytes: int = 64 * 1024 * 1024
    max_depth: int = 64
    max_turns: int = 200_000
    infer: Infer | None = None
    marks: Marks = DEFAULT_MARKS
    max_group_bytes: int = 32 * 1024 * 1024
