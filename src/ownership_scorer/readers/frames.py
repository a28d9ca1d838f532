"""Calls out of a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..transcript import Transcript
from .base import ReadError, ReadOptions, Rejected
from .documents import read_rows
from .tables import Row, Table

if TYPE_CHECKING:
    import pandas as pd


def read_frame(frame: pd.DataFrame, options: ReadOptions | None = None) -> Iterator[Transcript | Rejected]:
    """Read the calls of a DataFrame: a row a turn, or a row a call.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns are recognised by their names, as in a file, or named by ``options.columns``.
    options : ReadOptions, optional
        The settings.

    Yields
    ------
    Transcript or Rejected
        In a `Rejected`, ``line`` is the row's number from 1.
    """
    try:
        table = Table("DataFrame", "DataFrame", [str(column) for column in frame.columns], _rows(frame))
        yield from read_rows(table, options or ReadOptions())
    except ReadError as error:
        yield Rejected("DataFrame", None, None, str(error))


def _rows(frame: pd.DataFrame) -> Iterator[Row]:
    names = [str(column) for column in frame.columns]
    for number, values in enumerate(frame.itertuples(index=False, name=None), start=1):
        yield number, {name: plain_value(value) for name, value in zip(names, values, strict=True)}


def plain_value(value: Any) -> Any:
    """Return a cell as plain Python: no NaN, no NumPy, no pandas."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, Mapping):
        return {str(key): plain_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "tolist"):
        return plain_value(value.tolist())
    if hasattr(value, "as_py"):
        return plain_value(value.as_py())
    try:
        return None if value != value else value
    except (TypeError, ValueError):
        return None
