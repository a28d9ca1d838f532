"""Measure how long starting takes, each time in a fresh process, against ``import spacy``.

$ python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

PROGRAMS = {
    "python": ["-c", "pass"],
    "import spacy": ["-c", "import spacy"],
    "ownership-scorer --help": ["-m", "ownership_scorer", "--help"],
    "import, load()": ["-c", "import ownership_scorer; ownership_scorer.load()"],
    "import, load(), score one call": [
        "-c",
        "import ownership_scorer as own; own.load().score(own.Transcript.from_text('Customer: It broke.\\nAgent: I am sorry, I will send a new one.'))",
    ],
}


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Return wall time and CPU time of a fresh process."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    for arguments in PROGRAMS.values():
        seconds(arguments)  # byte code and the disk's cache
    taken = {name: [seconds(arguments) for _ in range(given.repeats)] for name, arguments in PROGRAMS.items()}
    spacy = statistics.median(cpu for _, cpu in taken["import spacy"])
    print(f"{'':34}{'wall s':>8}{'CPU s':>8}{'x import spacy':>16}")
    for name, times in taken.items():
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:34}{wall:8.2f}{cpu:8.2f}{cpu / spacy:16.2f}")


if __name__ == "__main__":
    main()
