"""The batch engine: many files in, results out, in bounded memory; what a kill leaves behind can go on."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple

from ownership_scorer import modelstore
from ownership_scorer.batchparts import OUTPUTS, UNFINISHED, BatchError, Commit, Journal, SeenIds, Written, read_journal, written
from ownership_scorer.progress import Progress
from ownership_scorer.readers import ReadOptions, Rejected, find_files, read
from ownership_scorer.roles import infer_roles
from ownership_scorer.scorer import OwnershipScorer
from ownership_scorer.tables import DUPLICATE, score_records
from ownership_scorer.transcript import Transcript

__all__ = ["BatchError", "BatchSettings", "score_files", "versions"]

#: Records handed to a worker at a time, and the characters from which on it is fewer.
CHUNK: Final = 256
_CHUNK_CHARACTERS: Final = 4_000_000
#: Layout of the unfinished folder.
_LAYOUT: Final = 1

_TRIAL: Final = Transcript.from_text("Customer: I need to change my booking.\nAgent: I can help you with that.\nCustomer: Thank you.\nAgent: Anything else?")
_PACKAGES: Final = ("ownership-scorer", "spacy", "scikit-learn", "numpy", "scipy", "pandas", "joblib")
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a batch is run.

    Parameters
    ----------
    model : path or None
        Folder of the model; None for the shipped one.
    jobs : int
        Processes that score; 1 scores in this one, -1 takes one a core.
    file_format : {"csv", "parquet"}
        Of scores and evidence.
    resume : bool
        Go on with what an earlier run in the same folder left unfinished.
    reading : readers.ReadOptions
        How the files are read.
    min_agent_turns, min_agent_words : int or None
        What a call must have to be rated; None for what the model says.
    progress : bool or None
        Show a bar; None shows it on a terminal only.
    """

    model: str | Path | None = None
    jobs: int = 1
    file_format: str = "csv"
    resume: bool = False
    reading: ReadOptions = field(default_factory=ReadOptions)
    min_agent_turns: int | None = None
    min_agent_words: int | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        if self.file_format not in OUTPUTS:
            raise ValueError(f"file_format is {self.file_format!r}; allowed are {', '.join(OUTPUTS)}")
        if self.jobs < 1 and self.jobs != -1:
            raise ValueError(f"jobs is {self.jobs}; allowed are 1 and more, or -1 for one a core")


class _Chunk(NamedTuple):
    """Records that are scored together, and where the reading stands after them."""

    records: list[tuple[str, Transcript | Rejected]]
    file: int
    record: int
    digests: Any
    turns: int
    characters: int


def score_files(inputs: Iterable[str | Path], out: str | Path, settings: BatchSettings | None = None) -> dict[str, Any]:
    """Score the calls of files and folders.

    Parameters
    ----------
    inputs : iterable of path
        Files, and folders, which are searched.
    out : path
        Folder for ``scores``, ``evidence``, ``rejected.csv`` and ``run.json``; made if need be.
    settings : BatchSettings, optional

    Returns
    -------
    dict
        What is in ``run.json``.

    Raises
    ------
    BatchError
        Where the run cannot start or go on: an unwritable folder, a full disk, a worker that died, other inputs or settings than those of the run that
        is to go on. What is done by then is kept.
    readers.ReadError
        Where an input does not exist.
    modelstore.ModelError
        Where the model cannot be used.

    Notes
    -----
    The files are the same, byte for byte, whatever ``jobs`` is and however often the run was stopped; times stand in ``run.json`` alone.
    """
    settings = settings or BatchSettings()
    if settings.reading.infer_roles and settings.reading.infer is None:
        settings = replace(settings, reading=replace(settings.reading, infer=infer_roles))
    out = Path(out)
    files = find_files(inputs)
    files = [file for file in files if not _is_output(file, out)]
    if not files:
        raise BatchError("no file to read in the inputs")
    scorer = _open(settings)
    identity = _identity(settings, scorer)
    listed = [_file_state(file) for file in files]
    with _writing(out), _only_run(out):
        finished = _prepare(out, identity, listed, settings.resume)
        if finished:
            return finished
        last, _ = read_journal(out / UNFINISHED)
        if last is None or not last.done:
            with closing(Journal(out / UNFINISHED, settings.file_format)) as journal:
                _run(files, listed, settings, scorer, journal)
                last = journal.last
        return _publish(out, last, identity, listed, settings)


def _run(files: list[Path], listed: list[list[Any]], settings: BatchSettings, scorer: OwnershipScorer, journal: Journal) -> None:
    from joblib import cpu_count

    last = journal.last
    chunks = _chunks(files, last, settings.reading, SeenIds(journal.ids()))
    jobs = cpu_count() if settings.jobs == -1 else settings.jobs
    results = _parallel(chunks, jobs, settings) if jobs > 1 else _here(chunks, scorer, settings.file_format)
    began = committed = time.monotonic()
    now = last
    with closing(results), Progress([size for _, size, _ in listed], settings.progress, last.counts.records, last.file) as progress:
        for chunk, result in results:
            journal.append(result, chunk.digests)
            now = replace(now, file=chunk.file, record=chunk.record, counts=now.counts + result.counts)
            progress.add(chunk.file, len(chunk.records), chunk.turns, chunk.characters)
            if journal.due(time.monotonic() - committed):
                committed = time.monotonic()
                journal.commit(replace(now, seconds=last.seconds + committed - began))
    journal.commit(replace(now, seconds=last.seconds + time.monotonic() - began, done=True))


# --- reading ---------------------------------------------------------------------------------------------------------


def _chunks(files: Sequence[Path], start: Commit, options: ReadOptions, seen: SeenIds) -> Iterator[_Chunk]:
    """Gather records; where a chunk ends depends on the input alone."""
    waiting: list[tuple[str, Transcript | Rejected]] = []
    turns = characters = file = record = 0
    for file, record, found in _records(files, start, options):
        waiting.append((str(files[file]), found))
        if isinstance(found, Transcript):
            turns += len(found.turns)
            characters += sum(len(turn.text) for turn in found.turns)
        if len(waiting) >= CHUNK or characters >= _CHUNK_CHARACTERS:
            yield _once(waiting, file, record, turns, characters, seen)
            waiting, turns, characters = [], 0, 0
    if waiting:
        yield _once(waiting, file, record, turns, characters, seen)


def _records(files: Sequence[Path], start: Commit, options: ReadOptions) -> Iterator[tuple[int, int, Transcript | Rejected]]:
    for number in range(start.file, len(files)):
        count = 0
        skip = start.record if number == start.file else 0
        try:
            for found in read(files[number], options):
                count += 1
                if count > skip:
                    yield number, count, found
        except Exception as error:
            # A fault of a reader costs the rest of its file, not the batch; the message of an unforeseen error could hold words of a call.
            if count >= skip:
                yield number, count + 1, Rejected(str(files[number]), None, None, f"reading broke off after {count} records ({type(error).__name__})")


def _once(records: list[tuple[str, Transcript | Rejected]], file: int, record: int, turns: int, characters: int, seen: SeenIds) -> _Chunk:
    """Reject calls whose id was seen before."""
    at = [i for i, (_, found) in enumerate(records) if isinstance(found, Transcript)]
    fresh, digests = seen.add([records[i][1].call_id or "" for i in at])
    for i, new in zip(at, fresh, strict=True):
        if not new:
            name, found = records[i]
            records[i] = (name, Rejected(name, None, found.call_id, DUPLICATE))
    return _Chunk(records, file, record, digests, turns, characters)


# --- scoring ---------------------------------------------------------------------------------------------------------


def _open(settings: BatchSettings) -> OwnershipScorer:
    scorer = modelstore.load(settings.model)
    given = {name: value for name in ("min_agent_turns", "min_agent_words") if (value := getattr(settings, name)) is not None}
    scorer = replace(scorer, judgeable=replace(scorer.judgeable, **given)) if given else scorer
    try:
        scorer.score(_TRIAL)
    except Exception as error:
        # Else every call would be rejected in turn.
        raise BatchError(f"the model {scorer.model_id} cannot score anything with this version of the package: {error}") from error
    return scorer


def _work(scorer: OwnershipScorer, records: Sequence[tuple[str, Transcript | Rejected]], file_format: str) -> Written:
    calls = [found for _, found in records if isinstance(found, Transcript)]
    doubtful = sum(bool(call.metadata.get("doubts")) for call in calls)
    inferred = sum("inferred_roles" in call.metadata for call in calls)
    return written(score_records(scorer, records), file_format, doubtful, inferred)


_held: OwnershipScorer | None = None


def _start_worker(settings: BatchSettings, parent: int) -> None:
    """Load the model, once a worker."""
    global _held
    # Ctrl-C reaches the whole group of processes; the main one alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent,), daemon=True).start()
    _held = _open(settings)


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone, which a kill gives no time to tell it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _work_held(records: Sequence[tuple[str, Transcript | Rejected]], file_format: str) -> Written:
    if _held is None:
        raise RuntimeError("this worker has no model")
    return _work(_held, records, file_format)


def _here(chunks: Iterable[_Chunk], scorer: OwnershipScorer, file_format: str) -> Generator[tuple[_Chunk, Written], None, None]:
    for chunk in chunks:
        yield chunk, _work(scorer, chunk.records, file_format)


def _parallel(chunks: Iterable[_Chunk], jobs: int, settings: BatchSettings) -> Generator[tuple[_Chunk, Written], None, None]:
    """Score chunks in worker processes; a few are under way at any time, results come in order."""
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    # The infer function of the options may not be picklable, and workers do not read.
    pool = ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(replace(settings, reading=ReadOptions()), os.getpid()), env=_ONE_THREAD)
    under_way: deque[tuple[_Chunk, Any]] = deque()
    try:
        for chunk in chunks:
            under_way.append((chunk._replace(records=[]), pool.submit(_work_held, chunk.records, settings.file_format)))
            if len(under_way) > 2 * jobs:
                done, result = under_way.popleft()
                yield done, result.result()
        while under_way:
            done, result = under_way.popleft()
            yield done, result.result()
    except BrokenProcessPool:
        raise BatchError("a worker process died: killed, or out of memory (fewer --jobs take less); what is done is kept, go on with --resume") from None
    finally:
        pool.shutdown(wait=True, kill_workers=True)


# --- the folder ------------------------------------------------------------------------------------------------------


def _is_output(file: Path, out: Path) -> bool:
    """Tell a part that an earlier run wrote; its other files are known by their names."""
    return file.parent.suffix == ".parquet" and file.parent.parent.resolve() == out.resolve()


def _file_state(file: Path) -> list[Any]:
    state = file.stat()
    return [str(file), state.st_size, state.st_mtime_ns]


def _identity(settings: BatchSettings, scorer: OwnershipScorer) -> dict[str, Any]:
    """All that decides what is in the files, the inputs aside."""
    reading = settings.reading
    return {
        "layout": _LAYOUT,
        "version": versions()["ownership-scorer"],
        "model_id": scorer.model_id,
        "format": settings.file_format,
        "min_agent_turns": scorer.judgeable.min_agent_turns,
        "min_agent_words": scorer.judgeable.min_agent_words,
        "agent_channel": reading.agent_channel,
        "speaker_map": dict(reading.speaker_map),
        "infer_roles": reading.infer_roles,
        "columns": dict(reading.columns),
        "chunk": CHUNK,
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that scores depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _prepare(out: Path, identity: dict[str, Any], listed: list[list[Any]], resume: bool) -> dict[str, Any] | None:
    """Lay out the unfinished folder, or check the one that is there; return ``run.json`` where nothing is left to do."""
    folder = out / UNFINISHED
    header = folder / "run"
    if header.exists():
        if not resume and (folder / "journal").exists() and (folder / "journal").stat().st_size:
            raise BatchError(f"{out}: holds an unfinished run; go on with --resume, take another folder, or delete {folder}")
        if resume:
            said = json.loads(header.read_text(encoding="utf-8"))
            _refuse_other(said["identity"], identity, said["inputs"], listed, out)
            return None
    elif resume and (out / "run.json").exists():
        said = json.loads((out / "run.json").read_text(encoding="utf-8"))
        _refuse_other(said["settings"], identity, said["inputs"]["files"], listed, out)
        shutil.rmtree(folder, ignore_errors=True)
        return dict(said)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(header, {"identity": identity, "inputs": listed})
    return None


def _refuse_other(was: dict[str, Any], now: dict[str, Any], files: list[list[Any]], listed: list[list[Any]], out: Path) -> None:
    start_anew = f"start anew in another folder, or delete {out / UNFINISHED}"
    for name in now:
        if was.get(name) != now[name]:
            raise BatchError(f"{out}: cannot go on: {name} was {was.get(name)!r} and is now {now[name]!r}; give what it was, or {start_anew}")
    for before, after in zip(files, listed, strict=False):
        if before != after:
            what = f"{after[0]} has changed since" if before[0] == after[0] else f"the inputs differ: {before[0]} then, {after[0]} now"
            raise BatchError(f"{out}: cannot go on: {what}; {start_anew}")
    if len(files) != len(listed):
        raise BatchError(f"{out}: cannot go on: there were {len(files)} files to read and are now {len(listed)}; {start_anew}")


def _publish(out: Path, last: Commit, identity: dict[str, Any], listed: list[list[Any]], settings: BatchSettings) -> dict[str, Any]:
    """Move the finished files into place; every step may be repeated."""
    folder = out / UNFINISHED
    (out / "run.json").unlink(missing_ok=True)
    for name in (*OUTPUTS[settings.file_format].names(), "rejected.csv"):
        if (folder / name).exists():
            _remove(out / name)
            (folder / name).replace(out / name)
    for other in (f for f in OUTPUTS if f != settings.file_format):
        for name in OUTPUTS[other].names():
            _remove(out / name)
    run = {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(last.seconds, 3),
        "calls_a_second": round(last.counts.records / max(last.seconds, 1e-3), 1),
        "jobs": settings.jobs,
        "model_id": identity["model_id"],
        "counts": asdict(last.counts),
        "settings": identity,
        "versions": versions(),
        "inputs": {"number": len(listed), "bytes": sum(size for _, size, _ in listed), "files": listed},
    }
    _write_whole(out / "run.json", run)
    # Without its header the folder holds no run, so that a kill in the midst of the removal leaves a finished one.
    (folder / "run").unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return run


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_whole(path: Path, content: dict[str, Any]) -> None:
    """Write a file so that it is there whole or not at all."""
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Say in plain words that something cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        going_on = "; what is done is kept, go on with --resume once that is mended" if (out / UNFINISHED / "journal").exists() else ""
        raise BatchError(f"{error.filename or out}: cannot be written: {error.strerror or type(error).__name__}{going_on}") from error


@contextmanager
def _only_run(out: Path) -> Iterator[None]:
    """Keep a second run out of the same folder; the lock goes with the process, however it ends."""
    with (out / ".lock").open("w") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BatchError(f"{out}: another run is writing into this folder") from None
        try:
            yield
        finally:
            (out / ".lock").unlink(missing_ok=True)
