"""Calls whose evidence and ratings are known: what must be found where, what must not, and between which bounds."""

import tomllib
from pathlib import Path

import pytest

from ownership_scorer.rubric import AVOIDANCE, BEHAVIOURS, DIMENSIONS, SCALE
from ownership_scorer.transcript import Transcript

CALLS = tomllib.loads((Path(__file__).parent / "golden" / "calls.toml").read_text(encoding="utf-8"))
TRANSCRIPTS = {name: Transcript.from_text(call["call"], name) for name, call in CALLS.items()}
ANY = "any"
# What the shipped model gets wrong, and why; strict, so that a model that mends one says so.
KNOWN = {
    ("evidence", "negation-that-helps"): "an act announced at the end of a turn of reassurance is missed",
    ("evidence", "redaction-marks"): "an echo among marks is not seen as reflection",
    ("nothing", "reported-speech"): "help that others are said to have promised counts as an assurance",
    ("nothing", "negation-of-a-promise"): "the words of a denied promise still count for a promise",
    ("ratings", "negation-of-a-promise"): "the words of a denied promise still count for a promise",
}


def calls_for(test):
    """Names of the calls, those known to fail in a test marked so."""
    marks = {n: pytest.mark.xfail(reason=why, strict=True) for (where, n), why in KNOWN.items() if where == test}
    return [pytest.param(n, marks=marks[n]) if n in marks else n for n in CALLS]


@pytest.fixture(scope="module")
def scored(shipped):
    """Every call, scored in one batch."""
    return dict(zip(CALLS, shipped.score_batch(list(TRANSCRIPTS.values())), strict=True))


def found(result):
    """Behaviours by turn, as in the file."""
    out = {}
    for e in result.evidence:
        out.setdefault(str(e.turn), {})[e.behaviour] = f"{e.quote!r} ({e.source} {e.probability:.2f})"
    return out


def test_calls_are_whole():
    shown = {b for call in CALLS.values() for behaviours in call["shown"].values() for b in behaviours}
    assert shown == set(BEHAVIOURS)
    for name, call in CALLS.items():
        assert set(call) == {"about", "call", "shown", "not_shown", "ratings"}, name
        turns = TRANSCRIPTS[name].turns
        for key in ("shown", "not_shown"):
            for turn, behaviours in call[key].items():
                assert set(behaviours) <= set(BEHAVIOURS), name
                assert turn == ANY or turns[int(turn)].speaker == "agent", (name, turn)
        for dimension, (low, high) in call["ratings"].items():
            assert dimension in DIMENSIONS
            assert SCALE[0] <= low < high <= SCALE[1]


@pytest.mark.parametrize("name", calls_for("evidence"))
def test_evidence_is_found(scored, name):
    evidence = found(scored[name])
    missing = {(turn, b) for turn, behaviours in CALLS[name]["shown"].items() for b in behaviours if b not in evidence.get(turn, {})}
    assert not missing, f"{CALLS[name]['about']}: found are {evidence}"


@pytest.mark.parametrize("name", calls_for("nothing"))
def test_nothing_is_found_where_nothing_is(scored, name):
    evidence = found(scored[name])
    wrong = {
        (turn, b): quote
        for where, behaviours in CALLS[name]["not_shown"].items()
        for turn, shown in evidence.items()
        if where in (ANY, turn)
        for b, quote in shown.items()
        if b in behaviours
    }
    assert not wrong, CALLS[name]["about"]


@pytest.mark.parametrize("name", calls_for("ratings"))
def test_ratings_are_within_bounds(scored, name):
    result = scored[name]
    outside = {d: result.scores[d] for d, (low, high) in CALLS[name]["ratings"].items() if not low <= result.scores[d] <= high}
    assert not outside, f"{CALLS[name]['about']}: bounds are {CALLS[name]['ratings']}, found are {found(result)}"


def test_evidence_is_the_agents_and_quotes_the_turn(scored):
    for name, result in scored.items():
        for e in result.evidence:
            turn = TRANSCRIPTS[name].turns[e.turn]
            assert turn.speaker == "agent"
            assert turn.text[e.start : e.end] == e.quote


def test_avoiding_calls_rank_below_owning_calls(scored):
    avoiding = [name for name, call in CALLS.items() if call["ratings"]["ownership"][1] <= 2.3]
    owning = [name for name, call in CALLS.items() if call["ratings"]["ownership"][0] >= 3.5]
    assert min(len(avoiding), len(owning)) >= 4
    assert max(scored[name].scores["ownership"] for name in avoiding) < min(scored[name].scores["ownership"] for name in owning)
    assert not {e.behaviour for name in owning for e in scored[name].evidence} & set(AVOIDANCE)
