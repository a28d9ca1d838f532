"""The whole line: transcripts in, scores with their evidence out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.arrays import Floats, Ints, offsets
from ownership_scorer.cuebook import STATES, Cuebook
from ownership_scorer.evidence import MODEL_SOURCE, NO_AGENT_TURN, SCORED, TOO_FEW_TURNS, TOO_FEW_WORDS, CallScore, Evidence
from ownership_scorer.features import FeatureSpace, Rows
from ownership_scorer.matching import AGENT, CueMatcher, Reading
from ownership_scorer.quoting import around, heaviest, stretches
from ownership_scorer.rater import CallRater, call_features, call_wording
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
from ownership_scorer.tagger import BehaviourTagger
from ownership_scorer.tokenizer import Words
from ownership_scorer.transcript import Transcript

if TYPE_CHECKING:
    import pandas as pd

    from ownership_scorer.readers import ReadOptions

#: Calls read, matched and multiplied together; larger is not faster.
BATCH: Final = 512

_HEARD: Final = ("thanks", "upset", "problem", "request", "declines")


@dataclass(frozen=True, slots=True)
class Judgeable:
    """What a call must have to be rated; its behaviours are found in any case.

    Parameters
    ----------
    min_agent_turns : int
        Fewest agent turns.
    min_agent_words : int
        Fewest words of the agent, over all turns.
    """

    min_agent_turns: int = 2
    min_agent_words: int = 10


@dataclass(frozen=True)
class OwnershipScorer:
    """A model, ready to score. Safe to share between threads and to pickle.

    Parameters
    ----------
    cuebook : Cuebook
    space : FeatureSpace
    tagger : BehaviourTagger
    rater : CallRater
    model_id : str
        Stands in every row of output.
    judgeable : Judgeable
        What a call must have to be rated.
    manifest : dict
        What the model folder says of itself.
    """

    cuebook: Cuebook
    space: FeatureSpace
    tagger: BehaviourTagger
    rater: CallRater
    model_id: str = "unsaved"
    judgeable: Judgeable = field(default_factory=Judgeable)
    manifest: dict[str, Any] = field(default_factory=dict)
    _matcher: CueMatcher = field(init=False, repr=False, compare=False)
    _sources: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matcher", CueMatcher(self.cuebook))
        object.__setattr__(self, "_sources", (*(cue.id for cue in self.cuebook.cues), MODEL_SOURCE))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.cuebook, self.space, self.tagger, self.rater, self.model_id, self.judgeable, self.manifest))

    def score(self, transcript: Transcript) -> CallScore:
        """Score one call.

        Parameters
        ----------
        transcript : Transcript

        Returns
        -------
        CallScore
        """
        return self.score_batch([transcript])[0]

    def score_many(self, transcripts: Iterable[Transcript]) -> Iterator[CallScore]:
        """Score calls one batch after the other; order kept, memory bounded.

        Parameters
        ----------
        transcripts : iterable of Transcript

        Yields
        ------
        CallScore
        """
        pending = iter(transcripts)
        while batch := list(islice(pending, BATCH)):
            yield from self.score_batch(batch)

    def score_batch(self, calls: Sequence[Transcript]) -> list[CallScore]:
        """Score a list of calls in one go.

        Parameters
        ----------
        calls : sequence of Transcript

        Returns
        -------
        list of CallScore
            As ``calls``.
        """
        read = self._matcher.read(calls)
        rows = self.space.rows(read)
        hidden = self.tagger.words.hidden(rows.view.context, rows.view.words)
        probability = self.tagger.probabilities(rows.view, hidden)
        said = probability >= self.tagger.threshold
        evidence = self._evidence(read, rows, probability, said, hidden > 0)
        known = facts(read)
        features = call_features(probability, said, rows.call, len(calls), known)
        rated = self.rater.rate(features, call_wording(rows.view, rows.call, len(calls)))
        agent_turns, agent_words = np.bincount(rows.call, minlength=len(calls)).tolist(), known[:, 0].tolist()
        out = []
        for c, (call, score, low, high) in enumerate(zip(calls, *(np.round(part.astype(float), 2).tolist() for part in rated), strict=True)):
            status = self._status(agent_turns[c], agent_words[c])
            scores = dict(zip(DIMENSIONS, score, strict=True)) if status == SCORED else {}
            intervals = dict(zip(DIMENSIONS, zip(low, high, strict=True), strict=True)) if status == SCORED else {}
            out.append(
                CallScore(call.call_id, call.agent_id, call.customer_id, call.started_at, status, agent_turns[c], scores, intervals, evidence[c], self.model_id)
            )
        return out

    def score_frame(self, turns: pd.DataFrame, options: ReadOptions | None = None) -> pd.DataFrame:
        """Score the calls of a DataFrame, a row a turn or a row a call; see `tables.score_frame`."""
        from ownership_scorer.tables import score_frame

        return score_frame(self, turns, options)

    def evidence_frame(self, turns: pd.DataFrame, options: ReadOptions | None = None) -> pd.DataFrame:
        """Return the evidence in the calls of a DataFrame; see `tables.evidence_frame`."""
        from ownership_scorer.tables import evidence_frame

        return evidence_frame(self, turns, options)

    def _status(self, agent_turns: int, agent_words: float) -> str:
        if not agent_turns:
            return NO_AGENT_TURN
        if agent_turns < self.judgeable.min_agent_turns:
            return TOO_FEW_TURNS
        if agent_words < self.judgeable.min_agent_words:
            return TOO_FEW_WORDS
        return SCORED

    def _evidence(self, read: Reading, rows: Rows, probability: Floats, said: NDArray[np.bool_], active: NDArray[np.bool_]) -> list[list[Evidence]]:
        words = read.words
        agent = read.first_turn[rows.call] + rows.turn
        spoken = np.diff(words.first)[agent] > 0
        row, behaviour = np.nonzero(said & spoken[:, None])
        turn = agent[row]
        hit = self._matcher.best(read, turn, behaviour)
        first, last = words.first[turn], words.first[turn + 1]
        cued = np.flatnonzero(hit >= 0)
        first[cued], last[cued] = around(words.breaks, words.first, read.hits.start[hit[cued]], read.hits.end[hit[cued]])
        whole = np.flatnonzero(hit < 0)
        first[whole], last[whole] = self._narrowed(words, turn[whole], behaviour[whole], active[row[whole]], first[whole], last[whole])
        starts, ends = words.characters(first, last - 1)
        cue = np.append(read.hits.cue, len(self._sources) - 1)[hit]
        values = np.round(probability[row, behaviour].astype(float), 4)
        out: list[list[Evidence]] = [[] for _ in read.first_turn[1:]]
        columns = (rows.call[row], rows.turn[row], turn, behaviour, cue, values)
        for c, t, number, k, source, value, start, end in zip(*(column.tolist() for column in columns), starts, ends, strict=True):
            out[c].append(Evidence(t, start, end, read.texts[number][start:end], BEHAVIOURS[k], self._sources[source], value))
        return out

    def _narrowed(self, words: Words, turn: Ints, behaviour: Ints, active: NDArray[np.bool_], first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Narrow whole turns down to what of them weighed most with the model.

        Parameters
        ----------
        words : Words
        turn, behaviour, first, last : array, shape (findings,)
            Turn and behaviour of each finding; first word of the turn, one past its last.
        active : array, shape (findings, units)
            Which units of the network that weighs single words are not silent in the turn.

        Returns
        -------
        tuple of array
            First word of each quote, one past its last.
        """
        number, begin, end = stretches(words.breaks, first, last)
        several = np.bincount(number, minlength=len(first)) > 1
        if several.any():
            of_several = several[number]
            number, begin, end = (np.cumsum(several) - 1)[number[of_several]], begin[of_several], end[of_several]
            layers, ngrams = self.tagger.words, self.space.ngrams
            outward = active[several] * layers.outer[:, behaviour[several]].T
            weights = ngrams.word_weights(words, turn[several], layers.inner[len(self.space.context) :], outward)
            # The weights lie end to end, so that each turn has a place there, too.
            moved = (offsets(last[several] - first[several])[:-1] - first[several])[number]
            best = heaviest(number, begin + moved, end + moved, weights)
            first[several], last[several] = begin[best], end[best]
        return first, last


def facts(read: Reading) -> Floats:
    """Count what the rater wants to know of calls besides the agent's behaviours.

    Returns
    -------
    array, shape (calls, 6)
        Agent words, then customer turns with thanks, upset, problem, request, declines.
    """
    spoken = np.where(read.speaker == AGENT, np.diff(read.words.first_stem), 0)
    counted = np.column_stack([spoken, read.states[:, [STATES.index(state) for state in _HEARD]]])
    total = np.concatenate([np.zeros((1, counted.shape[1]), dtype=np.int64), np.cumsum(counted, axis=0)])
    return np.diff(total[read.first_turn], axis=0).astype(np.float32)
