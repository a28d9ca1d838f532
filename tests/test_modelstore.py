"""A model folder: what is written comes back the same, and nothing altered is taken."""

import json
import pickle
import shutil

import numpy as np
import pytest

from ownership_scorer import modelstore
from ownership_scorer.modelstore import FORMAT, ModelError


@pytest.fixture
def folder(shipped, tmp_path):
    shutil.copytree(modelstore.default_model(), tmp_path / "model")
    return tmp_path / "model"


def test_saved_again_is_the_same_byte_for_byte(shipped, tmp_path):
    about = {key: shipped.manifest[key] for key in ("date", "figures")}
    again = modelstore.save(shipped, tmp_path / "again", about)
    assert again.model_id == shipped.model_id
    for name in shipped.manifest["files"]:
        assert (tmp_path / "again" / name).read_bytes() == (modelstore.default_model() / name).read_bytes()


@pytest.mark.parametrize("name", ["ngrams.txt", "tagger.npz", "rater.npz"])
def test_altered_file_is_named(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(ModelError, match=f"{name}: altered"):
        modelstore.load(folder)


def test_missing_parts_are_named(folder):
    (folder / "tagger.npz").unlink()
    with pytest.raises(ModelError, match=r"tagger\.npz: missing"):
        modelstore.load(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"no model here \(manifest\.json is missing\)"):
        modelstore.load(folder)


def test_changed_cues_are_refused(folder):
    cue = next((folder / "cues").glob("commit*.toml"))
    cue.write_text(cue.read_text().replace("call", "bell"))
    with pytest.raises(ModelError, match=r"not those that the model was trained with|bell"):
        modelstore.load(folder)


def test_other_format_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(ModelError, match=f"format 99; this version reads format {FORMAT}"):
        modelstore.load(folder)


class Bomb:
    def __reduce__(self):
        return (print, ("a model must not run code",))


def test_loading_never_unpickles(folder, capsys):
    """An array file that hides a pickle is refused, even with the right digest."""
    import hashlib
    import io

    buffer = io.BytesIO()
    np.savez(buffer, inner=np.array([Bomb()], dtype=object), allow_pickle=True)
    assert pickle.dumps(Bomb())
    (folder / "tagger.npz").write_bytes(buffer.getvalue())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["tagger.npz"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="pickle"):
        modelstore.load(folder)
    assert "must not run" not in capsys.readouterr().out


def test_manifest_says_what_it_must(shipped):
    assert {"format", "model_id", "cues", "files", "judgeable", "packages", "trained_on", "date", "figures"} <= set(shipped.manifest)
