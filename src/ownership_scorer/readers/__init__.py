"""Read transcripts from whatever file an analyst has.

`read` recognises a file's format by its content and yields a `Transcript` for each call, or a `Rejected` for each record that could not be read.
"""

from .base import Infer, ReadError, ReadOptions, Rejected
from .dispatch import read
from .files import find_files
from .formats import FORMATS, GRADES, Format
from .frames import read_frame
from .marks import DEFAULT_MARKS, Marks

__all__ = ["DEFAULT_MARKS", "FORMATS", "GRADES", "Format", "Infer", "Marks", "ReadError", "ReadOptions", "Rejected", "find_files", "read", "read_frame"]
