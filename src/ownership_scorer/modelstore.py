"""A model folder on disk: what is in it, how it is written, how it is read without running any code."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import is_dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.cuebook import Cuebook, CueError
from ownership_scorer.features import FeatureSpace
from ownership_scorer.rater import CallRater
from ownership_scorer.scorer import Judgeable, OwnershipScorer
from ownership_scorer.tagger import BehaviourTagger

#: Number of the folder's layout; a model with another number is refused.
FORMAT: Final = 4
_MANIFEST: Final = "manifest.json"
_Part = TypeVar("_Part")
_PACKAGES: Final = ("ownership-scorer", "spacy", "scikit-learn", "numpy", "scipy", "pandas")


class ModelError(ValueError):
    """A model folder cannot be used; the message names the file and what is wrong with it."""


def default_model() -> Path:
    """Return the folder of the shipped model: inside an installed package, or beside a source tree."""
    packed = Path(str(files("ownership_scorer"))) / "models" / "default"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "models" / "default"


def save(scorer: OwnershipScorer, folder: Path, about: Mapping[str, Any]) -> OwnershipScorer:
    """Write a model folder.

    Parameters
    ----------
    scorer : OwnershipScorer
    folder : Path
        Made if need be; files of an earlier model in it are replaced.
    about : mapping
        What else the manifest is to say: training-data digest, date, figures.

    Returns
    -------
    OwnershipScorer
        The model as `load` returns it, with its id: the first 12 digits of a digest over all that decides a score.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cues = folder / "cues"
    for old in cues.glob("*.toml") if cues.is_dir() else ():
        old.unlink()
    scorer.cuebook.write(cues)
    written = {
        "ngrams.txt": "\n".join(scorer.space.ngrams.known).encode(),
        "patterns.txt": "\n".join(scorer.space.patterns.known).encode(),
        "tagger.npz": _packed(_arrays(scorer.tagger)),
        "rater.npz": _packed(_arrays(scorer.rater)),
    }
    for name, content in written.items():
        (folder / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(written.items())}
    judgeable = {"min_agent_turns": scorer.judgeable.min_agent_turns, "min_agent_words": scorer.judgeable.min_agent_words}
    identity = json.dumps([FORMAT, digests, scorer.cuebook.digest, judgeable], sort_keys=True)
    manifest = {
        "format": FORMAT,
        "model_id": hashlib.sha256(identity.encode()).hexdigest()[:12],
        "cues": scorer.cuebook.digest,
        "files": digests,
        "judgeable": judgeable,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        **about,
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return load(folder)


def load(folder: str | Path | None = None) -> OwnershipScorer:
    """Read a model folder; no code in it is ever run.

    Parameters
    ----------
    folder : path, optional
        The shipped model where left out.

    Returns
    -------
    OwnershipScorer

    Raises
    ------
    ModelError
        Where a file is missing, altered, or of another format; the message names it.
    """
    place = default_model() if folder is None else Path(folder)
    try:
        manifest = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{place}: no model here ({_MANIFEST} is missing)") from None
    except ValueError as error:
        raise ModelError(f"{place / _MANIFEST}: not valid JSON: {error}") from None
    if manifest.get("format") != FORMAT:
        raise ModelError(f"{place / _MANIFEST}: format {manifest.get('format')!r}; this version reads format {FORMAT}")
    contents = {name: _checked(place / name, digest) for name, digest in manifest["files"].items()}
    try:
        cuebook = Cuebook.read(place / "cues")
    except CueError as error:
        raise ModelError(str(error)) from None
    if cuebook.digest != manifest["cues"]:
        raise ModelError(f"{place / 'cues'}: the rule files are not those that the model was trained with; retrain, or restore them")
    return OwnershipScorer(
        cuebook=cuebook,
        space=FeatureSpace(cuebook, _lines(contents["ngrams.txt"]), _lines(contents["patterns.txt"])),
        tagger=_built(BehaviourTagger, _unpacked(contents["tagger.npz"])),
        rater=_built(CallRater, _unpacked(contents["rater.npz"])),
        model_id=manifest["model_id"],
        judgeable=Judgeable(**manifest["judgeable"]),
        manifest=manifest,
    )


def _checked(file: Path, digest: str) -> bytes:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{file}: missing") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(f"{file}: altered since the model was saved (its digest is not the manifest's)")
    return content


def _lines(content: bytes) -> list[str]:
    return content.decode().split("\n") if content else []


def _arrays(part: Any) -> dict[str, NDArray[Any]]:
    """Return all arrays of a part of a model, those of the parts in it as ``name.array``; the first layers of networks in half precision."""
    arrays: dict[str, NDArray[Any]] = {}
    for name in part.__dataclass_fields__:
        value = getattr(part, name)
        arrays |= {f"{name}.{inner}": array for inner, array in _arrays(value).items()} if is_dataclass(value) else {name: value}
    return {name: array.astype(np.float16) if name.endswith("inner") else array for name, array in arrays.items()}


def _built(kind: type[_Part], arrays: Mapping[str, NDArray[Any]]) -> _Part:
    """Return the part of a model whose `_arrays` these are."""
    types = get_type_hints(kind)
    whole: dict[str, Any] = {name: array for name, array in arrays.items() if "." not in name}
    for name in dict.fromkeys(name.partition(".")[0] for name in arrays if "." in name):
        whole[name] = _built(types[name], {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")})
    return kind(**whole)


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpacked(content: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as packed:
        # Weights are kept in half precision; products are taken in single.
        return {name: packed[name].astype(np.float32) if packed[name].dtype == np.float16 else packed[name] for name in packed.files}
