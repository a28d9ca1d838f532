r"""Score how far a call-centre agent took ownership of a call.

>>> import ownership_scorer as own
>>> scorer = own.load()
>>> result = scorer.score(own.Transcript.from_text("Customer: ...\nAgent: ..."))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ownership_scorer import distributed
    from ownership_scorer.batch import BatchError, BatchSettings, score_files
    from ownership_scorer.cuebook import Cuebook, CueError
    from ownership_scorer.evidence import CallScore, Evidence
    from ownership_scorer.modelstore import ModelError, load, save
    from ownership_scorer.readers import ReadError, ReadOptions, Rejected, find_files, read, read_frame
    from ownership_scorer.rubric import BEHAVIOURS, DIMENSIONS
    from ownership_scorer.scorer import Judgeable, OwnershipScorer
    from ownership_scorer.tables import evidence_frame, score_frame, score_frames
    from ownership_scorer.training import FitSettings, LabelledCall, fit
    from ownership_scorer.transcript import Transcript, Turn

# Where each public name lives; it is imported when first asked for, so that importing the package costs nothing.
_HOMES = {
    "batch": ("BatchError", "BatchSettings", "score_files"),
    "cuebook": ("CueError", "Cuebook"),
    "evidence": ("CallScore", "Evidence"),
    "modelstore": ("ModelError", "load", "save"),
    "readers": ("ReadError", "ReadOptions", "Rejected", "find_files", "read", "read_frame"),
    "rubric": ("BEHAVIOURS", "DIMENSIONS"),
    "scorer": ("Judgeable", "OwnershipScorer"),
    "tables": ("evidence_frame", "score_frame", "score_frames"),
    "training": ("FitSettings", "LabelledCall", "fit"),
    "transcript": ("Transcript", "Turn"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BEHAVIOURS",
    "DIMENSIONS",
    "BatchError",
    "BatchSettings",
    "CallScore",
    "CueError",
    "Cuebook",
    "Evidence",
    "FitSettings",
    "Judgeable",
    "LabelledCall",
    "ModelError",
    "OwnershipScorer",
    "ReadError",
    "ReadOptions",
    "Rejected",
    "Transcript",
    "Turn",
    "distributed",
    "evidence_frame",
    "find_files",
    "fit",
    "load",
    "read",
    "read_frame",
    "save",
    "score_files",
    "score_frame",
    "score_frames",
]


def __getattr__(name: str) -> Any:
    if name == "distributed":
        return import_module(f"{__name__}.distributed")
    if name == "__version__":
        from importlib.metadata import version

        return version("ownership-scorer")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
