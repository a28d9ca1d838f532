"""The batch engine: files in, files out, the same whatever happens on the way."""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import write_calls
from ownership_scorer import batch, batchparts, cli
from ownership_scorer.batch import BatchError, BatchSettings, score_files
from ownership_scorer.batchparts import SeenIds
from ownership_scorer.readers import ReadError, ReadOptions
from ownership_scorer.tables import DUPLICATE

FILES = ("scores.csv", "evidence.csv", "rejected.csv")

# A process that is forked while others of its threads run is what these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def settings(model_folder):
    return BatchSettings(model=model_folder)


@pytest.fixture
def small_steps(monkeypatch):
    """Many chunks and a commit after each."""
    monkeypatch.setattr(batch, "CHUNK", 8)
    monkeypatch.setattr(batchparts, "COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(batchparts, "CHUNKS_A_PART", 3)


def contents(out, names=FILES):
    return {name: (out / name).read_bytes() for name in names}


def parts(out):
    return {str(p.relative_to(out)): p.read_bytes() for name in ("scores", "evidence") for p in sorted((out / f"{name}.parquet").iterdir())} | contents(
        out, ("rejected.csv",)
    )


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def child(run, stderr=os.devnull):
    """Fork; run in the child, which has the model's code loaded already."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 99
    # A shell that starts us in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.stderr = Path(stderr).open("w")  # noqa: SIM115
        status = run()
        sys.stderr.flush()
    finally:
        os._exit(status)


def wait_for(journal):
    """Wait for the first commit."""
    until = time.monotonic() + 20
    while not (journal.exists() and journal.stat().st_size) and time.monotonic() < until:
        time.sleep(0.002)


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_run_writes_what_the_scorer_says_and_counts_that_add_up(calls_file, tiny, transcripts, settings, tmp_path):
    run = score_files([calls_file], tmp_path / "out", settings)
    out = tmp_path / "out"
    scores = rows(out / "scores.csv")
    expected = list(tiny.score_many(transcripts))
    assert [row["call_id"] for row in scores] == [f"{r.call_id}-0" for r in expected]
    assert [row["ownership"] for row in scores] == [f"{r.scores['ownership']:.2f}" if r.scores else "" for r in expected]
    evidence = rows(out / "evidence.csv")
    assert len(evidence) == sum(len(r.evidence) for r in expected) == run["counts"]["evidence"]
    assert run == json.loads((out / "run.json").read_text())
    counts = run["counts"]
    assert counts["records"] == counts["calls"] + counts["rejected"] == 60
    assert sum(counts["by_status"].values()) == counts["calls"]
    assert run["model_id"] == tiny.model_id
    assert sorted(p.name for p in out.iterdir()) == ["evidence.csv", "rejected.csv", "run.json", "scores.csv"]


def test_nothing_of_a_transcript_is_in_run_json(calls_file, corpus, settings, tmp_path):
    score_files([calls_file], tmp_path / "out", settings)
    said = (tmp_path / "out" / "run.json").read_text()
    assert not any(turn["text"] in said for call in corpus for turn in call["turns"] if len(turn["text"]) > 12)


def test_one_and_two_jobs_write_the_same_bytes(corpus, settings, tmp_path, small_steps):
    calls = write_calls(tmp_path / "calls.jsonl", corpus)
    score_files([calls], tmp_path / "one", settings)
    score_files([calls], tmp_path / "two", replace(settings, jobs=2))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_parquet_holds_the_same_as_csv_in_parts_of_fixed_size(calls_file, settings, tmp_path, small_steps):
    import pandas as pd

    score_files([calls_file], tmp_path / "csv", settings)
    score_files([calls_file], tmp_path / "parquet", replace(settings, file_format="parquet"))
    for name, digits in (("scores", 2), ("evidence", 4)):
        table = pd.read_parquet(tmp_path / "parquet" / f"{name}.parquet")
        text = pd.read_csv(tmp_path / "csv" / f"{name}.csv", dtype={"model_id": str})
        assert list(table.columns) == list(text.columns)
        numbers = text.select_dtypes("number").columns
        np.testing.assert_allclose(table[numbers].astype(float).round(digits), text[numbers].astype(float))
        assert table["call_id"].tolist() == text["call_id"].tolist()
    # 60 calls, 8 a chunk, 3 chunks a part
    assert sorted(p.name for p in (tmp_path / "parquet" / "scores.parquet").iterdir()) == [f"part-{n:05d}.parquet" for n in range(3)]
    assert pd.read_parquet(tmp_path / "parquet" / "scores.parquet" / "part-00000.parquet").shape[0] == 24


def test_what_cannot_be_read_is_rejected_with_its_place(calls_file, settings, tmp_path):
    with calls_file.open("a") as file:
        file.write('{"id": "half", "turns": [\n')
    (tmp_path / "empty.jsonl").write_text("")
    run = score_files([calls_file, tmp_path / "empty.jsonl"], tmp_path / "out", settings)
    rejected = rows(tmp_path / "out" / "rejected.csv")
    assert [(Path(r["file"]).name, r["line"]) for r in rejected] == [("calls.jsonl", "61"), ("empty.jsonl", "")]
    assert run["counts"]["records"] == 62
    assert run["counts"]["rejected"] == 2


def test_a_call_id_that_stands_twice_is_scored_once(calls_file, corpus, settings, tmp_path, small_steps):
    again = write_calls(tmp_path / "again.jsonl", corpus[7:9] + corpus[50:51] + corpus[50:51])
    run = score_files([calls_file, again], tmp_path / "out", settings)
    rejected = rows(tmp_path / "out" / "rejected.csv")
    assert [(r["file"], r["call_id"], r["reason"]) for r in rejected] == [
        (str(again), f"{c['id']}-0", DUPLICATE) for c in (corpus[7], corpus[8], corpus[50], corpus[50])
    ]
    assert run["counts"]["calls"] == 60


def test_seen_ids_keeps_track_over_many_small_batches():
    generator = random.Random(4)
    seen, known, digests = SeenIds(np.empty(0, dtype=np.uint64)), set(), []
    for _ in range(300):
        ids = [str(generator.randrange(2000)) for _ in range(20)]
        fresh, new = seen.add(ids)
        digests.append(new)
        for i, is_new in zip(ids, fresh, strict=True):
            assert is_new == (i not in known)
            known.add(i)
    assert len(np.concatenate(digests)) == len(known)
    assert len(seen._runs) < 12
    assert SeenIds(np.concatenate(digests)).add(sorted(known))[0] == [False] * len(known)


def test_a_reader_that_breaks_off_costs_the_rest_of_its_file(calls_file, corpus, settings, tmp_path, monkeypatch):
    second = write_calls(tmp_path / "second.jsonl", [c | {"id": f"x{c['id']}"} for c in corpus[:3]])

    def read(path, options):
        for number, record in enumerate(real(path, options)):
            if path == calls_file and number == 20:
                raise RuntimeError(record.turns[0].text)
            yield record

    real = batch.read
    monkeypatch.setattr(batch, "read", read)
    run = score_files([calls_file, second], tmp_path / "out", settings)
    assert run["counts"]["calls"] == 23
    assert rows(tmp_path / "out" / "rejected.csv")[0]["reason"] == "reading broke off after 20 records (RuntimeError)"


def test_a_model_that_can_score_nothing_stops_the_run_before_it_rejects_every_call(calls_file, settings, tmp_path, monkeypatch):
    from ownership_scorer.scorer import OwnershipScorer

    def broken(self, calls):
        raise ValueError("matrices do not fit")

    monkeypatch.setattr(OwnershipScorer, "score_batch", broken)
    with pytest.raises(BatchError, match="cannot score anything with this version"):
        score_files([calls_file], tmp_path / "out", settings)


def test_limits_can_be_set(calls_file, settings, tmp_path):
    run = score_files([calls_file], tmp_path / "out", replace(settings, min_agent_turns=500))
    assert set(run["counts"]["by_status"]) <= {"too few agent turns", "no agent turn"}
    assert run["settings"]["min_agent_turns"] == 500


def test_an_earlier_runs_files_are_not_read_as_transcripts(calls_file, settings, tmp_path):
    out = tmp_path / "out"
    score_files([tmp_path], out, replace(settings, file_format="parquet"))
    run = score_files([tmp_path], out, settings)
    assert run["inputs"]["number"] == 1
    assert not (out / "scores.parquet").exists()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_killed_at_any_moment_and_gone_on_it_ends_with_the_same_files(corpus, settings, tmp_path, small_steps, file_format):
    calls = write_calls(tmp_path / "calls.jsonl", corpus, copies=1)
    again = write_calls(tmp_path / "again.jsonl", corpus[:5])
    read_back = parts if file_format == "parquet" else contents
    settings = replace(settings, file_format=file_format)
    began = time.monotonic()
    score_files([calls, again], tmp_path / "undisturbed", settings)
    lasts = time.monotonic() - began
    expected = read_back(tmp_path / "undisturbed")
    generator = random.Random(file_format)
    stopped_half_way = 0
    for attempt in range(3):
        out = tmp_path / f"killed{attempt}"
        journal = out / ".unfinished" / "journal"
        for kill in range(3):
            pid = child(lambda out=out: score_files([calls, again], out, replace(settings, resume=True)) and 0)
            if kill == 0:
                # At least once there is something to go on with, however slow the machine.
                wait_for(journal)
            time.sleep(generator.uniform(0, 0.9 * lasts if kill else 0.02))
            os.kill(pid, signal.SIGKILL)
            ended(pid)
            stopped_half_way += journal.exists() and journal.stat().st_size > 0
        run = score_files([calls, again], out, replace(settings, resume=True))
        assert read_back(out) == expected
        assert run["counts"]["records"] == 65
        assert run["counts"]["rejected"] == 5
        assert not (out / ".unfinished").exists()
    assert stopped_half_way >= 1


def test_killed_while_files_are_moved_into_place(calls_file, settings, tmp_path, monkeypatch):
    score_files([calls_file], tmp_path / "undisturbed", settings)
    out = tmp_path / "out"
    real = Path.replace

    def killed(self, target):
        if self.name == "evidence.csv":
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, target)

    def run():
        monkeypatch.setattr(Path, "replace", killed)
        score_files([calls_file], out, settings)
        return 0

    assert ended(child(run)) == -signal.SIGKILL
    assert (out / "scores.csv").exists()
    assert not (out / "run.json").exists()
    score_files([calls_file], out, replace(settings, resume=True))
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_killed_while_the_last_traces_are_removed(calls_file, settings, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def run():
        monkeypatch.setattr(batch.shutil, "rmtree", lambda path, **_: (path / "journal").exists() and os.kill(os.getpid(), signal.SIGKILL))
        score_files([calls_file], out, settings)
        return 0

    assert ended(child(run)) == -signal.SIGKILL
    before = contents(out, (*FILES, "run.json"))
    score_files([calls_file], out, replace(settings, resume=True))
    assert contents(out, (*FILES, "run.json")) == before
    assert not (out / ".unfinished").exists()


@pytest.fixture
def stopped(calls_file, settings, tmp_path, small_steps):
    """The folder of a run that was killed after a few commits."""
    out = tmp_path / "stopped"

    def run():
        real, times = batchparts.Journal.commit, []

        def commit(self, last):
            real(self, last)
            times.append(1)
            if len(times) == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        batchparts.Journal.commit = commit
        score_files([calls_file], out, settings)
        return 0

    assert ended(child(run)) == -signal.SIGKILL
    return out


def test_a_run_that_goes_on_does_not_score_again_what_is_done(stopped, calls_file, settings, monkeypatch):
    scored = []
    real = batch.score_records
    monkeypatch.setattr(batch, "score_records", lambda scorer, records: scored.extend(records) or real(scorer, records))
    score_files([calls_file], stopped, replace(settings, resume=True))
    assert len(scored) == 60 - 3 * 8


def test_half_a_line_in_the_journal_does_not_count(stopped, calls_file, settings, tmp_path):
    with (stopped / ".unfinished" / "journal").open("ab") as file:
        file.write(b'{"file": 0, "record": 5')
    with (stopped / ".unfinished" / "scores.csv").open("ab") as file:
        file.write(b"torn")
    score_files([calls_file], stopped, replace(settings, resume=True))
    score_files([calls_file], tmp_path / "undisturbed", settings)
    assert contents(stopped) == contents(tmp_path / "undisturbed")


def test_an_unfinished_run_is_not_overwritten_by_mistake(stopped, calls_file, settings):
    with pytest.raises(BatchError, match=r"holds an unfinished run; go on with --resume, take another folder, or delete .*\.unfinished"):
        score_files([calls_file], stopped, settings)


def test_a_changed_input_is_refused_by_name(stopped, calls_file, settings):
    with calls_file.open("a") as file:
        file.write("\n")
    with pytest.raises(BatchError, match=r"cannot go on: .*calls\.jsonl has changed since"):
        score_files([calls_file], stopped, replace(settings, resume=True))


def test_other_inputs_are_refused(stopped, calls_file, settings, tmp_path):
    (tmp_path / "more.jsonl").write_text("{}")
    with pytest.raises(BatchError, match="there were 1 files to read and are now 2"):
        score_files([calls_file, tmp_path / "more.jsonl"], stopped, replace(settings, resume=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file_format": "parquet"}, "format was 'csv' and is now 'parquet'"),
        ({"min_agent_words": 3}, "min_agent_words was 10 and is now 3"),
        ({"reading": ReadOptions(speaker_map={"a": "agent"})}, "speaker_map was {} and is now"),
    ],
)
def test_other_settings_are_refused_by_name(stopped, calls_file, settings, change, message):
    with pytest.raises(BatchError, match=message):
        score_files([calls_file], stopped, replace(settings, resume=True, **change))


def test_to_go_on_with_a_finished_run_changes_nothing(calls_file, settings, tmp_path):
    first = score_files([calls_file], tmp_path / "out", replace(settings, resume=True))
    before = (tmp_path / "out" / "scores.csv").stat().st_mtime_ns
    assert score_files([calls_file], tmp_path / "out", replace(settings, resume=True)) == first
    assert (tmp_path / "out" / "scores.csv").stat().st_mtime_ns == before


def test_a_full_disk_is_said_and_can_be_mended(corpus, model_folder, settings, tmp_path, small_steps):
    calls = write_calls(tmp_path / "calls.jsonl", corpus, copies=1)
    out, said = tmp_path / "out", tmp_path / "said"

    def run():
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))
        return cli.main(["score", str(calls), "--out", str(out), "--model", str(model_folder)])

    assert ended(child(run, said)) == cli.FAILED
    assert "cannot be written: File too large; what is done is kept, go on with --resume" in said.read_text()
    assert "Traceback" not in said.read_text()
    score_files([calls], out, replace(settings, resume=True))
    score_files([calls], tmp_path / "undisturbed", settings)
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_a_folder_that_cannot_be_made_is_said(calls_file, settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BatchError, match=r"file/out: cannot be written: Not a directory"):
        score_files([calls_file], tmp_path / "file" / "out", settings)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_is_not_ours_is_said(calls_file, settings, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(BatchError, match="cannot be written: Permission denied"):
        score_files([calls_file], tmp_path / "locked", settings)


def test_ctrl_c_stops_with_a_message_and_a_run_that_can_go_on(corpus, model_folder, settings, tmp_path, small_steps):
    calls = write_calls(tmp_path / "calls.jsonl", corpus, copies=30)
    out, said = tmp_path / "out", tmp_path / "said"
    pid = child(lambda: cli.main(["score", str(calls), "--out", str(out), "--model", str(model_folder)]), said)
    wait_for(out / ".unfinished" / "journal")
    os.kill(pid, signal.SIGINT)
    assert ended(pid) == cli.INTERRUPTED
    assert said.read_text() == "ownership-scorer: stopped; what is done is kept, the same command with --resume goes on\n"
    score_files([calls], out, replace(settings, resume=True))
    score_files([calls], tmp_path / "undisturbed", settings)
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_workers_end_with_a_parent_that_was_killed():
    began = time.monotonic()
    pid = child(lambda: batch._end_with(os.getpid()))
    assert ended(pid) == 1
    assert time.monotonic() - began < 5


class Bomb:
    """Kills the worker that unpacks it."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_worker_that_dies_is_said(settings):
    chunk = batch._Chunk([("f", Bomb())], 0, 1, np.empty(0, dtype=np.uint64), 0, 0)
    with pytest.raises(BatchError, match=r"a worker process died.*go on with --resume"):
        list(batch._parallel([chunk], 1, settings))


def test_two_runs_do_not_write_into_one_folder(calls_file, settings, tmp_path):
    import fcntl

    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BatchError, match="another run is writing into this folder"):
            score_files([calls_file], out, settings)


def test_an_input_that_does_not_exist_is_said(settings, tmp_path):
    with pytest.raises(ReadError, match="no such file or folder"):
        score_files([tmp_path / "none"], tmp_path / "out", settings)


def test_a_folder_without_files_is_said(settings, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(BatchError, match="no file to read"):
        score_files([tmp_path / "in"], tmp_path / "out", settings)


@pytest.mark.parametrize(("wrong", "message"), [({"jobs": 0}, "jobs is 0"), ({"file_format": "xml"}, "allowed are csv, parquet")])
def test_wrong_settings_are_said(wrong, message):
    with pytest.raises(ValueError, match=message):
        BatchSettings(**wrong)


def test_progress_is_shown_on_request_and_never_in_a_pipe(calls_file, settings, tmp_path, capsys):
    score_files([calls_file], tmp_path / "quiet", settings)
    assert capsys.readouterr().err == ""
    score_files([calls_file], tmp_path / "loud", replace(settings, progress=True))
    assert "60 calls" in capsys.readouterr().err
