"""Which files are read."""

import pytest

from ownership_scorer.readers import ReadError, find_files


def test_folders_are_searched(tmp_path):
    for name in ("b.json", "a/c.csv", "a/.hidden", ".git/x.json", "a/scores.csv", "run.json", "z.txt", "a/evidence.csv", "rejected.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [str(p.relative_to(tmp_path)) for p in find_files([tmp_path])] == ["a/c.csv", "b.json", "z.txt"]
    assert find_files([tmp_path / "z.txt", tmp_path, tmp_path / "z.txt"])[0] == tmp_path / "z.txt"
    assert len(find_files([tmp_path / "z.txt", tmp_path])) == 3
    assert find_files([tmp_path / "run.json"]) == [tmp_path / "run.json"]


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"nothing\.json: no such file"):
        find_files([tmp_path / "nothing.json"])
