"""Calls for the benchmarks: those of ``data/calls.jsonl`` over and over, each with an id of its own and its turns dealt anew."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "calls.jsonl"


def calls(number: int, seed: int = 0, source: Path = DATA) -> Iterator[dict[str, Any]]:
    """Yield calls in the project's own shape.

    Every fourth turn is taken from another call, and carries a number never seen before, so that neither turns nor words repeat exactly: a memory that
    grows with what it has seen shows itself.
    """
    pool = [json.loads(line) for line in source.open(encoding="utf-8")]
    turns = {role: [t["text"] for c in pool for t in c["turns"] if t["speaker"] == role] for role in ("agent", "customer")}
    generator = random.Random(seed)
    for n in range(number):
        model = pool[n % len(pool)]
        spoken = []
        for turn in model["turns"]:
            text = turn["text"]
            if turn["speaker"] in turns and generator.random() < 0.25:
                text = f"{generator.choice(turns[turn['speaker']])} ref{generator.randrange(10**9):x}"
            spoken.append({"speaker": turn["speaker"], "text": text})
        yield {"id": f"call-{seed}-{n:08d}", "agent_id": f"a{n % 997}", "turns": spoken}


def write(path: Path, number: int, seed: int = 0, source: Path = DATA) -> int:
    """Write calls as JSON lines; return the bytes written."""
    with path.open("w", encoding="utf-8") as file:
        for call in calls(number, seed, source):
            file.write(json.dumps(call) + "\n")
    return path.stat().st_size
