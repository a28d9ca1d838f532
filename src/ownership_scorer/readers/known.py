"""What is written down about a format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from .base import ReadOptions
from .call import Call

#: What the grades of the table mean.
GRADES: Final = {
    "R": "checked against output of the vendor's service",
    "V": "checked against an example published by the vendor",
    "F": "checked against a third party's example",
    "D": "written from the documentation alone, not yet checked against a file",
    "own": "our own",
}


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Parameters
    ----------
    name : str
        As in ``metadata["format"]``.
    family : str
        Whose it is.
    grade : str
        One of `GRADES`.
    keys : tuple of str
        Top-level keys that mark a JSON format; empty for others.
    detect : callable, optional
        Takes a parsed JSON document and tells whether it is of this format; never raises.
    parse : callable, optional
        Takes such a document and gives its calls.
    """

    name: str
    family: str
    grade: str
    keys: tuple[str, ...] = ()
    detect: Callable[[Any], bool] | None = None
    parse: Callable[[Any, ReadOptions], Call | Iterable[Call]] | None = None
