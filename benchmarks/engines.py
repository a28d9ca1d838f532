"""Score the same Parquet file of turns in this process, on Dask and on Spark, with 1 and with 2 workers.

$ python benchmarks/engines.py --calls 5000
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from calls import DATA, calls
from ownership_scorer import distributed, load
from ownership_scorer.tables import score_frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--model", default=None)
    parser.add_argument("--source", type=Path, default=DATA)
    parser.add_argument("--engines", default="local,dask,spark")
    given = parser.parse_args()
    rows = [
        {"call_id": c["id"], "turn_index": i, "speaker": t["speaker"], "text": t["text"]}
        for c in calls(given.calls, 0, given.source)
        for i, t in enumerate(c["turns"])
    ]  # fmt: skip
    turns = pd.DataFrame(rows)
    scorer = load(given.model)
    with tempfile.TemporaryDirectory() as place:
        for part in range(8):
            some = turns.iloc[len(turns) * part // 8 : len(turns) * (part + 1) // 8]
            some.to_parquet(Path(place) / f"part-{part}.parquet", index=False)
        if "local" in given.engines:
            # Warm: what is measured on the clusters is warm too.
            score_frames(scorer, turns.iloc[:2000])
            began = time.monotonic()
            score_frames(scorer, turns)
            report("local, this process", given.calls, time.monotonic() - began)
        for workers in (1, 2):
            if "dask" in given.engines:
                report(f"dask, {workers} workers", given.calls, on_dask(place, scorer, workers))
        for workers in (1, 2):
            if "spark" in given.engines:
                report(f"spark, {workers} workers", given.calls, on_spark(place, scorer, workers))


def on_dask(place: str, scorer: Any, workers: int) -> float:
    import dask
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        warm = distributed.dask_tables(dd.read_parquet(place).partitions[:workers], scorer, whole_calls=True)
        dask.compute(warm.scores)
        began = time.monotonic()
        tables = distributed.dask_tables(dd.read_parquet(place), scorer)
        dask.compute(tables.scores, tables.evidence)
        return time.monotonic() - began


def on_spark(place: str, scorer: Any, workers: int) -> float:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", str(4 * workers))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        frame = session.read.parquet(place)
        distributed.spark_tables(frame.limit(500), scorer).scores.count()
        began = time.monotonic()
        tables = distributed.spark_tables(frame, scorer)
        tables.scores.toPandas()
        tables.evidence.toPandas()
        return time.monotonic() - began
    finally:
        session.stop()


def report(name: str, number: int, seconds: float) -> None:
    print(f"{name:<24}{seconds:8.1f} s {number / seconds:10,.0f} calls/s", flush=True)


if __name__ == "__main__":
    main()
