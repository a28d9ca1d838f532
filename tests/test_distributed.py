"""The same results on every engine, and the model given out once a worker."""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.util import find_spec

import pandas as pd
import pytest

from ownership_scorer import cli
from ownership_scorer.distributed import _in_order, _numbered, _whole_calls, dask_tables, score_parquet, spark_tables
from ownership_scorer.readers import ReadError
from ownership_scorer.tables import score_frames

# What these libraries warn of among themselves is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

KEYS = {"scores": ["call_id"], "evidence": ["call_id", "turn_index", "behaviour"], "rejected": ["call_id"]}
ENGINES = {"dask": find_spec("distributed") is not None, "spark": find_spec("pyspark") is not None and shutil.which("java") is not None}

needs_dask = pytest.mark.skipif(not ENGINES["dask"], reason="Dask is not installed: pip install 'ownership-scorer[dask]'")
needs_spark = pytest.mark.skipif(not ENGINES["spark"], reason="PySpark or Java is not installed: pip install 'ownership-scorer[spark]'")


@pytest.fixture(scope="module")
def turns(transcripts):
    """Twenty calls with the turns of all of them mixed, as they come from many lines at once; one call cannot be read."""
    rows = [
        {"call_id": c.call_id, "agent_id": c.agent_id, "speaker": t.speaker, "text": t.text, "turn": i}
        for c in transcripts[:20]
        for i, t in enumerate(c.turns)
    ]  # fmt: skip
    rows.append({"call_id": None, "agent_id": None, "speaker": "agent", "text": "Nobody knows whose I am.", "turn": 0})
    rows.sort(key=lambda row: row["turn"])
    return pd.DataFrame(rows).drop(columns="turn")


@pytest.fixture(scope="module")
def expected(tiny, turns):
    frames = score_frames(tiny, turns)
    assert (len(frames.scores), len(frames.rejected)) == (20, 1)
    return frames


@pytest.fixture(scope="module")
def cluster():
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local, Client(local) as client:
        yield client


@pytest.fixture(scope="module")
def session():
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
    session = builder.config("spark.sql.shuffle.partitions", "2").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def assert_same(found, expected, ignoring=()):
    for name, keys in KEYS.items():
        one, other = (getattr(t, name).drop(columns=list(ignoring), errors="ignore").sort_values(keys).reset_index(drop=True) for t in (found, expected))
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


@needs_dask
def test_dask_gives_the_same(tiny, turns, expected, cluster):
    import dask
    import dask.dataframe as dd

    lazy = dask_tables(dd.from_pandas(turns, npartitions=4, sort=False), tiny)
    found = type(lazy)(*dask.compute(*lazy))
    # A row's number is that of its partition.
    assert_same(found, expected, ignoring=["line"])
    assert found.scores.dtypes.equals(expected.scores.dtypes)


@needs_dask
def test_dask_gives_the_model_to_a_worker_once_and_not_to_a_task(tiny, turns, cluster):
    import dask.dataframe as dd

    lazy = dask_tables(dd.from_pandas(turns, npartitions=4, sort=False), tiny)
    assert len(json.dumps(str(dict(lazy.scores.dask)))) < 200_000
    held = cluster.run(lambda: list(__import__("ownership_scorer.distributed", fromlist=["x"])._models))
    assert list(held.values()) == [[tiny.model_id]] * 2


@needs_dask
def test_whole_calls_need_no_shuffle(tiny, turns, expected, cluster):
    import dask
    import dask.dataframe as dd

    by_call = turns.sort_values("call_id", kind="stable", na_position="last")
    cut = by_call["call_id"].drop_duplicates().iloc[10]
    at = int((by_call["call_id"] == cut).to_numpy().argmax())
    frames = [by_call.iloc[:at], by_call.iloc[at:]]
    lazy = dask_tables(dd.from_delayed([dask.delayed(f) for f in frames], meta=turns.iloc[:0]), tiny, whole_calls=True)
    assert_same(type(lazy)(*dask.compute(*lazy)), expected, ignoring=["line"])


@needs_dask
def test_dask_without_a_cluster_works_in_this_process(tiny, turns, expected):
    import dask
    import dask.dataframe as dd

    with dask.config.set({"scheduler": "synchronous", "dataframe.shuffle.method": "tasks"}):
        lazy = dask_tables(dd.from_pandas(turns, npartitions=2, sort=False), tiny)
        assert_same(type(lazy)(*dask.compute(*lazy)), expected, ignoring=["line"])


@needs_dask
def test_the_command_line_scores_parquet_on_dask(cluster, turns, expected, model_folder, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    half = len(turns) // 2
    turns.iloc[:half].to_parquet(tmp_path / "in" / "a.parquet")
    turns.iloc[half:].to_parquet(tmp_path / "in" / "b.parquet")
    address = cluster.scheduler.address
    arguments = ["score", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--model", str(model_folder), "--engine", "dask", "--scheduler", address]
    assert cli.main(arguments) == cli.SOME_REJECTED
    for name in ("scores", "evidence"):
        found = pd.read_parquet(tmp_path / "out" / f"{name}.parquet").sort_values(KEYS[name]).reset_index(drop=True)
        pd.testing.assert_frame_equal(found, getattr(expected, name).sort_values(KEYS[name]).reset_index(drop=True), check_dtype=False)
    counts = json.loads((tmp_path / "out" / "run.json").read_text())["counts"]
    assert (counts["records"], counts["calls"], counts["rejected"]) == (21, 20, 1)
    assert "without" not in (tmp_path / "out" / "rejected.csv").read_text()


@needs_spark
def test_spark_gives_the_same(tiny, turns, expected, session):
    # Rows without their order: a lake keeps none, so that the turns have to be numbered.
    numbered = turns.assign(turn_index=turns.groupby("call_id", dropna=False).cumcount())
    lazy = spark_tables(session.createDataFrame(numbered).repartition(2), tiny)
    assert_same(type(lazy)(*(table.toPandas() for table in lazy)), expected, ignoring=["line"])


@needs_dask
def test_turns_without_a_call_id_are_refused(tiny, turns):
    import dask.dataframe as dd

    with pytest.raises(ReadError, match="no column with the id of the call; headings found: 'agent_id', 'speaker', 'text'"):
        dask_tables(dd.from_pandas(turns.drop(columns="call_id"), npartitions=2, sort=False), tiny)


def test_an_input_that_does_not_exist_is_said(model_folder, tmp_path):
    with pytest.raises(ReadError, match="no such file or folder"):
        score_parquet([tmp_path / "none"], tmp_path / "out", "dask", model=model_folder)


def test_turns_come_back_into_their_order(turns):
    parts = [_numbered(turns.iloc[at : at + 40], {"number": n}) for n, at in enumerate(range(0, len(turns), 40))]
    mixed = pd.concat(parts).sample(frac=1, random_state=1)
    back = _in_order(mixed, "call_id")
    assert back["call_id"].drop_duplicates().tolist() == turns["call_id"].drop_duplicates().tolist()
    for call, rows in back.groupby("call_id"):
        assert rows["text"].tolist() == turns.loc[turns["call_id"] == call, "text"].tolist()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_call_that_goes_on_in_the_next_frame_stays_whole(turns, size):
    ordered = turns.sort_values("call_id", kind="stable", na_position="last").reset_index(drop=True)
    frames = list(_whole_calls((ordered.iloc[at : at + size] for at in range(0, len(ordered), size)), "call_id"))
    pd.testing.assert_frame_equal(pd.concat(frames, ignore_index=True), ordered)
    seen = [set(frame["call_id"].fillna("none")) for frame in frames]
    assert sum(map(len, seen)) == len(set().union(*seen))
