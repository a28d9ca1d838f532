"""Find the files to read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .base import ReadError

#: Files of a scoring run, never taken for transcripts.
OWN_OUTPUT: Final = frozenset(
    {"run.json", "report.html", *(f"{name}.{ending}" for name in ("scores", "evidence", "rejected") for ending in ("csv", "parquet", "jsonl"))}
)


def find_files(inputs: Iterable[str | Path]) -> list[Path]:
    """List the files that inputs name.

    Parameters
    ----------
    inputs : iterable of str or Path
        Files, and folders, which are searched with all that is in them. In folders, hidden files and the output files of a scoring run are skipped.

    Returns
    -------
    list of Path
        In the order given, sorted within a folder, each once.

    Raises
    ------
    ReadError
        Where a path does not exist.
    """
    found: dict[Path, None] = {}
    for given in map(Path, inputs):
        if given.is_dir():
            for path in sorted(given.rglob("*")):
                inner = path.relative_to(given).parts
                if path.is_file() and not any(part.startswith(".") for part in inner) and path.name not in OWN_OUTPUT:
                    found[path] = None
        elif given.exists():
            found[given] = None
        else:
            raise ReadError(f"{given}: no such file or folder")
    return list(found)
