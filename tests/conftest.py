"""What many tests share: a small model fitted once a session, the shipped one, and calls to score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from ownership_scorer import modelstore
from ownership_scorer.cuebook import Cuebook
from ownership_scorer.rater import RaterSettings
from ownership_scorer.scorer import OwnershipScorer
from ownership_scorer.tagger import TaggerSettings
from ownership_scorer.training import FitSettings, LabelledCall, fit
from ownership_scorer.transcript import Transcript, Turn

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data" / "calls.jsonl"


# A handful of cues, so that the small model loads at once.
CUES = {
    "few.toml": """
[[cue]]
id = "customer.request"
state = "request"
phrases = ["i (need|want|would like) to", "can you", "could you"]

[[cue]]
id = "assure.help"
behaviour = "assure"
phrases = ["[i] (can|will) help [you]", "happy to help", "we'll get (this|that|it) sorted"]
unless = ["not sure"]
matches = ["I can help you with that."]
rejects = ["I am not sure I can help you."]

[[cue]]
id = "commit.call_back"
behaviour = "commit"
phrases = ["i will [just] (call|ring|email) you [back]"]
matches = ["I'll call you back by noon."]
rejects = ["You could ring us."]

[[cue]]
id = "empathy.sorry"
behaviour = "empathy"
phrases = ["[i am] [so|very] sorry (about|for|to hear)"]
matches = ["I'm so sorry about that."]
rejects = ["Sorry?"]

[[cue]]
id = "refuse.cannot"
behaviour = "refuse"
phrases = ["(i|we) (cannot|can not) do (that|it)"]
matches = ["We can't do that."]
rejects = ["I can do that."]

[[cue]]
id = "check_resolution.anything_else"
behaviour = "check_resolution"
phrases = ["anything else"]
matches = ["Is there anything else?"]
rejects = ["Something else then."]
"""
}


@pytest.fixture(scope="session")
def corpus() -> list[dict[str, Any]]:
    """Sixty labelled calls of the project's own data, every ninth."""
    lines = DATA.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[::9][:60]]


def as_transcript(call: dict[str, Any], call_id: str | None = None) -> Transcript:
    turns = tuple(Turn(t["speaker"], t["text"], t.get("start"), t.get("end")) for t in call["turns"])
    return Transcript(call_id or call["id"], turns, call.get("agent_id"), call.get("customer_id"), call.get("started_at"), call.get("channel"))


@pytest.fixture(scope="session")
def transcripts(corpus: list[dict[str, Any]]) -> list[Transcript]:
    return [as_transcript(call) for call in corpus]


@pytest.fixture(scope="session")
def model_folder(corpus: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, fitted in a few seconds: right in shape, not to be judged by its scores."""
    calls = [LabelledCall(as_transcript(c), {int(t): v for t, v in c["labels"].items()}, c["ratings"], c["id"]) for c in corpus]
    settings = FitSettings(
        TaggerSettings(hidden=16, epochs=20, batch=128, steps=1, learning_rate=0.01, dropout=0),
        RaterSettings(trees=5, networks=1, steps=300),
        folds=2,
    )
    scorer, _ = fit(calls, Cuebook.parse(CUES), settings)
    # So few calls make thresholds so low that nearly every turn shows something.
    scorer = replace(scorer, tagger=replace(scorer.tagger, threshold=np.maximum(scorer.tagger.threshold, np.float32(0.4))))
    folder = tmp_path_factory.mktemp("model")
    modelstore.save(scorer, folder, {})
    return folder


@pytest.fixture(scope="session")
def tiny(model_folder: Path) -> OwnershipScorer:
    """The small model, loaded."""
    return modelstore.load(model_folder)


@pytest.fixture(scope="session")
def shipped() -> OwnershipScorer:
    """The model that the package ships."""
    return modelstore.load()


@pytest.fixture
def calls_file(corpus: list[dict[str, Any]], tmp_path: Path) -> Path:
    """Sixty calls as JSON lines."""
    return write_calls(tmp_path / "calls.jsonl", corpus)


def write_calls(path: Path, corpus: list[dict[str, Any]], copies: int = 1) -> Path:
    """Write calls as JSON lines, over and over with ids of their own."""
    with path.open("w", encoding="utf-8") as file:
        for copy in range(copies):
            for call in corpus:
                file.write(json.dumps(call | {"id": f"{call['id']}-{copy}"}) + "\n")
    return path
