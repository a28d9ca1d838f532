"""Fits a whole model on labelled calls: features, tagger, rater, calibration; with the figures by cross-validation that go into its manifest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from ownership_scorer.agreement import behaviour_f1, weighted_kappa
from ownership_scorer.arrays import Floats
from ownership_scorer.cuebook import Cuebook
from ownership_scorer.features import FeatureSpace, Rows
from ownership_scorer.matching import CueMatcher
from ownership_scorer.rater import CallRater, RaterSettings, call_features, call_wording, ratings_array
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
from ownership_scorer.scorer import Judgeable, OwnershipScorer, facts
from ownership_scorer.tagger import BehaviourTagger, TaggerSettings, View
from ownership_scorer.transcript import Transcript

#: A behaviour with fewer cases than this has no figure of its own.
_ENOUGH: Final = 10
#: With fewer ratings of calls that a model is for, its spread and intervals come from all calls.
_ENOUGH_CALLS: Final = 50


class LabelledCall(NamedTuple):
    """A call with its labels and ratings.

    Parameters
    ----------
    transcript : Transcript
    labels : dict of int to sequence of str
        Turn index to behaviours; agent turns without an entry show none.
    ratings : dict of str to (float or None)
        Dimension to rating 1-5; None where it could not be judged.
    group : str
        Calls of one group are never split between training and testing (a call, an agent, an industry).
    beside : bool
        Whether it is of another kind than the calls that the model is for, and merely helps it to learn.
    """

    transcript: Transcript
    labels: dict[int, Sequence[str]]
    ratings: dict[str, float | None]
    group: str
    beside: bool = False


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a model is fitted.

    Parameters
    ----------
    tagger, rater : settings of the two layers
    min_calls : int or None
        A run of words is a feature from so many calls on, a pattern from twice as many; None for a 330th of the calls, at least 2.
    folds : int
        Folds of the cross-validation by group, from which calibration, thresholds, intervals and figures come.
    weight : int
        So many times a call counts that the model is for, where there are others beside. Thresholds, level, spread and intervals come from these calls
        alone then: the threshold of a behaviour if at least ten of their turns show it, the rest if fifty of them are rated; figures in any case.
    severity : mapping of str to float
        By how much those who rated these calls rate a dimension more severely than those whose ratings are to be met; is added to its ratings,
        and its intervals become a seventh wider.
    """

    tagger: TaggerSettings = field(default_factory=TaggerSettings)
    rater: RaterSettings = field(default_factory=RaterSettings)
    min_calls: int | None = None
    folds: int = 5
    weight: int = 4
    severity: Mapping[str, float] = field(default_factory=dict)


def fit(
    calls: Sequence[LabelledCall], cuebook: Cuebook | None = None, settings: FitSettings | None = None, judgeable: Judgeable | None = None, jobs: int = 1
) -> tuple[OwnershipScorer, dict[str, Any]]:
    """Fit a model.

    Parameters
    ----------
    calls : sequence of LabelledCall
        At least two groups.
    cuebook : Cuebook, optional
        The shipped cues where left out.
    settings : FitSettings, optional
    judgeable : Judgeable, optional
    jobs : int
        Processes to share the work among, -1 for one a core; the model is the same with any number.

    Returns
    -------
    OwnershipScorer
        Not yet saved.
    dict
        Figures by cross-validation over groups, on the calls that the model is for and before any severity: F1 a behaviour, kappa and coverage a dimension
        (None where none of them is rated), counts.

    Raises
    ------
    ValueError
        For labels or ratings that the rubric does not know, naming call and value; for calls of too few groups.
    """
    settings = settings or FitSettings()
    cuebook = cuebook or Cuebook.read()
    for call in calls:
        _check(call)
    beside = np.array([call.beside for call in calls], dtype=bool)
    home = [call for call in calls if not call.beside]
    for dimension in DIMENSIONS:
        rated = {call.group for call in calls if call.ratings.get(dimension) is not None}
        if len(rated) < 2:
            raise ValueError(f"{dimension}: ratings are needed in at least two groups of calls; {len(rated)} found")
    spoken = {call.group for call in home if any(turn.speaker == "agent" for turn in call.transcript.turns)}
    if len(spoken) < 2:
        whose = "calls that the model is for (not those beside them)" if beside.any() else "calls"
        raise ValueError(f"turns of an agent are needed in at least two groups of {whose}; {len(spoken)} found")
    matcher = CueMatcher(cuebook)
    transcripts = [call.transcript for call in calls]
    read = matcher.read(transcripts)
    space = FeatureSpace.fit(cuebook, read, settings.min_calls or max(2, round(len(calls) / 330)))
    rows = space.rows(read)
    truth = _truth(calls, rows)
    call_facts = facts(read)
    ratings = ratings_array([call.ratings for call in calls])
    folds = assign_folds([call.group for call in calls], settings.folds)

    times = np.where(beside.any() & ~beside, settings.weight, 1)

    def task(training: NDArray[np.bool_]) -> tuple[View, Floats]:
        """Return what a tagger is fitted on."""
        turns = np.repeat(np.arange(len(truth)), (times * training)[rows.call])
        return rows.view.of(turns), truth[turns]

    names = np.unique(folds)
    parts = [folds != fold for fold in names] + [np.ones(len(calls), dtype=bool)]
    *taggers, whole = Parallel(jobs)(delayed(BehaviourTagger.fit)(*task(part), settings.tagger) for part in parts)
    log_odds = np.zeros_like(truth)
    for fold, tagger in zip(names, taggers, strict=True):
        out = np.flatnonzero(folds[rows.call] == fold)
        log_odds[out] = tagger.log_odds(rows.view.of(out))
    tagger = whole.calibrated(log_odds, truth)
    home_turn = ~beside[rows.call]
    # What the rater learns from. Whole groups of a training corpus are harder than real calls turned out to be, so it is half as unsure; calls that the
    # model is for are as hard as those to come.
    learned = (log_odds + tagger.log_odds(rows.view)) / 2
    if beside.any():
        tagger = tagger.calibrated(log_odds[home_turn], truth[home_turn], at_home=True)
        learned[home_turn] = log_odds[home_turn]
    probability = tagger.calibrate(log_odds)

    def summed(probability: Floats) -> Floats:
        return call_features(probability, probability >= tagger.threshold, rows.call, len(calls), call_facts)

    wording = call_wording(rows.view, rows.call, len(calls))
    features, unseen = summed(tagger.calibrate(learned)), summed(probability)
    *raters, last = Parallel(jobs)(
        delayed(CallRater.fit)(features[part], wording.of(part), ratings[part], settings.rater, times[part] if beside.any() else None) for part in parts
    )
    expected = np.zeros_like(ratings)
    for fold, rater in zip(names, raters, strict=True):
        expected[folds == fold] = rater.expected(unseen[folds == fold], wording.of(folds == fold))
    enough = (~np.isnan(ratings[~beside])).sum(axis=0) >= _ENOUGH_CALLS
    rater = last.calibrated(expected, np.where(beside[:, None] & enough, np.nan, ratings))
    severity = np.array([settings.severity.get(dimension, 0) for dimension in DIMENSIONS], dtype=np.float32)
    scorer = OwnershipScorer(cuebook, space, tagger, rater.corrected(severity), judgeable=judgeable or Judgeable())
    return scorer, _figures(tagger, probability[home_turn], truth[home_turn], rater, expected[~beside], ratings[~beside]) | {
        "calls": len(home),
        "calls_beside": int(beside.sum()),
        "agent_turns": int(home_turn.sum()),
        "settings": asdict(settings),
    }


def assign_folds(groups: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Deal groups out to folds of about equal size, the same way each time.

    Parameters
    ----------
    groups : sequence of str
        Group of each call.
    folds : int

    Returns
    -------
    array, shape (calls,)

    Raises
    ------
    ValueError
        With fewer than two groups.
    """
    counts = Counter(groups)
    names, sizes = sorted(counts), [counts[name] for name in sorted(counts)]
    if len(names) < 2:
        raise ValueError(f"cross-validation needs calls of at least two groups; all {len(groups)} calls are of group {groups[0] if groups else None!r}")
    order = sorted(range(len(names)), key=lambda i: (-sizes[i], hashlib.sha256(names[i].encode()).hexdigest()))
    load = np.zeros(min(folds, len(names)), dtype=np.int64)
    fold_of = {}
    for i in order:
        fold = int(load.argmin())
        fold_of[names[i]] = fold
        load[fold] += sizes[i]
    return np.array([fold_of[g] for g in groups])


def data_digest(calls: Sequence[LabelledCall]) -> str:
    """SHA-256 over all that training looks at, whatever the order of the calls."""
    lines = []
    for c in calls:
        turns = [[turn.speaker, turn.text] for turn in c.transcript.turns]
        labels = sorted((turn, list(said)) for turn, said in c.labels.items())
        lines.append(json.dumps([c.transcript.call_id, turns, labels, c.ratings, c.group, c.beside], sort_keys=True))
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _check(call: LabelledCall) -> None:
    name = call.transcript.call_id
    for turn, labels in call.labels.items():
        for label in labels:
            if label not in BEHAVIOURS:
                raise ValueError(f"call {name!r}, turn {turn}: label {label!r}; allowed are {', '.join(BEHAVIOURS)}")
        if labels and not (0 <= turn < len(call.transcript.turns) and call.transcript.turns[turn].speaker == "agent"):
            raise ValueError(f"call {name!r}: labels stand at turn {turn}, which is no agent turn (turns count from 0 after merging)")
    for dimension, rating in call.ratings.items():
        if dimension not in DIMENSIONS:
            raise ValueError(f"call {name!r}: rating of {dimension!r}; allowed are {', '.join(DIMENSIONS)}")
        if rating is not None and not 1 <= rating <= 5:
            raise ValueError(f"call {name!r}: {dimension} is {rating!r}; allowed are 1 to 5, or none")


def _truth(calls: Sequence[LabelledCall], rows: Rows) -> Floats:
    truth = np.zeros((len(rows.call), len(BEHAVIOURS)), dtype=np.float32)
    for i, (c, t) in enumerate(zip(rows.call.tolist(), rows.turn.tolist(), strict=True)):
        for label in calls[c].labels.get(t, ()):
            truth[i, BEHAVIOURS.index(label)] = 1
    return truth


def _figures(tagger: BehaviourTagger, probability: Floats, truth: Floats, rater: CallRater, expected: Floats, ratings: Floats) -> dict[str, Any]:
    f1 = behaviour_f1(probability >= tagger.threshold, truth > 0)
    cases = truth.sum(0)
    score, low, high = rater.finish(expected)
    rated = ~np.isnan(ratings)
    inside = (ratings >= low) & (ratings <= high)
    given = [k for k in range(len(DIMENSIONS)) if rated[:, k].any()]
    return {
        "macro_f1": round(float(np.mean(f1[cases >= _ENOUGH])), 4) if (cases >= _ENOUGH).any() else None,
        "f1": {b: round(float(f1[k]), 4) for k, b in enumerate(BEHAVIOURS) if cases[k] >= _ENOUGH},
        "cases": {b: int(cases[k]) for k, b in enumerate(BEHAVIOURS)},
        "kappa": dict.fromkeys(DIMENSIONS) | {DIMENSIONS[k]: round(weighted_kappa(ratings[:, k], score[:, k]), 4) for k in given},
        "coverage": dict.fromkeys(DIMENSIONS) | {DIMENSIONS[k]: round(float(np.mean(inside[rated[:, k], k])), 4) for k in given},
    }
