"""The whole line: transcripts in, scores with their evidence out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.cuebook import STATES, Cuebook
from ownership_scorer.evidence import MODEL_SOURCE, NO_AGENT_TURN, SCORED, TOO_FEW_TURNS, TOO_FEW_WORDS, CallScore, Evidence
from ownership_scorer.features import FeatureSpace, Rows
from ownership_scorer.matching import CueMatcher, ReadTurn
from ownership_scorer.quoting import around, heaviest
from ownership_scorer.rater import CallRater, Floats, call_features
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
from ownership_scorer.tagger import BehaviourTagger
from ownership_scorer.transcript import Transcript

if TYPE_CHECKING:
    import pandas as pd

    from ownership_scorer.readers import ReadOptions

#: Calls read, matched and multiplied together; larger is not faster.
BATCH: Final = 256

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matcher", CueMatcher(self.cuebook))

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
        probability = self.tagger.probabilities(rows.matrix)
        evidence = self._evidence(calls, read, rows, probability)
        score, low, high = self.rater.rate(call_features(probability, rows.call, len(calls), facts(read), rows.matrix[:, : len(self.space.dense)]))
        agent_turns = np.bincount(rows.call, minlength=len(calls)).tolist()
        out = []
        for c, call in enumerate(calls):
            status = self._status(read[c], agent_turns[c])
            scores = dict(zip(DIMENSIONS, np.round(score[c], 2).tolist(), strict=True)) if status == SCORED else {}
            ends = zip(np.round(low[c], 2).tolist(), np.round(high[c], 2).tolist(), strict=True)
            intervals = dict(zip(DIMENSIONS, ends, strict=True)) if status == SCORED else {}
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

    def _status(self, turns: Sequence[ReadTurn], agent_turns: int) -> str:
        if not agent_turns:
            return NO_AGENT_TURN
        if agent_turns < self.judgeable.min_agent_turns:
            return TOO_FEW_TURNS
        if sum(len(t.tokens.stems) for t in turns if t.speaker == "agent") < self.judgeable.min_agent_words:
            return TOO_FEW_WORDS
        return SCORED

    def _evidence(self, calls: Sequence[Transcript], read: Sequence[Sequence[ReadTurn]], rows: Rows, probability: Floats) -> list[list[Evidence]]:
        out: list[list[Evidence]] = [[] for _ in calls]
        shown, behaviours = np.nonzero(probability >= self.tagger.threshold)
        values = np.round(probability[shown, behaviours].astype(float), 4).tolist()
        cues = self.cuebook.cues
        last_row, spans = -1, []
        where = zip(shown.tolist(), rows.call[shown].tolist(), rows.turn[shown].tolist(), behaviours.tolist(), values, strict=True)
        for row, c, t, k, value in where:
            turn, text = read[c][t], calls[c].turns[t].text
            if not turn.tokens.words:
                continue
            behaviour = BEHAVIOURS[k]
            hits = [hit for hit in turn.hits if cues[hit.cue].behaviour == behaviour]
            if hits:
                hit = max(hits, key=lambda h: (h.end - h.start, -h.start))
                source = cues[hit.cue].id
                first, last = around(turn.tokens.breaks, hit.start, hit.end)
            else:
                source = MODEL_SOURCE
                first, last = heaviest(turn.tokens.breaks, lambda row=row, k=k, turn=turn: self._word_weights(rows, row, k, turn))
            if row != last_row:
                last_row, spans = row, self._matcher.tokenizer.spans(text)
            start, end = spans[first][0], spans[last - 1][1]
            out[c].append(Evidence(t, start, end, text[start:end], behaviour, source, value))
        return out

    def _word_weights(self, rows: Rows, row: int, behaviour: int, turn: ReadTurn) -> NDArray[np.float64]:
        weights = self.tagger.weights(rows.matrix[row], behaviour)
        return self.space.word_weights(turn.tokens.words, dict(zip(weights.indices.tolist(), weights.data.tolist(), strict=True)))


def facts(read: Sequence[Sequence[ReadTurn]]) -> Floats:
    """Count what the rater wants to know of calls besides the agent's behaviours.

    Returns
    -------
    array, shape (calls, 6)
        Agent words, then customer turns with thanks, upset, problem, request, declines.
    """
    if not set(_HEARD) <= set(STATES):
        raise AssertionError(_HEARD)
    out = np.zeros((len(read), 1 + len(_HEARD)), dtype=np.float32)
    for c, turns in enumerate(read):
        for turn in turns:
            if turn.speaker == "agent":
                out[c, 0] += len(turn.tokens.stems)
            elif turn.states:
                for s, state in enumerate(_HEARD, start=1):
                    out[c, s] += state in turn.states
    return out
