"""Send generated calls through the batch engine for a long time, and watch its memory.

$ python benchmarks/soak.py --calls 2000000 --minutes 30 --jobs 2 --out soak

Writes ``memory.csv`` (seconds, calls done, resident megabytes of the main process and of its largest worker), ``memory.png`` and ``soak.json``. The calls
are generated first (about 3 GB for two million) and deleted at the end, as are their scores.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from calls import DATA, write

PART = 20_000


def generate(folder: Path, calls: int, source: Path) -> int:
    """Write the calls in files of `PART`; return their bytes."""
    folder.mkdir(parents=True)
    return sum(write(folder / f"calls-{n:05d}.jsonl", min(PART, calls - n * PART), n, source) for n in range(-(-calls // PART)))


def resident(process: psutil.Process) -> tuple[float, float]:
    own = process.memory_info().rss / 1e6
    workers = 0.0
    for child in process.children(recursive=True):
        try:
            workers = max(workers, child.memory_info().rss / 1e6)
        except psutil.Error:
            continue
    return own, workers


def done_calls(out: Path) -> int:
    journal = out / ".unfinished" / "journal"
    try:
        with journal.open("rb") as file:
            file.seek(max(0, journal.stat().st_size - 4000))
            lines = [line for line in file.read().split(b"\n") if line.endswith(b"}")]
        return int(json.loads(lines[-1])["counts"]["records"]) if lines else 0
    except (OSError, ValueError, IndexError):
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000_000)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--model", default=None)
    parser.add_argument("--source", type=Path, default=DATA, help="calls to generate from, a JSON record a line")
    parser.add_argument("--out", type=Path, default=Path("soak"))
    given = parser.parse_args()
    shutil.rmtree(given.out, ignore_errors=True)
    calls = given.out / "in"
    began = time.monotonic()
    size = generate(calls, given.calls, given.source)
    print(f"{given.calls:,} calls generated, {size / 1e6:,.0f} MB, in {time.monotonic() - began:.0f} s")
    command = [sys.executable, "-m", "ownership_scorer", "score", str(calls), "--out", str(given.out / "run"), "--jobs", str(given.jobs)]
    command += ["--model", given.model] if given.model else []
    began = time.monotonic()
    process = subprocess.Popen(command)
    watched = psutil.Process(process.pid)
    rows: list[tuple[float, int, float, float]] = []
    while process.poll() is None:
        try:
            rows.append((round(time.monotonic() - began, 1), done_calls(given.out / "run"), *(round(m, 1) for m in resident(watched))))
        except psutil.Error:
            break
        if time.monotonic() - began > given.minutes * 60:
            os.kill(process.pid, signal.SIGINT)
            break
        time.sleep(1)
    process.wait()
    seconds = time.monotonic() - began
    done = max(r[1] for r in rows) if process.returncode else given.calls
    with (given.out / "memory.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("seconds", "calls", "main_mb", "largest_worker_mb"), *rows])
    # The first tenth fills what is of bounded size; from there on nothing may grow.
    steady = [r for r in rows if r[1] >= done / 10] or rows
    first, last = steady[: max(1, len(steady) // 5)], steady[-max(1, len(steady) // 5) :]
    growth = [sum(r[i] for r in last) / len(last) - sum(r[i] for r in first) / len(first) for i in (2, 3)]
    said = {
        "command": " ".join(sys.argv), "calls": done, "seconds": round(seconds, 1), "calls_a_second": round(done / seconds, 1), "jobs": given.jobs,
        "peak_main_mb": max(r[2] for r in rows), "peak_worker_mb": max(r[3] for r in rows),
        "growth_main_mb": round(growth[0], 1), "growth_worker_mb": round(growth[1], 1),
    }  # fmt: skip
    (given.out / "soak.json").write_text(json.dumps(said, indent=1) + "\n")
    plot(rows, done, given.out / "memory.png")
    shutil.rmtree(calls)
    shutil.rmtree(given.out / "run", ignore_errors=True)
    print(json.dumps(said, indent=1))


def plot(rows: list[tuple[float, int, float, float]], calls: int, path: Path) -> None:
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4))
    minutes = [row[0] / 60 for row in rows]
    axes.plot(minutes, [row[2] for row in rows], label="main process")
    axes.plot(minutes, [row[3] for row in rows], label="largest worker")
    axes.set(xlabel="minutes", ylabel="resident memory, MB", ylim=(0, None), title=f"{calls:,} calls")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
