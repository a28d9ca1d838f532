"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from conftest import write_calls
from ownership_scorer import cli, training
from ownership_scorer.rater import RaterSettings
from ownership_scorer.tagger import TaggerSettings
from ownership_scorer.training import FitSettings


@pytest.fixture
def scored(calls_file, model_folder, tmp_path):
    assert cli.main(["score", str(calls_file), "--out", str(tmp_path / "out"), "--model", str(model_folder)]) == cli.OK
    return tmp_path / "out"


def test_score_writes_the_files_and_says_so_on_stderr(calls_file, model_folder, tmp_path, capsys):
    folder = tmp_path / "out"
    assert cli.main(["score", str(calls_file), "--out", str(folder), "--model", str(model_folder)]) == cli.OK
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ownership-scorer: 60 calls, ")
    assert str(folder) in err
    assert {"scores.csv", "evidence.csv", "rejected.csv", "run.json"} == {p.name for p in folder.iterdir()}


def test_some_rejected_is_status_3(calls_file, model_folder, tmp_path, capsys):
    with calls_file.open("a") as file:
        file.write("{broken\n")
    assert cli.main(["score", str(calls_file), "--out", str(tmp_path / "out"), "--model", str(model_folder)]) == cli.SOME_REJECTED
    assert "1 records rejected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "calls.jsonl"], "--out"),
        (["score", "calls.jsonl", "--out", "o", "--jobs", "0"], "'0': allowed are 1 and more, or -1"),
        (["score", "calls.jsonl", "--out", "o", "--format", "xlsx"], "'csv', 'parquet'"),
        (["score", "calls.jsonl", "--out", "o", "--speaker-map", "Dana=boss"], "'boss' is no role; allowed are agent, customer, other, unknown"),
        (["score", "calls.jsonl", "--out", "o", "--columns", "text"], "'text': write name=value"),
        (["score", "calls.jsonl", "--out", "o", "--min-agent-words", "-3"], "whole numbers from 0"),
        (["frobnicate"], "score"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_allowed(arguments, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == cli.USAGE
    assert said in capsys.readouterr().err.replace("choose from csv, parquet", "'csv', 'parquet'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "no.jsonl", "--out", "o"], "no.jsonl: no such file or folder"),
        (["score", "here.jsonl", "--out", "o", "--model", "nowhere"], "nowhere: no model here (manifest.json is missing)"),
        (["score", "here.jsonl", "--out", "o", "--scheduler", "tcp://x"], "--scheduler goes with --engine dask or spark"),
        (["score", "here.jsonl", "--out", "o", "--engine", "dask", "--resume"], "--resume goes with --engine local"),
        (["score", "here.jsonl", "--out", "o", "--engine", "dask", "--format", "csv"], "dask reads and writes parquet"),
        (["summary", "nowhere"], "nowhere: not the folder of a finished run (run.json is missing)"),
        (["cues", "check", "--cues", "nowhere"], "nowhere: no such folder of rule files"),
        (["train", "here.jsonl", "--out", "m"], "here.jsonl: call 'c1' has no labels"),
    ],
)
def test_what_cannot_be_is_status_2_with_one_line(arguments, said, tmp_path, monkeypatch, capsys, model_folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ownership_scorer.modelstore.default_model", lambda: model_folder)
    (tmp_path / "here.jsonl").write_text('{"id": "c1", "turns": [{"speaker": "agent", "text": "Hello"}]}\n')
    assert cli.main(arguments) == cli.USAGE
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_speaker_map_and_columns_reach_the_reader(tmp_path, model_folder):
    calls = tmp_path / "calls.csv"
    lines = ["Nr,Wer,Gesagt", *(f'1,{who},"I can certainly help you with that booking today."' for who in ("x", "y", "x", "y"))]
    calls.write_text("\n".join(lines) + "\n")
    said = ["--columns", "call_id=Nr,speaker=Wer", "--columns", "text=Gesagt", "--speaker-map", "x=agent,y=customer"]
    assert cli.main(["score", str(calls), "--out", str(tmp_path / "out"), "--model", str(model_folder), *said]) == cli.OK
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["by_status"] == {"scored": 1}


def test_roles_are_inferred_on_request(tmp_path, model_folder):
    calls = tmp_path / "calls.csv"
    said = ["Good morning, thank you for calling, how can I help you today?", "My bill is wrong, I have been charged twice.",
            "I'm sorry about that, I can check your account for you now.", "Thank you, I have been waiting for weeks."]  # fmt: skip
    calls.write_text("\n".join(["call_id,speaker,text", *(f'1,spk_{n % 2},"{text}"' for n, text in enumerate(said * 3))]) + "\n")
    statuses = []
    for name, more in (("without", []), ("with", ["--infer-roles"])):
        cli.main(["score", str(calls), "--out", str(tmp_path / name), "--model", str(model_folder), *more])
        statuses += json.loads((tmp_path / name / "run.json").read_text())["counts"]["by_status"]
    assert statuses == ["no agent turn", "scored"]


def test_summary_names_statuses_means_extremes_and_files(scored, capsys):
    capsys.readouterr()
    assert cli.main(["summary", str(scored)]) == cli.OK
    out = capsys.readouterr().out
    assert "60 records read, 60 calls in the scores, 0 rejected" in out
    assert out.count("“") >= 1
    for word in ("listening", "ownership", "weakest calls", "strongest calls", "scored", "scores.csv", "run.json"):
        assert word in out


def test_summary_of_parquet_is_that_of_csv(scored, calls_file, model_folder, tmp_path, capsys):
    cli.main(["score", str(calls_file), "--out", str(tmp_path / "p"), "--model", str(model_folder), "--format", "parquet"])
    capsys.readouterr()
    said = []
    for folder in (scored, tmp_path / "p"):
        cli.main(["summary", str(folder)])
        said.append([line for line in capsys.readouterr().out.splitlines() if str(folder) not in line])
    assert said[0] == said[1]


def test_a_quote_cannot_steer_the_terminal(scored, capsys):
    text = (scored / "scores.csv").read_text().replace("\n", "\n\x1b[31m", 1)
    (scored / "scores.csv").write_text(text)
    cli.main(["summary", str(scored)])
    assert "\x1b" not in capsys.readouterr().out


def test_inspect_says_what_a_file_is_taken_for(calls_file, capsys):
    assert cli.main(["inspect", str(calls_file)]) == cli.OK
    assert "60 calls" in capsys.readouterr().out
    calls_file.write_bytes(b"\x00\x01\x02\xff" * 50)
    assert cli.main(["inspect", str(calls_file)]) == cli.SOME_REJECTED


RULES = """
[[cue]]
id = "assure.help"
behaviour = "assure"
phrases = ["i can help"]
matches = ["I can help."]
rejects = [{rejects}]
"""


def test_cues_check_counts_examples_and_hits(tmp_path, calls_file, capsys):
    (tmp_path / "cues").mkdir()
    (tmp_path / "cues" / "a.toml").write_text(RULES.format(rejects='"Good morning."'))
    assert cli.main(["cues", "check", "--cues", str(tmp_path / "cues"), "--labelled", str(calls_file)]) == cli.OK
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["cue", "examples", "failed", "hits", "precision", "conflicts"]
    assert out.splitlines()[1].split()[:3] == ["assure.help", "2", "0"]
    assert "1 cues, 2 examples, 0 failed" in out


def test_cues_check_fails_with_an_example_that_fails(tmp_path, capsys):
    (tmp_path / "cues").mkdir()
    (tmp_path / "cues" / "a.toml").write_text(RULES.format(rejects='"Yes, I can help."'))
    assert cli.main(["cues", "check", "--cues", str(tmp_path / "cues")]) == cli.FAILED
    assert "a.toml: cue 'assure.help': found: 'Yes, I can help.'" in capsys.readouterr().err


def test_train_writes_a_model_that_scores(corpus, tmp_path, monkeypatch, capsys):
    small = FitSettings(TaggerSettings(hidden=4, epochs=2, steps=1), RaterSettings(trees=2, networks=1, epochs=1, steps=1), folds=2)
    fit = training.fit
    monkeypatch.setattr(training, "fit", lambda calls, cuebook, settings, **rest: fit(calls, cuebook, replace(small, severity=settings.severity), **rest))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (tmp_path / "cues").mkdir()
    (tmp_path / "cues" / "a.toml").write_text(RULES.format(rejects='"Good morning."'))
    calls = write_calls(tmp_path / "calls.jsonl", corpus[:30])
    arguments = [
        "train",
        str(calls),
        "--out",
        str(tmp_path / "model"),
        "--cues",
        str(tmp_path / "cues"),
        "--group-by",
        "industry",
        "--severity",
        "listening=0.2,ownership=-1",
    ]
    assert cli.main(arguments) == cli.OK
    assert "from 30 calls; on these, by cross-validation over industry" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert (manifest["date"], manifest["grouped_by"]) == ("1970-01-01", "industry")
    assert manifest["figures"]["settings"]["severity"] == {"listening": 0.2, "ownership": -1}
    assert cli.main(["score", str(calls), "--out", str(tmp_path / "out"), "--model", str(tmp_path / "model")]) == cli.OK


def test_train_learns_from_calls_beside(corpus, tmp_path, monkeypatch, capsys):
    seen = []

    def fit(calls, cuebook, settings, jobs):
        seen.extend(calls)
        raise ValueError("enough seen")

    monkeypatch.setattr(training, "fit", fit)
    own, more, most = (write_calls(tmp_path / name, part) for name, part in (("own.jsonl", corpus[:3]), ("b.jsonl", corpus[3:5]), ("c.jsonl", corpus[5:9])))
    arguments = ["train", str(own), "--beside", str(more), "--beside", str(most), "--out", str(tmp_path / "model"), "--group-by", "slice"]
    assert cli.main(arguments) == cli.USAGE
    assert "enough seen" in capsys.readouterr().err
    assert [call.beside for call in seen] == [False] * 3 + [True] * 6
    assert [call.group for call in seen] == [record["slice"] for record in corpus[:9]]


@pytest.mark.parametrize("text", ["charm=1", "listening", "listening=much", "listening=9", ""])
def test_train_refuses_a_severity_that_is_none(text, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "calls.jsonl", "--out", "model", "--severity", text])
    assert "allowed" in (said := capsys.readouterr().err) or "write" in said


def test_train_refuses_a_label_that_the_rubric_does_not_know(corpus, tmp_path, capsys):
    calls = write_calls(tmp_path / "calls.jsonl", [*corpus[:3], corpus[3] | {"labels": {"0": ["shouts"]}}])
    assert cli.main(["train", str(calls), "--out", str(tmp_path / "model")]) == cli.USAGE
    assert "label 'shouts'; allowed are reflect" in capsys.readouterr().err


def test_help_and_version_import_nothing_heavy():
    code = (
        "import sys; from ownership_scorer.cli import main\n"
        "for option in ('--help', '--version'):\n"
        "    try: main([option])\n"
        "    except SystemExit as stop: assert not stop.code\n"
        "heavy = {'spacy', 'numpy', 'pandas', 'sklearn', 'scipy', 'joblib', 'tqdm', 'pyarrow', 'dask'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "score the calls in files and folders" in done.stdout
    assert "ownership-scorer 0." in done.stdout
