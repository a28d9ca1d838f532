"""A call as a list of turns: the one shape that every reader delivers and every scorer takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

#: Speaker roles. ``other`` is a known third party (bot, IVR, supervisor, system); ``unknown`` could not be told.
ROLES: Final = ("agent", "customer", "other", "unknown")

_LABELS: Final = {
    "agent": "agent|rep|representative|advisor|adviser|associate|csr|operator|teammate|support|support agent|clerk|"
    "human_agent|human agent|internal|admin|staff|employee|service rep|service representative|consultant|assistant|a",
    "customer": "customer|caller|client|user|visitor|member|patient|guest|contact|consumer|end_user|end user|external|subscriber|passenger|cust|c",
    "other": "bot|ivr|acd|system|virtual agent|virtual_agent|automated_agent|automated agent|chatbot|supervisor|"
    "trigger|voicemail|other|action|third party|thirdparty|custom_bot",
    "unknown": "unknown|",
}
_ROLE_OF: Final = {label: role for role, labels in _LABELS.items() for label in labels.split("|")}
_PREFIX: Final = re.compile(r"[ \t]*([A-Za-z][A-Za-z _]{0,30}?)(?:[ \t]*\d{1,2})?[ \t]*:[ \t]*(.*)")


def role_of(label: str) -> str | None:
    """Return the role that a speaker label names, or None where the label is not in the dictionary.

    Parameters
    ----------
    label : str
        As found in a file: ``"Agent"``, ``"Rep 2"``, ``"END_USER"``.

    Returns
    -------
    str or None
        One of `ROLES`.
    """
    key = re.sub(r"\s*\d+$", "", label.strip().lower())
    return _ROLE_OF.get(key)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says until another speaks.

    Parameters
    ----------
    speaker : {"agent", "customer", "other", "unknown"}
        The role.
    text : str
        The words, as transcribed; all evidence offsets count its characters.
    start, end : float or None
        Seconds from the start of the call.
    label : str or None
        The speaker's name or label in the source, where it says more than the role.
    """

    speaker: str
    text: str
    start: float | None = None
    end: float | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if self.speaker not in ROLES:
            raise ValueError(f"speaker is {self.speaker!r}; allowed are {', '.join(ROLES)}")
        if not isinstance(self.text, str):
            raise TypeError(f"text is of type {type(self.text).__name__}; a turn's text is a str")


def merge_turns(segments: Iterable[Turn]) -> tuple[Turn, ...]:
    """Join consecutive segments of one speaker into one turn; drop segments without any text.

    Parameters
    ----------
    segments : iterable of Turn
        In the order spoken.

    Returns
    -------
    tuple of Turn
        No two neighbours have the same speaker and label. Texts are joined with a blank.
    """
    groups: list[list[Turn]] = []
    for segment in segments:
        if not segment.text or segment.text.isspace():
            continue
        if groups and (groups[-1][0].speaker, groups[-1][0].label) == (segment.speaker, segment.label):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return tuple(group[0] if len(group) == 1 else _joined(group) for group in groups)


def _joined(group: list[Turn]) -> Turn:
    starts = [t.start for t in group if t.start is not None]
    ends = [t.end for t in group if t.end is not None]
    return replace(
        group[0],
        text=" ".join(t.text for t in group),
        start=min(starts, default=None),
        end=max(ends, default=None),
    )


@dataclass(frozen=True, slots=True)
class Transcript:
    """One call.

    Parameters
    ----------
    call_id : str
        Unique within a run.
    turns : sequence of Turn
        Merged on construction, so ``turns[i]`` is what ``turn_index`` i means everywhere.
    agent_id, customer_id, started_at, channel : str or None
        As found; ``started_at`` in ISO 8601 where the source allows it.
    metadata : mapping
        Anything else the source says, and what a reader found out (``"format"``, ``"doubts"``); never scored.
    """

    call_id: str
    turns: tuple[Turn, ...]
    agent_id: str | None = None
    customer_id: str | None = None
    started_at: str | None = None
    channel: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "turns", merge_turns(self.turns))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled, a dict can.
        return (
            Transcript,
            (self.call_id, self.turns, self.agent_id, self.customer_id, self.started_at, self.channel,
             dict(self.metadata)),
        )  # fmt: skip

    @classmethod
    def from_text(cls, text: str, call_id: str = "call") -> Transcript:
        """Read ``Agent: ...`` / ``Customer: ...`` lines.

        Parameters
        ----------
        text : str
            One turn a line; a line without a speaker goes on with the turn before it.
        call_id : str
            The id to give.

        Returns
        -------
        Transcript

        Raises
        ------
        ValueError
            Where text stands before the first speaker label, naming the line.
        """
        turns: list[Turn] = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            found = _PREFIX.fullmatch(line)
            role = role_of(found[1]) if found else None
            if found and role:
                turns.append(Turn(role, found[2]))
            elif turns:
                turns[-1] = replace(turns[-1], text=f"{turns[-1].text} {line.strip()}".strip())
            else:
                raise ValueError(f"line {number}: no speaker before {line.strip()[:40]!r}; a turn begins with a label such as 'Agent:' or 'Customer:'")
        return cls(call_id, tuple(turns))
