"""Measure what scoring costs, against spaCy's tokenizer alone and a naive peer, in one process and one run.

$ python benchmarks/speed.py --calls 50000

(a) spaCy's blank English tokenizer over all turns of both speakers; (b) transcripts in memory to scores and evidence; (c) scikit-learn word n-grams and
logistic regression over the agent's turns, fitted beforehand; (d) MiniLM sentence embeddings of the agent's turns, where sentence-transformers is installed.

Two rounds: the calls as they are, once, with every memory empty (spaCy's as well as our own); then repeated with fresh ids, where whatever a program
remembers of turns and words helps it: no fresh text comes. The truth for a stream of new calls lies near the first. Times are of the CPU, the median of
the repeats; calls a second are of one core.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

# One core each: a ratio of CPU times says nothing where one side may spread over threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import ownership_scorer as own
from ownership_scorer import runs

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data" / "calls.jsonl"


def pool() -> Path:
    """Return the file of real calls beside the project, or the project's own data."""
    shared = Path(os.environ.get("OWNERSHIP_SHARED", ROOT.parent / "shared")) / "pool" / "calls.jsonl"
    return shared if shared.is_file() else DATA


def load(path: Path) -> list[own.Transcript]:
    """Read calls in the project's own shape, a JSON record a line."""
    records = [json.loads(line) for line in path.open(encoding="utf-8")]
    return [own.Transcript(r["id"], tuple(own.Turn(t["speaker"], t["text"]) for t in r["turns"])) for r in records]


def repeated(calls: Sequence[own.Transcript], number: int) -> Iterator[own.Transcript]:
    return (replace(call, call_id=f"{call.call_id}-{n}") for n, call in enumerate(islice(cycle(calls), number)))


def tokenizer() -> Callable[[Sequence[own.Transcript]], None]:
    from spacy.lang.en import English

    tokenize = English().tokenizer

    def run(calls: Sequence[own.Transcript]) -> None:
        for call in calls:
            for turn in call.turns:
                tokenize(turn.text)

    return run


def scoring(model: str | None) -> Callable[[Sequence[own.Transcript]], None]:
    scorer = own.load(model)
    runs.forget()
    # What is imported at the first call is no part of scoring; its few words are no help later.
    scorer.score(own.Transcript("first", (own.Turn("agent", "“”"),)))

    def run(calls: Sequence[own.Transcript]) -> None:
        for _ in scorer.score_many(calls):
            pass

    return run


def naive() -> Callable[[Sequence[own.Transcript]], None]:
    """Return word n-grams and logistic regression, one for each behaviour, fitted on the project's own calls."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    texts, truth = [], []
    for line in DATA.open(encoding="utf-8"):
        record = json.loads(line)
        for index, turn in enumerate(record["turns"]):
            if turn["speaker"] == "agent":
                texts.append(turn["text"])
                truth.append([behaviour in record.get("labels", {}).get(str(index), ()) for behaviour in own.BEHAVIOURS])
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = OneVsRestClassifier(LogisticRegression(max_iter=500)).fit(vectorizer.fit_transform(texts), np.array(truth))

    def run(calls: Sequence[own.Transcript]) -> None:
        spoken = iter([turn.text for call in calls for turn in call.turns if turn.speaker == "agent"])
        while batch := list(islice(spoken, 1024)):
            model.predict_proba(vectorizer.transform(batch))

    return run


def embeddings() -> Callable[[Sequence[own.Transcript]], None]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer("all-MiniLM-L6-v2", device="cpu")

    def run(calls: Sequence[own.Transcript]) -> None:
        model.encode([turn.text for call in calls for turn in call.turns if turn.speaker == "agent"], batch_size=64)

    return run


def seconds(run: Callable[[Sequence[own.Transcript]], None], calls: Sequence[own.Transcript]) -> float:
    began = time.process_time()
    run(calls)
    return time.process_time() - began


def peak() -> float:
    """Return the most memory the process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(title: str, times: dict[str, list[float]], calls: int, megabytes: float) -> None:
    print(f"\n{title}: {calls:,} calls, {megabytes:.1f} MB of text")
    print(f"{'':36}{'seconds':>9}{'calls/s':>10}{'MB/s':>8}{'x (a)':>8}")
    base = times["(a) spaCy tokenizer, all turns"]
    for name, taken in times.items():
        middle = statistics.median(taken)
        ratio = statistics.median(t / a for t, a in zip(taken, base, strict=False))
        print(f"{name:36}{middle:9.2f}{calls / middle:10,.0f}{megabytes / middle:8.2f}{ratio:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, default=pool(), help="calls, a JSON record a line; by default those in $OWNERSHIP_SHARED/pool or ../shared/pool")
    parser.add_argument("--calls", type=int, default=50_000, help="calls of the second round")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default=None)
    parser.add_argument("--minilm", action="store_true", help="measure (d), too; slow")
    given = parser.parse_args()
    if given.pool == DATA:
        print("no pool of real calls found: these are the project's own calls, data/calls.jsonl")
    calls = load(given.pool)
    megabytes = sum(len(turn.text.encode()) for call in calls for turn in call.turns) / 1e6
    makers: dict[str, Callable[[], Callable[[Sequence[own.Transcript]], None]]] = {
        "(a) spaCy tokenizer, all turns": tokenizer,
        "(b) scoring, to scores and evidence": lambda: scoring(given.model),
        "(c) n-grams + logistic regression": naive,
    }
    if given.minilm and importlib.util.find_spec("sentence_transformers"):
        makers["(d) MiniLM embeddings"] = embeddings
    elif given.minilm:
        print("(d) left out: sentence-transformers is not installed")
    first: dict[str, list[float]] = {name: [] for name in makers}
    again: dict[str, list[float]] = {name: [] for name in makers}
    ready = dict.fromkeys(makers)
    once = {"(c) n-grams + logistic regression": naive()}  # it remembers nothing, one will do
    before = peak()
    for _ in range(given.repeats):
        for name, make in makers.items():
            run = ready[name] = once.get(name) or make()
            first[name].append(seconds(run, calls))
    after = peak()
    report("Once, nothing remembered", first, len(calls), megabytes)
    for _ in range(given.repeats):
        for name in makers:
            run = ready[name]
            assert run is not None
            taken = 0.0
            fresh = repeated(calls, given.calls)
            while batch := list(islice(fresh, 2_000)):
                taken += seconds(run, batch)
            again[name].append(taken)
    report("Repeated with fresh ids", again, given.calls, megabytes / len(calls) * given.calls)
    print(f"\npeak memory: {before:.0f} MB with models and calls in memory, {after:.0f} MB after the first round, {peak():.0f} MB after the second")


if __name__ == "__main__":
    main()
