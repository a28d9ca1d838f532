"""Read transcripts from whatever file an analyst has.

`read` recognises a file's format by its content and yields a `Transcript` for each call, or a `Rejected` for each record that could not be read.
"""

from .base import Infer, ReadError, ReadOptions, Rejected
from .dispatch import read
from .files import find_files
from .formats import FORMATS
from .frames import read_frame
from .inspection import Inspection, inspect_file
from .known import GRADES, Format
from .marks import DEFAULT_MARKS, Marks

__all__ = [
    "DEFAULT_MARKS",
    "FORMATS",
    "GRADES",
    "Format",
    "Infer",
    "Inspection",
    "Marks",
    "ReadError",
    "ReadOptions",
    "Rejected",
    "find_files",
    "inspect_file",
    "read",
    "read_frame",
]
