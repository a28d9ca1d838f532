"""What a batch rests on: output files that grow and can be cut back, a journal of what is safe, and the ids already seen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.evidence import CallScore
from ownership_scorer.tables import (
    EVIDENCE_COLUMNS,
    NUMBERS,
    PROBABILITY_DIGITS,
    REJECTED_COLUMNS,
    SCORE_COLUMNS,
    WHOLE_NUMBERS,
    Cell,
    csv_line,
    evidence_rows,
    rejected_row,
    score_row,
)

#: Seconds between two commits of CSV; what was done since the last one is done again after a kill.
COMMIT_SECONDS: Final = 1.0
#: Chunks in one Parquet part.
CHUNKS_A_PART: Final = 64
#: What of a run is not finished lies here, in the output folder.
UNFINISHED: Final = ".unfinished"

_TABLES: Final = {"scores": SCORE_COLUMNS, "evidence": EVIDENCE_COLUMNS}


class BatchError(Exception):
    """A batch cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Records in and out of a run; they add up.

    Parameters
    ----------
    records : int
        What the readers gave: calls, and records that could not be read.
    calls : int
        Rows of the scores.
    rejected : int
        Rows of ``rejected.csv``; with ``calls`` they make ``records``.
    evidence : int
        Rows of the evidence.
    doubtful : int
        Calls that the reader had a doubt about.
    by_status : dict of str to int
        Status to calls.
    inferred : int
        Calls whose roles were inferred from what is said.
    """

    records: int = 0
    calls: int = 0
    rejected: int = 0
    evidence: int = 0
    doubtful: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    inferred: int = 0

    def __add__(self, other: Counts) -> Counts:
        by_status = {s: self.by_status.get(s, 0) + other.by_status.get(s, 0) for s in sorted({*self.by_status, *other.by_status})}
        numbers = {name: getattr(self, name) + getattr(other, name) for name in ("records", "calls", "rejected", "evidence", "doubtful", "inferred")}
        return Counts(**numbers, by_status=by_status)


@dataclass(frozen=True, slots=True)
class Commit:
    """A line of the journal: up to here all is safe on disk.

    Parameters
    ----------
    file, record : int
        The file being read, and how many of its records are done.
    sizes : dict of str to int
        Bytes of each growing file that count; what lies behind them is cut off.
    parts : int
        Parquet parts written.
    counts : Counts
    seconds : float
        Spent so far, over all starts.
    done : bool
        Everything is read and written; only the moving into place is left.
    """

    file: int = 0
    record: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    parts: int = 0
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    done: bool = False


class Written(NamedTuple):
    """The results of a chunk, ready for the files."""

    scores: Any  #: bytes of CSV, or a pyarrow Table
    evidence: Any
    rejected: bytes
    counts: Counts


def written(results: Iterable[CallScore | Any], file_format: str, doubtful: int, inferred: int = 0) -> Written:
    """Turn the results of a chunk into what goes into the files; runs in the workers.

    Parameters
    ----------
    results : iterable of CallScore or Rejected
        In order.
    file_format : {"csv", "parquet"}
    doubtful : int
        Calls of the chunk that the reader had a doubt about.
    inferred : int
        Calls of the chunk whose roles were inferred.
    """
    scores: list[tuple[Cell, ...]] = []
    evidence: list[tuple[Cell, ...]] = []
    rejected: list[str] = []
    by_status: dict[str, int] = {}
    for result in results:
        if isinstance(result, CallScore):
            scores.append(score_row(result))
            evidence += evidence_rows(result)
            by_status[result.status] = by_status.get(result.status, 0) + 1
        else:
            rejected.append(csv_line(rejected_row(result)))
    counts = Counts(len(scores) + len(rejected), len(scores), len(rejected), len(evidence), doubtful, by_status, inferred)
    if file_format == "parquet":
        return Written(_arrow(scores, SCORE_COLUMNS), _arrow(evidence, EVIDENCE_COLUMNS), _encoded(rejected), counts)
    lines = [csv_line(row) for row in scores], [csv_line(row, PROBABILITY_DIGITS) for row in evidence]
    return Written(_encoded(lines[0]), _encoded(lines[1]), _encoded(rejected), counts)


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", errors="replace")


def _arrow(rows: Sequence[tuple[Cell, ...]], columns: Sequence[str]) -> Any:
    import pyarrow as pa

    kinds = {True: pa.int64(), False: pa.string()}
    schema = pa.schema([(name, pa.float64() if name in NUMBERS else kinds[name in WHOLE_NUMBERS]) for name in columns])
    cells = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array([_sound(c) for c in column], kind.type) for column, kind in zip(cells, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _sound(cell: Cell) -> Cell:
    # A lone surrogate has no place in UTF-8.
    return cell.encode("utf-8", errors="replace").decode() if isinstance(cell, str) and not cell.isascii() else cell


class Growing:
    """A file that is only ever appended to, and cut back to its last safe length when a run goes on.

    Parameters
    ----------
    path : Path
    size : int or None
        Its safe length; None begins it anew.
    head : bytes
        How it begins.
    """

    def __init__(self, path: Path, size: int | None, head: bytes = b"") -> None:
        self.path = path
        if size is not None and (not path.exists() or path.stat().st_size < size):
            raise BatchError(f"{path}: shorter than the journal says, or gone; delete the folder {path.parent} and start anew")
        self._file = path.open("r+b" if size is not None else "wb")
        self._file.truncate(size or 0)
        self._file.seek(size or 0)
        if size is None:
            self._file.write(head)

    def append(self, content: bytes) -> None:
        """Write at the end."""
        self._file.write(content)

    def sync(self) -> int:
        """Make everything safe and return the length."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Let go of the file; what was not made safe may be lost."""
        # A full disk is reported where it was first met, not again here.
        with suppress(OSError):
            self._file.close()


class CsvOutput:
    """Scores and evidence as two growing CSV files."""

    def __init__(self, folder: Path, commit: Commit | None) -> None:
        self._folder = folder
        self._files = {
            name: Growing(folder / f"{name}.csv", commit.sizes[name] if commit else None, csv_line(columns).encode()) for name, columns in _TABLES.items()
        }  # fmt: skip

    def append(self, result: Written) -> None:
        """Take the results of a chunk."""
        self._files["scores"].append(result.scores)
        self._files["evidence"].append(result.evidence)

    def due(self, seconds: float) -> bool:
        """Tell whether to commit, so many seconds after the last time."""
        return seconds >= COMMIT_SECONDS

    def commit(self) -> dict[str, Any]:
        """Make everything safe; return what the journal has to know."""
        return {"sizes": {name: file.sync() for name, file in self._files.items()}}

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return what to move into place at the end."""
        return ("scores.csv", "evidence.csv")


class ParquetOutput:
    """Scores and evidence as two folders of Parquet parts; a part holds a fixed number of chunks, so that parts do not depend on chance."""

    def __init__(self, folder: Path, commit: Commit | None) -> None:
        self._folders = {name: folder / f"{name}.parquet" for name in _TABLES}
        self._parts = commit.parts if commit else 0
        self._waiting: list[Written] = []
        for place in self._folders.values():
            place.mkdir(exist_ok=True)
            for part in place.iterdir():
                if not part.name.endswith(".parquet") or int(part.stem.split("-")[1]) >= self._parts:
                    part.unlink()

    def append(self, result: Written) -> None:
        """Take the results of a chunk."""
        self._waiting.append(result)

    def due(self, seconds: float) -> bool:
        """Tell whether to commit; time has no say, or parts would depend on it."""
        return len(self._waiting) >= CHUNKS_A_PART

    def commit(self) -> dict[str, Any]:
        """Write a part; return what the journal has to know."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._waiting or not self._parts:
            for name, place in self._folders.items():
                tables = [getattr(result, name) for result in self._waiting] or [_arrow([], _TABLES[name])]
                part = place / f"part-{self._parts:05d}.parquet"
                with part.with_suffix(".tmp").open("wb") as file:
                    pq.write_table(pa.concat_tables(tables), file, compression="zstd")
                    file.flush()
                    os.fsync(file.fileno())
                part.with_suffix(".tmp").replace(part)
            self._parts += 1
            self._waiting.clear()
        return {"sizes": {}, "parts": self._parts}

    def close(self) -> None:
        """Forget what is not written."""
        self._waiting.clear()

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return what to move into place at the end."""
        return ("scores.parquet", "evidence.parquet")


OUTPUTS: Final[dict[str, type[CsvOutput | ParquetOutput]]] = {"csv": CsvOutput, "parquet": ParquetOutput}


def read_journal(folder: Path) -> tuple[Commit | None, int]:
    """Return the last commit of an unfinished run, if any, and the safe length of its journal."""
    path = folder / "journal"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    # A line that was cut short by a kill or a full disk was never safe.
    whole = [line for line in lines if line.endswith(b"\n")]
    if not whole:
        return None, 0
    said = json.loads(whole[-1])
    return Commit(**said | {"counts": Counts(**said["counts"])}), sum(map(len, whole))


class Journal:
    """The growing files of a run and the lines that say how much of them is safe.

    Parameters
    ----------
    folder : Path
        `UNFINISHED`, in the output folder.
    file_format : {"csv", "parquet"}
    """

    def __init__(self, folder: Path, file_format: str) -> None:
        self.folder = folder
        before, size = read_journal(folder)
        self.last = before or Commit()
        self._output = OUTPUTS[file_format](folder, before)
        self._rejected = Growing(folder / "rejected.csv", before.sizes["rejected"] if before else None, csv_line(REJECTED_COLUMNS).encode())
        self._ids = Growing(folder / "ids", before.sizes["ids"] if before else None)
        self._journal = Growing(folder / "journal", size if before else None)

    def ids(self) -> NDArray[np.uint64]:
        """Return the digests of the ids seen up to the last commit."""
        return np.fromfile(self.folder / "ids", dtype="<u8").astype(np.uint64)

    def append(self, result: Written, digests: NDArray[np.uint64]) -> None:
        """Take the results of a chunk."""
        self._output.append(result)
        self._rejected.append(result.rejected)
        self._ids.append(digests.astype("<u8").tobytes())

    def due(self, seconds: float) -> bool:
        """Tell whether to commit, so many seconds after the last time."""
        return self._output.due(seconds)

    def commit(self, commit: Commit) -> None:
        """Make everything safe, then say so."""
        state = self._output.commit()
        state["sizes"] |= {"rejected": self._rejected.sync(), "ids": self._ids.sync()}
        self.last = replace(commit, **state)
        self._journal.append(json.dumps(asdict(self.last)).encode() + b"\n")
        self._journal.sync()

    def close(self) -> None:
        """Let go of all files."""
        for file in (self._output, self._rejected, self._ids, self._journal):
            file.close()


class SeenIds:
    """Which call ids have been seen: an 8-byte digest each, in sorted arrays that are merged as they grow.

    Parameters
    ----------
    digests : array of uint64
        Seen before.

    Notes
    -----
    Two million calls take 16 MB, and up to three times that while arrays are merged. By the birthday bound, the chance that two of n different ids share
    a digest is about n²/2⁶⁵: 1 in 10 million for two million calls, 3 % for a billion.
    """

    def __init__(self, digests: NDArray[np.uint64]) -> None:
        self._runs = [np.unique(digests)] if len(digests) else []

    def add(self, ids: Sequence[str]) -> tuple[list[bool], NDArray[np.uint64]]:
        """Take ids.

        Parameters
        ----------
        ids : sequence of str

        Returns
        -------
        list of bool
            Whether each id is new.
        array of uint64
            Digests of the new ones.
        """
        digests = np.array([int.from_bytes(blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") for i in ids], dtype=np.uint64)
        found, first = np.unique(digests, return_index=True)
        known = np.zeros(len(found), dtype=bool)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, found), len(run) - 1)
            known |= run[place] == found
        fresh = np.zeros(len(ids), dtype=bool)
        fresh[first[~known]] = True
        if not known.all():
            self._runs.append(found[~known])
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
        return fresh.tolist(), digests[fresh]
