from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ownership_scorer.readers import ReadOptions, Rejected, read
from ownership_scorer.transcript import Transcript


def read_all(path: Path, **options: Any) -> tuple[list[Transcript], list[Rejected]]:
    found = list(read(path, ReadOptions(**options)))
    return [f for f in found if isinstance(f, Transcript)], [f for f in found if isinstance(f, Rejected)]


@pytest.fixture
def reads(tmp_path: Path) -> Callable[..., tuple[list[Transcript], list[Rejected]]]:
    """Write content to a file and read it back."""

    def run(content: str | bytes, name: str = "file.dat", **options: Any) -> tuple[list[Transcript], list[Rejected]]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_all(path, **options)

    return run


def spoken(call: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in call.turns]
