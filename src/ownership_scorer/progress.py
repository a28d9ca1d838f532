"""How far a batch is: calls done, their rate and the time left, on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

# What a turn and a call take in a file besides the words; the time left rests on it within a file and is put right at each file's end.
_BYTES_A_TURN: Final = 50
_BYTES_A_CALL: Final = 150


class Progress:
    """A bar over the bytes of the files to read.

    Parameters
    ----------
    sizes : sequence of int
        Of each file, in the order of reading.
    shown : bool or None
        None: on a terminal only.
    calls : int
        Done before, in a run that goes on.
    file : int
        Where that run goes on.
    """

    def __init__(self, sizes: Sequence[int], shown: bool | None = None, calls: int = 0, file: int = 0) -> None:
        self._sizes = sizes
        self._file = file
        self._before = sum(sizes[:file])
        self._inside = 0
        self._calls = self._first = calls
        self._bar: Any = None
        if sys.stderr.isatty() if shown is None else shown:
            from tqdm import tqdm

            form = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}]"
            self._bar = tqdm(total=max(1, sum(sizes)), initial=self._before, bar_format=form, desc="0 calls", file=sys.stderr, mininterval=0.5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, file: int, calls: int, turns: int, characters: int) -> None:
        """Count calls that are done, the last of them in the given file."""
        if self._bar is None:
            return
        if file != self._file:
            self._before += sum(self._sizes[self._file : file])
            self._file, self._inside = file, 0
        self._inside += characters + turns * _BYTES_A_TURN + calls * _BYTES_A_CALL
        self._calls += calls
        seconds = self._bar.format_dict["elapsed"]
        rate = f", {(self._calls - self._first) / seconds:,.0f} calls/s" if seconds else ""
        self._bar.set_description_str(f"{self._calls:,} calls{rate}", refresh=False)
        self._bar.update(self._before + min(self._inside, self._sizes[file]) - self._bar.n)
