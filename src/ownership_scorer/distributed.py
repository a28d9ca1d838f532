"""Scoring beyond one machine, on Dask and on Spark. The unit of work on both is `tables.score_frames`, a pure function of the turns of some calls.

Turns may lie in any partition: those of a call are brought together first, in the order in which they came. A worker process is given the model once, by
a Dask plugin or a Spark broadcast; a task carries the model's id alone.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ownership_scorer import modelstore
from ownership_scorer.batchparts import BatchError, Counts
from ownership_scorer.readers import ReadError, ReadOptions
from ownership_scorer.readers.columns import map_columns, shown
from ownership_scorer.tables import (
    EVIDENCE_COLUMNS,
    NUMBERS,
    REJECTED_COLUMNS,
    SCORE_COLUMNS,
    WHOLE_NUMBERS,
    Frames,
    csv_line,
    frame,
    score_frames,
)

if TYPE_CHECKING:
    import pandas as pd

    from ownership_scorer.scorer import OwnershipScorer

#: Column that keeps the order in which the turns came; made here, and gone before a reader sees the frame.
_ORDER: Final = "_own_order"
_RESULT: Final = "_own_result"
#: Room for the rows of a partition in `_ORDER`.
_ROOM: Final = 2**33

# The models that this process has been given, by id.
_models: dict[str, OwnershipScorer] = {}
_lock = Lock()


class Tables(NamedTuple):
    """Lazy tables of an engine, with the columns of `tables.Frames`."""

    scores: Any
    evidence: Any
    rejected: Any


def _hold(key: str, packed: bytes) -> OwnershipScorer:
    with _lock:
        if key not in _models:
            # Written by `pickle.dumps` in the process that gives out the work, never read from a file.
            _models[key] = pickle.loads(packed)  # noqa: S301
        return _models[key]


def _call_column(columns: Iterable[str], options: ReadOptions) -> str:
    headings = [str(c) for c in columns]
    found = map_columns(headings, options.columns)
    if "call_id" not in found:
        raise ReadError(f"no column with the id of the call; headings found: {shown(headings)}; name one with columns={{'call_id': heading}}")
    return found["call_id"]


def _in_order(turns: pd.DataFrame, call_column: str) -> pd.DataFrame:
    """Put turns back into the order in which they came, the rows of a call together."""
    if _ORDER not in turns.columns:
        return turns
    first = turns.groupby(call_column, sort=False, dropna=False)[_ORDER].transform("min")
    ordered = turns.assign(**{_RESULT: first}).sort_values([_RESULT, _ORDER], kind="stable")
    return ordered.drop(columns=[_ORDER, _RESULT]).reset_index(drop=True)


# --- Dask ------------------------------------------------------------------------------------------------------------


def dask_tables(turns: Any, model: OwnershipScorer | str | Path | None = None, *, options: ReadOptions | None = None, whole_calls: bool = False) -> Tables:
    """Score a Dask DataFrame of turns.

    Parameters
    ----------
    turns : dask.dataframe.DataFrame
        A row a turn (call id, speaker, text) or a row a call; columns as `readers.read_frame` knows them.
    model : OwnershipScorer, path or None
        The model, its folder, or None for the shipped one.
    options : readers.ReadOptions, optional
        How to read.
    whole_calls : bool
        No call is spread over partitions, so that nothing has to be moved.

    Returns
    -------
    Tables
        Dask DataFrames. Compute or write them in one `dask.compute`, so that each call is scored once.

    Raises
    ------
    readers.ReadError
        Without a column that names the call.
    """
    import dask.dataframe as dd
    from dask.delayed import delayed

    options = options or ReadOptions()
    scorer = _given(model)
    call_column = _call_column(turns.columns, options)
    _give_to_dask(scorer)
    if not whole_calls and turns.npartitions > 1:
        # An id that is missing must not be lost, and its row is one to reject.
        turns = turns.map_partitions(_numbered, meta=_numbered(turns._meta)).shuffle(call_column)
    unit = delayed(_score_partition, pure=False, nout=3)
    parts = [unit(part, scorer.model_id, call_column, options) for part in turns.to_delayed()]
    empty = [frame([], columns) for columns in (SCORE_COLUMNS, EVIDENCE_COLUMNS, REJECTED_COLUMNS)]
    return Tables(*(dd.from_delayed([part[i] for part in parts], meta=meta, verify_meta=False) for i, meta in enumerate(empty)))


def _numbered(part: pd.DataFrame, partition_info: dict[str, Any] | None = None) -> pd.DataFrame:
    number = partition_info["number"] if partition_info else 0
    return part.assign(**{_ORDER: range(number * _ROOM, number * _ROOM + len(part))}).astype({_ORDER: "int64"})


def _score_partition(part: pd.DataFrame, model_id: str, call_column: str, options: ReadOptions) -> Frames:
    if model_id not in _models:
        raise BatchError("this worker has not been given the model; score through the client that ownership_scorer.distributed was called with")
    return score_frames(_models[model_id], _in_order(part, call_column), options)


def _give_to_dask(scorer: OwnershipScorer) -> None:
    """Give the model to every worker there is and will be; without a cluster, to this process."""
    with _lock:
        _models.setdefault(scorer.model_id, scorer)
    try:
        from distributed import WorkerPlugin, get_client
    except ImportError:
        return
    try:
        client = get_client()
    except ValueError:
        return

    class Model(WorkerPlugin):
        """Unpacks the model in a worker, once."""

        def __init__(self, key: str, packed: bytes) -> None:
            self.key = self.name = key
            self.packed = packed

        def setup(self, worker: Any) -> None:
            from ownership_scorer.distributed import _hold

            _hold(self.key, self.packed)

    client.register_plugin(Model(scorer.model_id, pickle.dumps(scorer)), name=f"ownership-scorer-{scorer.model_id}")


# --- Spark -----------------------------------------------------------------------------------------------------------


def spark_schema() -> Any:
    """Return the schema of what a Spark task gives back: the columns of the scores, ``evidence`` as a list, and why a record was rejected."""
    from pyspark.sql import types as t

    def fields(columns: Sequence[str]) -> list[Any]:
        return [t.StructField(c, t.DoubleType() if c in NUMBERS else t.LongType() if c in WHOLE_NUMBERS else t.StringType()) for c in columns]

    evidence = t.ArrayType(t.StructType(fields(EVIDENCE_COLUMNS[1:])))
    return t.StructType([*fields(SCORE_COLUMNS), t.StructField("evidence", evidence), *fields(("line", "reason"))])


def spark_tables(turns: Any, model: OwnershipScorer | str | Path | None = None, *, options: ReadOptions | None = None, partitions: int | None = None) -> Tables:
    """Score a Spark DataFrame of turns, with ``mapInPandas``.

    Parameters
    ----------
    turns : pyspark.sql.DataFrame
        As for `dask_tables`.
    model, options
        As for `dask_tables`.
    partitions : int, optional
        Into how many the calls are dealt; Spark's setting for shuffles where left out.

    Returns
    -------
    Tables
        Spark DataFrames over one that is persisted, so that each call is scored once.

    Raises
    ------
    readers.ReadError
        Without a column that names the call.
    """
    from pyspark.sql import functions as f

    options = options or ReadOptions()
    scorer = _given(model)
    call_column = _call_column(turns.columns, options)
    broadcast = turns.sparkSession.sparkContext.broadcast(pickle.dumps(scorer))
    dealt = (call_column,) if partitions is None else (partitions, call_column)
    # The id increases from row to row of a partition and from partition to partition.
    gathered = turns.withColumn(_ORDER, f.monotonically_increasing_id()).repartition(*dealt).sortWithinPartitions(call_column, _ORDER)
    scored = gathered.mapInPandas(_spark_unit(scorer.model_id, broadcast, call_column, options), spark_schema()).persist()
    good = scored.where("reason is null")
    evidence = good.select("call_id", f.explode("evidence").alias("e")).select("call_id", "e.*")
    rejected = scored.where("reason is not null").select(f.lit("").alias("file"), "line", "call_id", "reason")
    return Tables(good.select(*SCORE_COLUMNS), evidence, rejected)


def _spark_unit(model_id: str, broadcast: Any, call_column: str, options: ReadOptions) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def unit(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        # Imported by name, so that the models held are those of the worker process and not a copy of this function's surroundings.
        from ownership_scorer import distributed

        return distributed._score_frames_of_spark(frames, model_id, broadcast, call_column, options)

    return unit


def _score_frames_of_spark(frames: Iterator[pd.DataFrame], model_id: str, broadcast: Any, call_column: str, options: ReadOptions) -> Iterator[pd.DataFrame]:
    scorer = _models.get(model_id) or _hold(model_id, broadcast.value)
    for turns in _whole_calls(frames, call_column):
        result = score_frames(scorer, _in_order(turns, call_column), options)
        by_call: dict[str, list[Any]] = {}
        for row in result.evidence.to_dict("records"):
            by_call.setdefault(row.pop("call_id"), []).append(row)
        scores: list[Any] = result.scores.to_dict("records")
        yield _spark_frame([row | {"evidence": by_call.get(row["call_id"], [])} for row in scores] + result.rejected.to_dict("records"))


def _spark_frame(rows: list[Any]) -> pd.DataFrame:
    import pandas as pd

    columns = [*SCORE_COLUMNS, "evidence", "line", "reason"]
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    return table.where(table.notna(), None).astype(dict.fromkeys(NUMBERS & set(columns), "float64") | dict.fromkeys(("agent_turns", "line"), "Int64"))


def _whole_calls(frames: Iterator[pd.DataFrame], call_column: str) -> Iterator[pd.DataFrame]:
    """Hold back the last call of each frame, which may go on in the next."""
    import pandas as pd

    held: pd.DataFrame | None = None
    for turns in frames:
        if not len(turns):
            continue
        now = turns if held is None else pd.concat([held, turns], ignore_index=True)
        last = now[call_column].iloc[-1]
        of_last = now[call_column].isna() if pd.isna(last) else now[call_column] == last
        held = now[of_last]
        if not of_last.all():
            yield now[~of_last]
    if held is not None:
        yield held


# --- files -----------------------------------------------------------------------------------------------------------


def score_parquet(
    inputs: Sequence[str | Path],
    out: str | Path,
    engine: str,
    *,
    model: str | Path | None = None,
    scheduler: str | None = None,
    jobs: int = 1,
    options: ReadOptions | None = None,
) -> dict[str, Any]:
    """Score Parquet files of turns on an engine.

    Parameters
    ----------
    inputs : sequence of path
        Parquet files, or folders of them; the workers must see them under the same path.
    out : path
        Folder for ``scores.parquet``, ``evidence.parquet`` (each a folder of parts), ``rejected.csv`` and ``run.json``.
    engine : {"dask", "spark"}
    model : path, optional
        Folder of the model, read here; the shipped one where left out.
    scheduler : str, optional
        Address of the Dask scheduler or Spark master; a cluster of ``jobs`` processes on this machine where left out.
    jobs : int
        Processes of that cluster.
    options : readers.ReadOptions, optional

    Returns
    -------
    dict
        What is in ``run.json``.
    """
    folder = Path(out)
    began = time.monotonic()
    scorer = modelstore.load(model)
    paths = [str(Path(path).absolute()) for path in inputs]
    for path in inputs:
        if not Path(path).exists():
            raise ReadError(f"{path}: no such file or folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("scores", "evidence"):
        shutil.rmtree(folder / f"{name}.parquet", ignore_errors=True)
    run = {"dask": _dask_files, "spark": _spark_files}[engine]
    counts = run(paths, folder.absolute(), scorer, scheduler, jobs, options or ReadOptions())
    said = {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 3),
        "engine": engine,
        "jobs": jobs,
        "model_id": scorer.model_id,
        "counts": asdict(counts),
        "inputs": {"number": len(paths), "files": paths},
    }
    (folder / "run.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def _dask_files(paths: list[str], folder: Path, scorer: OwnershipScorer, scheduler: str | None, jobs: int, options: ReadOptions) -> Counts:
    try:
        # By name, since half of what they offer is untyped.
        dask, dd, cluster = (import_module(name) for name in ("dask", "dask.dataframe", "distributed"))
    except ImportError:
        raise BatchError("--engine dask needs Dask; install the extra: pip install 'ownership-scorer[dask]'") from None
    local = None if scheduler else cluster.LocalCluster(n_workers=max(1, jobs), threads_per_worker=1, dashboard_address=None)
    try:
        with cluster.Client(scheduler or local):
            tables = dask_tables(dd.read_parquet(paths), scorer, options=options)
            writing = [getattr(tables, name).to_parquet(str(folder / f"{name}.parquet"), write_index=False, compute=False) for name in ("scores", "evidence")]
            statuses = tables.scores["status"].value_counts()
            evidence = tables.evidence.shape[0]
            rejected, by_status, shown = dask.compute(tables.rejected, statuses, evidence, *writing)[:3]
    finally:
        if local is not None:
            local.close()
    return _rejections(rejected, {str(s): int(n) for s, n in by_status.items()}, int(shown), folder)


def _spark_files(paths: list[str], folder: Path, scorer: OwnershipScorer, scheduler: str | None, jobs: int, options: ReadOptions) -> Counts:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise BatchError("--engine spark needs PySpark; install the extra: pip install 'ownership-scorer[spark]'") from None
    if scheduler is None:
        # Spark asks the path for a python; workers on this machine are to be of this environment.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master(scheduler or f"local[{max(1, jobs)}]").appName("ownership-scorer").getOrCreate()
    try:
        tables = spark_tables(session.read.parquet(*paths), scorer, options=options)
        for name in ("scores", "evidence"):
            getattr(tables, name).write.mode("overwrite").parquet(str(folder / f"{name}.parquet"))
        by_status = {row["status"]: row["count"] for row in tables.scores.groupBy("status").count().collect()}
        return _rejections(tables.rejected.toPandas(), by_status, tables.evidence.count(), folder)
    finally:
        session.stop()


def _rejections(rejected: pd.DataFrame, by_status: dict[str, int], evidence: int, folder: Path) -> Counts:
    rows = rejected.astype(object).where(rejected.notna(), None).sort_values(["call_id", "reason"]).itertuples(index=False, name=None)
    lines = [csv_line(cells) for cells in (REJECTED_COLUMNS, *rows)]
    (folder / "rejected.csv").write_text("".join(lines), encoding="utf-8", errors="replace")
    calls = sum(by_status.values())
    return Counts(calls + len(lines) - 1, calls, len(lines) - 1, evidence, 0, dict(sorted(by_status.items())))


def _given(model: OwnershipScorer | str | Path | None) -> OwnershipScorer:
    return modelstore.load(model) if model is None or isinstance(model, str | Path) else model
