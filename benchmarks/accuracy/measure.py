"""Every accuracy figure of the project.

    python benchmarks/accuracy/measure.py shipped  REFERENCE.jsonl     the shipped model on labelled calls that it has never seen
    python benchmarks/accuracy/measure.py retrain  REFERENCE.jsonl     trained on the sets' own labels with data/ beside them, 5-fold by call
    python benchmarks/accuracy/measure.py domains  REFERENCE.jsonl     leave one domain out: data/ and all sets but one, tested on that one
    python benchmarks/accuracy/measure.py plain    data/calls.jsonl    as written against lower case without punctuation
    python benchmarks/accuracy/measure.py flips    data/calls.jsonl    names, towns, spelling and the customer's politeness swapped
    python benchmarks/accuracy/measure.py errors   REFERENCE.jsonl     the surest errors of each behaviour (prints no transcript, only call and turn)

REFERENCE.jsonl holds a call a line: id, set, turns, labels, ratings. Intervals are 95 % percentile bootstraps over calls.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ownership_scorer import modelstore
from ownership_scorer.agreement import behaviour_f1, bootstrap, weighted_kappa
from ownership_scorer.cuebook import Cuebook
from ownership_scorer.evidence import CallScore
from ownership_scorer.rater import ratings_array
from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
from ownership_scorer.scorer import OwnershipScorer
from ownership_scorer.training import FitSettings, LabelledCall, fit
from ownership_scorer.transcript import Transcript, Turn

DATA = Path(__file__).parents[2] / "data" / "calls.jsonl"
#: A behaviour with fewer cases than this does not enter a mean.
ENOUGH = 10
#: Folds within each refit from which calibration and thresholds come; fewer than for the shipped model, for time.
INNER_FOLDS = 3


def labelled(path: Path) -> list[LabelledCall]:
    calls = []
    for line in path.read_text(encoding="utf-8").splitlines():
        c = json.loads(line)
        turns = tuple(Turn(t["speaker"], t["text"], t.get("start"), t.get("end")) for t in c["turns"])
        group = c.get("slice") or c.get("set") or "all"
        calls.append(LabelledCall(Transcript(c["id"], turns), {int(t): tuple(v) for t, v in c["labels"].items()}, c["ratings"], group))
    return calls


class Held:
    """Calls with what the reference and the model say of them, as arrays."""

    def __init__(self, calls: Sequence[LabelledCall], results: Sequence[CallScore]) -> None:
        self.true, self.said, self.call = [], [], []
        for i, (call, result) in enumerate(zip(calls, results, strict=True)):
            said = {(e.turn, e.behaviour) for e in result.evidence}
            for t, turn in enumerate(call.transcript.turns):
                if turn.speaker == "agent":
                    self.true.append([b in call.labels.get(t, ()) for b in BEHAVIOURS])
                    self.said.append([(t, b) in said for b in BEHAVIOURS])
                    self.call.append(i)
        self.true, self.said, self.call = np.array(self.true), np.array(self.said), np.array(self.call)
        n = len(calls)
        self.counts = np.zeros((n, len(BEHAVIOURS), 3))
        for k, hit in enumerate((self.true & self.said, self.said & ~self.true, self.true & ~self.said)):
            np.add.at(self.counts[:, :, k], self.call, hit)
        self.ratings = ratings_array([c.ratings for c in calls])
        self.scores = np.array([[r.scores.get(d, np.nan) for d in DIMENSIONS] for r in results])
        ends = np.array([[r.intervals.get(d, (np.nan, np.nan)) for d in DIMENSIONS] for r in results])
        self.low, self.high = ends[:, :, 0], ends[:, :, 1]

    def macro(self, draw: np.ndarray) -> float:
        tp, fp, fn = self.counts[draw].sum(0).T
        enough = (self.counts[:, :, 0] + self.counts[:, :, 2]).sum(0) >= ENOUGH
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.nanmean((2 * tp / (2 * tp + fp + fn))[enough]))

    def kappa(self, draw: np.ndarray) -> float:
        return float(np.nanmean([weighted_kappa(self.ratings[draw, d], self.scores[draw, d]) for d in range(len(DIMENSIONS))]))

    def report(self, title: str, detail: bool = True) -> None:
        n = len(self.ratings)
        every = np.arange(n)
        low, high = bootstrap(self.macro, n)
        klow, khigh = bootstrap(self.kappa, n, rounds=300)
        print(f"{title}: {n} calls, macro F1 {self.macro(every):.3f} ({low:.3f}-{high:.3f}), mean kappa {self.kappa(every):.3f} ({klow:.3f}-{khigh:.3f})")
        if not detail:
            return
        f1 = behaviour_f1(self.said, self.true)
        for k, b in enumerate(BEHAVIOURS):
            tp, fp, fn = self.counts[:, k].sum(0)
            print(f"  {b:18} n {int(tp + fn):5}  precision {tp / max(1, tp + fp):.2f}  recall {tp / max(1, tp + fn):.2f}  F1 {f1[k]:.2f}")
        for d, name in enumerate(DIMENSIONS):
            rated = ~np.isnan(self.ratings[:, d]) & ~np.isnan(self.scores[:, d])
            inside = (self.ratings[rated, d] >= self.low[rated, d]) & (self.ratings[rated, d] <= self.high[rated, d])
            error = np.abs(self.ratings[rated, d] - self.scores[rated, d]).mean()
            print(
                f"  {name:18} n {rated.sum():5}  kappa {weighted_kappa(self.ratings[:, d], self.scores[:, d]):.3f}  error {error:.2f}  interval covers {inside.mean():.2f}"
            )
        own = DIMENSIONS.index("ownership")
        rated = ~np.isnan(self.ratings[:, own]) & ~np.isnan(self.scores[:, own])
        bad, score = self.ratings[rated, own] <= 2, self.scores[rated, own]
        worst = np.argsort(score, kind="stable")[: max(1, round(len(score) / 10))]
        print(
            f"  bad calls (ownership 1-2) in the worst-scored tenth: {bad[worst].mean():.2f} against {bad.mean():.2f} at random, {bad[worst].mean() / bad.mean():.1f} times"
        )


def shipped(path: Path, scorer: OwnershipScorer) -> None:
    calls = labelled(path)
    results = list(scorer.score_many(c.transcript for c in calls))
    Held(calls, results).report(f"model {scorer.model_id} on {path.name}")
    by_set(calls, results)


def held_out(calls: Sequence[LabelledCall], fold: Sequence[object], home: bool) -> list[CallScore]:
    """Score each labelled call with a model fitted on data/ and the labelled calls of all other folds; these are what it is for (``home``), or just more calls."""
    data = [call._replace(beside=home) for call in labelled(DATA)]
    known = [call._replace(group=call.transcript.call_id) for call in calls] if home else calls
    results: list[CallScore | None] = [None] * len(calls)
    for f in sorted(set(fold), key=str):
        scorer, _ = fit(data + [c for c, k in zip(known, fold, strict=True) if k != f], Cuebook.read(), FitSettings(folds=INNER_FOLDS), jobs=-1)
        for i, call in enumerate(calls):
            if fold[i] == f:
                results[i] = scorer.score(call.transcript)
        print(f"without fold {f}: done", flush=True)
    return [result for result in results if result is not None]


def retrain(path: Path, folds: int = 5) -> None:
    calls = labelled(path)
    results = held_out(calls, (np.random.default_rng(0).permutation(len(calls)) % folds).tolist(), home=True)
    Held(calls, results).report("data/ plus the sets' own labels, 5-fold by call")
    by_set(calls, results)


def domains(path: Path) -> None:
    calls = labelled(path)
    results = held_out(calls, [c.group for c in calls], home=False)
    Held(calls, results).report("data/ plus the labels of all other sets, one set left out at a time")
    by_set(calls, results)


def by_set(calls: Sequence[LabelledCall], results: Sequence[CallScore]) -> None:
    for group in sorted({c.group for c in calls}):
        here = [i for i, c in enumerate(calls) if c.group == group]
        Held([calls[i] for i in here], [results[i] for i in here]).report(f"  {group}", detail=False)


def plain_copy(call: Transcript) -> Transcript:
    """Return a call as raw speech recognition would write it: lower case, no punctuation but apostrophes, hyphens and marks."""
    turns = []
    for turn in call.turns:
        kept = "".join(c if c.isalnum() or c in "'’-[]#@_<>*" or c.isspace() else " " for c in turn.text.lower())
        turns.append(Turn(turn.speaker, kept if kept.strip() else turn.text))
    return Transcript(call.call_id, tuple(turns))


def plain(path: Path, scorer: OwnershipScorer) -> None:
    calls = [c.transcript for c in labelled(path)]
    report_change("lower case without punctuation", calls, [plain_copy(c) for c in calls], scorer)


def report_change(title: str, before: Sequence[Transcript], after: Sequence[Transcript], scorer: OwnershipScorer) -> None:
    pairs = [(a, b) for a, b in zip(scorer.score_many(before), scorer.score_many(after), strict=True) if a.scores and b.scores]
    change = np.array([[abs(a.scores[d] - b.scores[d]) for d in DIMENSIONS] for a, b in pairs])
    changed = sum(x != y for x, y in zip(before, after, strict=True))
    print(
        f"{title}: {changed} of {len(before)} calls differ in text; mean absolute change {change.mean():.3f} "
        + " ".join(f"{d} {m:.3f}" for d, m in zip(DIMENSIONS, change.mean(0), strict=True))
    )


_NAMES = [
    "james",
    "mary",
    "john",
    "linda",
    "michael",
    "sarah",
    "david",
    "karen",
    "robert",
    "susan",
    "daniel",
    "emma",
    "tom",
    "anna",
    "chris",
    "laura",
    "sam",
    "kate",
]
_OTHER = [
    "kwame",
    "aisha",
    "mohammed",
    "priya",
    "jamal",
    "fatima",
    "diego",
    "mei",
    "ravi",
    "olga",
    "nikhil",
    "zanele",
    "hassan",
    "ying",
    "carlos",
    "leila",
    "ahmed",
    "noor",
]
_TOWNS = ["london", "manchester", "leeds", "bristol", "boston", "chicago", "denver", "dallas", "seattle", "dublin", "cork", "glasgow"]
_OTHER_TOWNS = ["mumbai", "lagos", "manila", "karachi", "nairobi", "lima", "dhaka", "accra", "quito", "hanoi", "tunis", "minsk"]
_SPELLING = {
    "apologise": "apologize",
    "organise": "organize",
    "colour": "color",
    "cheque": "check",
    "centre": "center",
    "favour": "favor",
    "mum": "mom",
    "programme": "program",
    "cancelled": "canceled",
    "realise": "realize",
    "recognise": "recognize",
    "licence": "license",
}
_POLITE = re.compile(r"\b(?:please|thank you(?: very much| so much)?|thanks(?: a lot)?|cheers|sorry|ta|kindly)\b[,.!]?\s*", re.IGNORECASE)


def swap(call: Transcript, table: dict[str, str], customer_only: bool = False) -> Transcript:
    pattern = re.compile(r"\b(" + "|".join(table) + r")\b", re.IGNORECASE)

    def other(found: re.Match[str]) -> str:
        word = table[found[0].lower()]
        return word.title() if found[0][0].isupper() else word

    turns = [Turn(t.speaker, t.text if customer_only and t.speaker != "customer" else pattern.sub(other, t.text)) for t in call.turns]
    return Transcript(call.call_id, tuple(turns))


def impolite(call: Transcript) -> Transcript:
    turns = [Turn(t.speaker, (_POLITE.sub("", t.text).strip() or t.text) if t.speaker == "customer" else t.text) for t in call.turns]
    return Transcript(call.call_id, tuple(turns))


def flips(path: Path, scorer: OwnershipScorer) -> None:
    calls = [Transcript(c.transcript.call_id, tuple(Turn(t.speaker, t.text) for t in c.transcript.turns)) for c in labelled(path)]
    swaps = {
        "names": dict(zip(_NAMES, _OTHER, strict=True)),
        "towns": dict(zip(_TOWNS, _OTHER_TOWNS, strict=True)),
        "spelling": _SPELLING | {v: k for k, v in _SPELLING.items() if v != "check"},
    }
    for title, table in swaps.items():
        pairs = [(c, s) for c in calls if (s := swap(c, table)) != c]
        report_change(f"{title} swapped", [a for a, _ in pairs], [b for _, b in pairs], scorer)
    pairs = [(c, s) for c in calls if (s := impolite(c)) != c]
    report_change("customer's politeness removed", [a for a, _ in pairs], [b for _, b in pairs], scorer)


def errors(path: Path, scorer: OwnershipScorer, most: int = 20) -> None:
    calls = labelled(path)
    for b in BEHAVIOURS:
        false_alarms, misses = [], []
        for call, result in zip(calls, scorer.score_many(c.transcript for c in calls), strict=True):
            said = {e.turn: e for e in result.evidence if e.behaviour == b}
            false_alarms += [(e.probability, call.transcript.call_id, t, e.source) for t, e in said.items() if b not in call.labels.get(t, ())]
            misses += [
                (call.transcript.call_id, t, ",".join(sorted({e.behaviour for e in result.evidence if e.turn == t})))
                for t, v in call.labels.items()
                if b in v and t not in said
            ]
        print(f"{b}: {len(false_alarms)} false alarms, {len(misses)} misses")
        for probability, call_id, t, source in sorted(false_alarms, reverse=True)[:most]:
            print(f"  said    {call_id} turn {t} p {probability:.2f} {source}")
        for call_id, t, instead in misses[:most]:
            print(f"  missed  {call_id} turn {t} said instead: {instead or 'nothing'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["shipped", "retrain", "domains", "plain", "flips", "errors"])
    parser.add_argument("calls", type=Path)
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    if given.what in ("retrain", "domains"):
        {"retrain": retrain, "domains": domains}[given.what](given.calls)
    else:
        {"shipped": shipped, "plain": plain, "flips": flips, "errors": errors}[given.what](given.calls, modelstore.load(given.model))


if __name__ == "__main__":
    main()
