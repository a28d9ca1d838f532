"""How often roles inferred from what is said are right, on calls whose roles were hidden.

    OWNERSHIP_SHARED=../shared python benchmarks/roles.py

Reads ``pool/calls.jsonl`` in the folder that ``OWNERSHIP_SHARED`` names (else the folder ``shared`` beside the repository); other files of calls may be
given instead. Speakers become ``spk_0``, ``spk_1`` in an order dealt anew for each call. None of these calls are used in fitting. Printed for each set:

right       of all calls, were all of them given roles
coverage    share of calls that are sure enough to be given roles
right there of the calls that are given roles
at 90 %     of the nine tenths of calls with the highest confidence
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ownership_scorer.readers import Rejected, read
from ownership_scorer.roles import RoleModel, load_roles
from ownership_scorer.transcript import Transcript, Turn

SHARED = Path(os.environ.get("OWNERSHIP_SHARED", Path(__file__).resolve().parents[2] / "shared"))
GREETING = "thank you for calling your call may be recorded for training please hold while we connect you to the next available agent"

Hide = Callable[[Sequence[Turn], random.Random], tuple[list[Turn], dict[str, str]]]


def hidden(turns: Sequence[Turn], deal: random.Random) -> tuple[list[Turn], dict[str, str]]:
    """Return the turns without their roles, and what each label stands for."""
    roles = sorted({turn.speaker for turn in turns})
    deal.shuffle(roles)
    labels = {role: f"spk_{number}" for number, role in enumerate(roles)}
    return [Turn("unknown", turn.text, label=labels[turn.speaker]) for turn in turns], {label: role for role, label in labels.items()}


def beginning(turns: Sequence[Turn], deal: random.Random) -> tuple[list[Turn], dict[str, str]]:
    return hidden(turns[:4], deal)


def plain(turns: Sequence[Turn], deal: random.Random) -> tuple[list[Turn], dict[str, str]]:
    kept = [replace(turn, text="".join(c for c in turn.text.lower() if c not in '.,!?;:…—–"')) for turn in turns]
    return hidden([turn for turn in kept if turn.text.strip()], deal)


def machine(turns: Sequence[Turn], deal: random.Random) -> tuple[list[Turn], dict[str, str]]:
    """Put a recorded greeting before the call."""
    spoken, truth = hidden(turns, deal)
    return [Turn("unknown", GREETING, label="spk_9"), *spoken], {**truth, "spk_9": "other"}


def split(turns: Sequence[Turn], deal: random.Random) -> tuple[list[Turn], dict[str, str]]:
    """Give the later half of one speaker's turns a label of its own, as a diarizer that loses track does."""
    spoken, truth = hidden(turns, deal)
    label = deal.choice(sorted(truth))
    cut = len(spoken) // 2
    return [replace(t, label="spk_2") if n >= cut and t.label == label else t for n, t in enumerate(spoken)], {**truth, "spk_2": truth[label]}


def measure(calls: Sequence[Transcript], model: RoleModel, hide: Hide) -> list[tuple[float, bool, bool]]:
    """Return the confidence of each call, whether agent and customer are who was said, and whether the model gives them these roles."""
    everything = replace(model, threshold=1e-9)
    found = []
    for call in calls:
        turns, truth = hide(call.turns, random.Random(call.call_id))
        anonymous = replace(call, turns=tuple(turns))
        roles, confidence = everything.infer(anonymous)
        told = {label: role for label, role in roles.items() if role in ("agent", "customer")}
        right = len(told) == 2 and all(truth[label] == role for label, role in told.items())
        found.append((confidence, right, bool(model.infer(anonymous)[0])))
    return found


def report(name: str, found: Sequence[tuple[float, bool, bool]]) -> None:
    confidence, right, kept = (np.array(column) for column in zip(*found, strict=True))
    best = np.argsort(-confidence, kind="stable")[: max(1, round(0.9 * len(found)))]
    there = f"{right[kept].mean():11.2%}" if kept.any() else " " * 11
    print(f"{name:<28} {len(found):6,} {right.mean():8.2%} {kept.mean():9.2%} {there} {right[best].mean():8.2%}   {(kept & ~right).sum():5}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="*", type=Path, default=[SHARED / "pool" / "calls.jsonl"], help="files of calls whose roles are known")
    given = parser.parse_args()
    records = [record for file in given.calls for record in read(file)]
    calls = [call for call in records if not isinstance(call, Rejected) and {"agent", "customer"} <= {turn.speaker for turn in call.turns}]
    if not calls:
        parser.error(f"no calls with agent and customer in {', '.join(map(str, given.calls))}; set OWNERSHIP_SHARED or name files")
    model = load_roles()
    print(f"threshold {model.threshold}, {len(model.weights):,} weights; cross-validation on the project's calls: {dict(model.figures)['whole']}\n")
    print(f"{'set':<28} {'calls':>6} {'right':>8} {'coverage':>9} {'right there':>11} {'at 90 %':>8}   wrong")
    began = time.perf_counter()
    found = measure(calls, model, hidden)
    seconds = time.perf_counter() - began
    sets = defaultdict(list)
    for call, result in zip(calls, found, strict=True):
        sets[str(call.metadata.get("set") or call.metadata.get("slice") or "")].append(result)
    for name, results in sorted(sets.items()):
        report(name, results)
    report("all", found)
    for name, hide in (
        ("all, unpunctuated", plain),
        ("all, first four turns", beginning),
        ("all, a greeting machine", machine),
        ("all, one speaker split", split),
    ):
        report(name, measure(calls, model, hide))
    print(f"\n{len(calls) / seconds:,.0f} calls a second, {sum(len(call.turns) for call in calls) / seconds:,.0f} turns a second")


if __name__ == "__main__":
    main()
