"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ownership_scorer.cuebook import Cuebook
    from ownership_scorer.readers import ReadOptions
    from ownership_scorer.training import LabelledCall
    from ownership_scorer.transcript import Transcript

#: Exit status.
OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
SOME_REJECTED: Final = 3
INTERRUPTED: Final = 130

_ROLES: Final = ("agent", "customer", "other", "unknown")
_SHIPPED: Final = "shipped"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process where left out.

    Returns
    -------
    int
        Exit status: 0 done, 1 failed, 2 wrong usage, 3 done and some records rejected, 130 interrupted.
    """
    given = _parser().parse_args(arguments)
    try:
        status: int = given.run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _say("stopped" + ("; what is done is kept, the same command with --resume goes on" if given.command == "score" else ""), INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        known = _status_of(error)
        if known is None:
            raise
        return _say(str(error), known)
    return status


def _status_of(error: Exception) -> int | None:
    from ownership_scorer.batchparts import BatchError
    from ownership_scorer.cuebook import CueError
    from ownership_scorer.modelstore import ModelError
    from ownership_scorer.readers import ReadError

    if isinstance(error, ReadError | ModelError | CueError | _UsageError):
        return USAGE
    return FAILED if isinstance(error, BatchError | OSError) else None


class _UsageError(Exception):
    """Something on the command line, or in a file named there, that cannot be."""


def _say(message: str, status: int) -> int:
    print(f"ownership-scorer: {message}", file=sys.stderr)
    return status


# --- score -----------------------------------------------------------------------------------------------------------


def _score(given: argparse.Namespace) -> int:
    if given.engine != "local":
        return _score_elsewhere(given)
    from ownership_scorer.batch import BatchSettings, score_files

    if given.scheduler:
        raise _UsageError("--scheduler goes with --engine dask or spark")
    settings = BatchSettings(
        given.model, given.jobs, given.format or "csv", given.resume, _reading(given), given.min_agent_turns, given.min_agent_words
    )  # fmt: skip
    # A terminated run stops as one that is interrupted does.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run = score_files(given.input, given.out, settings)
    finally:
        signal.signal(signal.SIGTERM, before)
    return _report(run["counts"], given.out)


def _report(counts: dict[str, Any], out: Path) -> int:
    judged = counts["by_status"].get("scored", 0)
    _say(f"{counts['calls']:,} calls, {judged:,} of them rated; {counts['rejected']:,} records rejected; see {out}", OK)
    if counts["rejected"]:
        return _say(f"why they were rejected stands in {out / 'rejected.csv'}", SOME_REJECTED)
    return OK


def _score_elsewhere(given: argparse.Namespace) -> int:
    from ownership_scorer import distributed

    for name in ("resume", "min_agent_turns", "min_agent_words"):
        if getattr(given, name):
            raise _UsageError(f"--{name.replace('_', '-')} goes with --engine local")
    if given.format == "csv":
        raise _UsageError(f"--format csv goes with --engine local; {given.engine} reads and writes parquet")
    run = distributed.score_parquet(
        given.input, given.out, given.engine, model=given.model, scheduler=given.scheduler, jobs=given.jobs, options=_reading(given)
    )
    return _report(run["counts"], given.out)


def _reading(given: argparse.Namespace) -> ReadOptions:
    from ownership_scorer.readers import ReadOptions
    from ownership_scorer.roles import infer_roles

    return ReadOptions(
        agent_channel=given.agent_channel,
        speaker_map=dict(given.speaker_map or ()),
        infer_roles=given.infer_roles,
        infer=infer_roles,
        columns=dict(given.columns or ()),
    )


# --- inspect, summary ------------------------------------------------------------------------------------------------


def _inspect(given: argparse.Namespace) -> int:
    from ownership_scorer.readers import inspect_file

    found = inspect_file(given.file, _reading(given))
    print(f"{found.file}: {found.format or 'not readable'}" + (f" (checked: {found.grade})" if found.grade else ""))
    print(f"  {found.calls:,} calls, {found.turns:,} turns of {found.segments:,} segments" + ("" if found.complete else "; only the first were looked at"))
    for title, values in (
        ("speakers", found.speakers), ("roles", found.roles), ("times", found.times), ("columns", found.columns), ("left out", found.dropped),
    ):  # fmt: skip
        if values:
            print(f"  {title}: " + ", ".join(f"{name} {value}" if isinstance(value, int) else f"{name} = {value}" for name, value in values.items()))
    for doubt, number in found.doubts.items():
        print(f"  doubt, in {number:,} calls: {doubt}")
    for rejected in found.rejected:
        print(f"  rejected{f', line {rejected.line}' if rejected.line else ''}{f', call {rejected.call_id}' if rejected.call_id else ''}: {rejected.reason}")
    for turn in found.first_turns:
        print(f"  {turn.speaker:>8}: " + "".join(c if c.isprintable() else " " for c in turn.text)[:100])
    return SOME_REJECTED if found.rejected_count else OK


def _summary(given: argparse.Namespace) -> int:
    from ownership_scorer.summary import lines, summarise

    try:
        found = summarise(given.folder)
    except FileNotFoundError as error:
        raise _UsageError(f"{given.folder}: not the folder of a finished run ({Path(str(error.filename)).name} is missing)") from None
    for line in lines(found):
        print(line)
    return OK


# --- cues, train -----------------------------------------------------------------------------------------------------


def _cues_check(given: argparse.Namespace) -> int:
    from ownership_scorer.cuecheck import check

    labelled = list(_labelled(given.labelled))
    labels = [{str(turn): list(said) for turn, said in call.metadata["labels"].items()} for call in labelled]
    reports = check(_cuebook(given.cues), labelled, labels)
    width = max((len(report.cue.id) for report in reports), default=3)
    print(f"{'cue':<{width}}  examples  failed   hits  precision  conflicts")
    for report in reports:
        examples = len(report.cue.matches) + len(report.cue.rejects)
        precision = f"{report.precision:9.2f}" if report.hits else " " * 9
        print(f"{report.cue.id:<{width}}  {examples:8}  {len(report.failed):6}  {report.hits:5}  {precision}  {', '.join(report.conflicts)}".rstrip())
    failed = [(report.cue, text) for report in reports for text in report.failed]
    for cue, text in failed:
        _say(f"{cue.file}: cue {cue.id!r}: {text}", FAILED)
    print(f"{len(reports)} cues, {sum(len(r.cue.matches) + len(r.cue.rejects) for r in reports)} examples, {len(failed)} failed")
    return FAILED if failed else OK


def _train(given: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from ownership_scorer import modelstore
    from ownership_scorer.training import FitSettings, data_digest, fit

    calls = [_labelled_call(call, given.group_by, beside) for paths, beside in ((given.labelled, False), (given.beside, True)) for call in _labelled(paths)]
    try:
        scorer, figures = fit(calls, _cuebook(given.cues), FitSettings(severity=dict(given.severity)), jobs=given.jobs)
    except ValueError as error:
        raise _UsageError(str(error)) from None
    # A build that is to be the same every time says which day it is.
    day = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC) if "SOURCE_DATE_EPOCH" in os.environ else datetime.now(UTC)
    about = {"trained_on": data_digest(calls), "grouped_by": given.group_by, "date": f"{day:%Y-%m-%d}", "figures": figures}
    saved = modelstore.save(scorer, given.out, about)
    beside = f" with {figures['calls_beside']:,} beside them" if figures["calls_beside"] else ""
    print(f"model {saved.model_id} in {given.out}, from {figures['calls']:,} calls{beside}; on these, by cross-validation over {given.group_by}:")
    print(f"  macro F1 of the behaviours {figures['macro_f1']}")
    for dimension, kappa in figures["kappa"].items():
        print(f"  weighted kappa of {dimension} {kappa}")
    return OK


def _labelled(paths: Iterable[Path]) -> Iterator[Transcript]:
    from ownership_scorer.readers import Rejected, find_files, read

    for file in find_files(paths):
        for record in read(file):
            if isinstance(record, Rejected):
                where = f"{record.file}{f', line {record.line}' if record.line else ''}"
                raise _UsageError(f"{where}: {record.reason}")
            if not isinstance(record.metadata.get("labels"), dict):
                raise _UsageError(f"{file}: call {record.call_id!r} has no labels; a labelled call has 'labels': {{turn index: [behaviours]}}")
            yield record


def _labelled_call(call: Transcript, group_by: str, beside: bool) -> LabelledCall:
    from ownership_scorer.training import LabelledCall

    try:
        labels: dict[int, Sequence[str]] = {int(turn): tuple(said) for turn, said in call.metadata["labels"].items()}
    except ValueError:
        raise _UsageError(f"call {call.call_id!r}: labels stand under {list(call.metadata['labels'])[:3]}; allowed are turn indexes, from 0") from None
    group = getattr(call, group_by, None) if group_by in ("agent_id", "customer_id", "call_id", "channel") else call.metadata.get(group_by)
    return LabelledCall(call, labels, dict(call.metadata.get("ratings") or {}), str(group if group is not None else call.call_id), beside)


def _cuebook(folders: Sequence[str]) -> Cuebook:
    from ownership_scorer.cuebook import Cuebook

    return Cuebook.read(*(None if folder == _SHIPPED else Path(folder) for folder in folders))


# --- the parser ------------------------------------------------------------------------------------------------------


def _pairs(allowed: Sequence[str] | None) -> Any:
    """Make a reader of ``name=value,name=value``."""

    def pairs(text: str) -> list[tuple[str, str]]:
        found = []
        for part in text.split(","):
            name, sign, value = part.rpartition("=")
            if not (name and sign and value):
                raise argparse.ArgumentTypeError(f"{part!r}: write name=value, several with commas between them")
            if allowed and value not in allowed:
                raise argparse.ArgumentTypeError(f"{part!r}: {value!r} is no role; allowed are {', '.join(allowed)}")
            found.append((name, value))
        return found

    return pairs


def _severity(text: str) -> list[tuple[str, float]]:
    from ownership_scorer.rubric import DIMENSIONS

    try:
        found = [(name, float(value)) for name, value in _pairs(None)(text)]
    except ValueError:
        found = [("", 0.0)]
    if any(name not in DIMENSIONS or not -4 <= number <= 4 for name, number in found):
        raise argparse.ArgumentTypeError(f"{text!r}: write dimension=number, from -4 to 4; dimensions are {', '.join(DIMENSIONS)}")
    return found


def _jobs(text: str) -> int:
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if jobs < 1 and jobs != -1:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are 1 and more, or -1 for one a core")
    return jobs


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole numbers from 0")
    return int(text)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"ownership-scorer {version('ownership-scorer')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ownership-scorer", description="Scores how far call-centre agents took ownership of their calls.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _score_parser(commands.add_parser("score", help="score the calls in files and folders"))

    inspect = commands.add_parser("inspect", help="say what a file is taken for, before scoring it")
    inspect.add_argument("file", type=Path, metavar="FILE")
    _add_reading(inspect)
    inspect.set_defaults(run=_inspect)

    summary = commands.add_parser("summary", help="sum up what a run wrote")
    summary.add_argument("folder", type=Path, metavar="DIR")
    summary.set_defaults(run=_summary)

    cues = commands.add_parser("cues", help="work on rule files").add_subparsers(dest="cues_command", required=True, metavar="COMMAND")
    check = cues.add_parser("check", help="run the examples of all cues, and count their hits in labelled calls")
    _add_cues(check)
    check.add_argument("--labelled", type=Path, action="append", default=[], metavar="FILE", help="labelled calls; may be given again")
    check.set_defaults(run=_cues_check)

    train = commands.add_parser("train", help="fit a model on labelled calls")
    train.add_argument("labelled", nargs="+", type=Path, metavar="LABELLED", help="files or folders of labelled calls of the kind that the model is for")
    train.add_argument(
        "--beside", type=Path, action="append", default=[], metavar="PATH",
        help="labelled calls of other kinds to learn from, too: they count less, and thresholds and intervals come from LABELLED alone; may be given again",
    )  # fmt: skip
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the model")
    _add_cues(train)
    train.add_argument(
        "--group-by", default="call_id", metavar="FIELD",
        help="calls that agree in this field are never split in cross-validation: call_id, agent_id, or any other field of the calls (default: call_id)",
    )  # fmt: skip
    train.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="processes that fit; -1 takes one a core (default: 1); the model is the same")
    train.add_argument(
        "--severity", type=_severity, default=(), metavar="DIMENSION=NUMBER,...",
        help="by how much those who rated these calls rate more severely than others, such as listening=0.2; is added to the ratings, whose intervals widen",
    )  # fmt: skip
    train.set_defaults(run=_train)
    return parser


def _score_parser(score: argparse.ArgumentParser) -> None:
    score.add_argument("input", nargs="+", type=Path, metavar="INPUT", help="files, or folders to search")
    score.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for scores, evidence, rejected and run.json")
    score.add_argument("--model", type=Path, metavar="DIR", help="folder of a model (default: the shipped one)")
    score.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="processes that score; -1 takes one a core (default: 1)")
    score.add_argument("--format", choices=("csv", "parquet"), help="of scores and evidence (default: csv; with another engine, parquet)")
    score.add_argument("--resume", action="store_true", help="go on with what an earlier run left unfinished in DIR")
    score.add_argument("--min-agent-turns", type=_count, metavar="N", help="fewest agent turns of a call that is rated (default: what the model says)")
    score.add_argument("--min-agent-words", type=_count, metavar="N", help="fewest agent words of a call that is rated (default: what the model says)")
    score.add_argument("--engine", choices=("local", "dask", "spark"), default="local", help="where to score; dask and spark read and write Parquet")
    score.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask scheduler (tcp://...) or a Spark master (default: this machine)")
    _add_reading(score)
    score.set_defaults(run=_score)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agent-channel", metavar="CHANNEL", help="the channel on which the agent speaks, as the file names it")
    parser.add_argument("--speaker-map", type=_pairs(_ROLES), action="extend", metavar="LABEL=ROLE,...", help="who is who, such as spk_0=agent,spk_1=customer")
    parser.add_argument("--infer-roles", action="store_true", help="guess who the agent is where the file does not say")
    parser.add_argument("--columns", type=_pairs(None), action="extend", metavar="FIELD=HEADING,...", help="columns of a table, such as text=Utterance")


def _add_cues(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cues", action="append", metavar="DIR", default=[],
        help=f"folder of rule files; may be given again, '{_SHIPPED}' stands for those of the package (default: {_SHIPPED})",
    )  # fmt: skip
