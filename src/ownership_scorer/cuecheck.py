"""Puts a cue book to the test: its own examples, its hits on labelled calls, and cues that contradict each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ownership_scorer.cuebook import STATES, Cue, Cuebook, Example
from ownership_scorer.matching import CueMatcher
from ownership_scorer.transcript import Transcript, Turn


@dataclass(frozen=True, slots=True)
class CueReport:
    """What is known of one cue.

    Parameters
    ----------
    cue : Cue
        The rule.
    failed : tuple of str
        Examples that do not come out as stated.
    hits, right : int
        Agent turns of the labelled calls in which it is found, and how many of these carry its label.
    conflicts : tuple of str
        Cues of other behaviours that are found on the very same words at least as often as not.
    """

    cue: Cue
    failed: tuple[str, ...]
    hits: int
    right: int
    conflicts: tuple[str, ...]

    @property
    def precision(self) -> float:
        """Share of the hits that carry the label; NaN without hits."""
        return self.right / self.hits if self.hits else float("nan")


class LabelledTurn(NamedTuple):
    """An agent turn of a labelled call with the cues found in it."""

    call_id: str
    turn_index: int
    labels: frozenset[str]
    cues: frozenset[str]


def found_in(matcher: CueMatcher, example: Example, cue_id: str) -> bool:
    """Tell whether a cue is found in an example, read in its context."""
    cue = next(c for c in matcher.cuebook.cues if c.id == cue_id)
    speaker = "customer" if cue.behaviour in STATES else "agent"
    turns = (Turn("customer", example.customer), Turn(speaker, example.agent))
    read = matcher.read([Transcript("example", turns)])[0][-1]
    if speaker == "customer":
        return cue.behaviour in read.states
    return any(matcher.cuebook.cues[hit.cue].id == cue_id for hit in read.hits)


def failing_examples(matcher: CueMatcher, cue: Cue) -> Iterator[str]:
    """Yield each example of a cue that does not come out as stated."""
    for wanted, examples in ((True, cue.matches), (False, cue.rejects)):
        for example in examples:
            if found_in(matcher, example, cue.id) is not wanted:
                yield f"{'not found' if wanted else 'found'}: {example.agent!r}" + (f" after {example.customer!r}" if example.customer else "")


def labelled_turns(matcher: CueMatcher, calls: Sequence[Transcript], labels: Sequence[dict[str, list[str]]]) -> Iterator[LabelledTurn]:
    """Yield every agent turn of labelled calls with the cues found in it."""
    for call, call_labels, turns in zip(calls, labels, matcher.read(calls), strict=True):
        for index, turn in enumerate(turns):
            if turn.speaker == "agent":
                cues = frozenset(matcher.cuebook.cues[hit.cue].id for hit in turn.hits)
                yield LabelledTurn(call.call_id, index, frozenset(call_labels.get(str(index), ())), cues)


def check(cuebook: Cuebook, calls: Sequence[Transcript] = (), labels: Sequence[dict[str, list[str]]] = ()) -> list[CueReport]:
    """Test every cue of a cue book.

    Parameters
    ----------
    cuebook : Cuebook
        The rules.
    calls, labels : sequences
        Labelled calls, and the labels of each: turn index (as text) to behaviours.

    Returns
    -------
    list of CueReport
        In the order of the cue book.
    """
    matcher = CueMatcher(cuebook)
    hits: Counter[str] = Counter()
    right: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    behaviour = {cue.id: cue.behaviour for cue in cuebook.cues}
    for turn in labelled_turns(matcher, calls, labels) if calls else ():
        for cue in turn.cues:
            hits[cue] += 1
            right[cue] += behaviour[cue] in turn.labels
            if behaviour[cue] not in turn.labels:
                together.update((cue, other) for other in turn.cues if behaviour[other] in turn.labels)
    return [CueReport(cue, tuple(failing_examples(matcher, cue)), hits[cue.id], right[cue.id], _conflicts(cue.id, hits, together)) for cue in cuebook.cues]


def _conflicts(cue: str, hits: Counter[str], together: Counter[tuple[str, str]]) -> tuple[str, ...]:
    """Cues of other behaviours that are right where this one is wrong, in at least a fifth of its hits and three turns."""
    pairs: Iterable[tuple[str, int]] = ((other, n) for (mine, other), n in together.items() if mine == cue)
    return tuple(sorted(other for other, n in pairs if n >= max(3, hits[cue] / 5)))
