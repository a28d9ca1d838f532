"""Kill the command line with SIGKILL at random moments, go on with --resume, and compare with an undisturbed run.

$ python benchmarks/kill_test.py --times 50 --jobs 2
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from calls import DATA, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50, help="kills in all")
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--model", default=None)
    parser.add_argument("--source", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    generator = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder / "calls.jsonl", given.calls, 0, given.source)
        write(folder / "more.jsonl", given.calls // 4, 1, given.source)

        def command(out: str) -> list[str]:
            said = [sys.executable, "-m", "ownership_scorer", "score", str(folder / "calls.jsonl"), str(folder / "more.jsonl"), "--out", str(folder / out)]
            said += ["--jobs", str(given.jobs), "--format", given.format, "--resume"]
            return said + (["--model", given.model] if given.model else [])

        began = time.monotonic()
        subprocess.run(command("undisturbed"), check=True, stderr=subprocess.DEVNULL)
        lasts = time.monotonic() - began
        expected = files(folder / "undisturbed")
        kills = runs = half_way = orphans = 0
        while kills < given.times:
            out = folder / f"run{runs}"
            for _ in range(generator.randint(1, 6)):
                process = subprocess.Popen(command(out.name), stderr=subprocess.DEVNULL, start_new_session=True)
                time.sleep(generator.uniform(0.0, lasts))
                workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
                if process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)
                    kills += 1
                process.wait()
                journal = out / ".unfinished" / "journal"
                half_way += journal.exists() and journal.stat().st_size > 0
                _, alive = psutil.wait_procs(workers, timeout=10)
                orphans += len(alive)
            subprocess.run(command(out.name), check=True, stderr=subprocess.DEVNULL)
            found = files(out)
            if found != expected:
                sys.exit(f"run {runs}: {[name for name in expected if found.get(name) != expected[name]]} differ after {kills} kills")
            shutil.rmtree(out)
            runs += 1
            print(f"{kills} kills, {runs} runs, all the same so far", flush=True)
        print(f"{kills} kills in {runs} runs, {half_way} of them with work half done; every run ended with the files of the undisturbed one")
        print(f"{orphans} worker processes outlived their parent by more than 10 s")


def files(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file() and p.name != "run.json"}


if __name__ == "__main__":
    main()
