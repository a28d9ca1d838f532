"""Ownership words that answer nothing must not be worth more than help in plain words."""

import tomllib
from pathlib import Path

import pytest

from ownership_scorer.transcript import Transcript

PAIRS = tomllib.loads((Path(__file__).parent / "golden" / "parrots.toml").read_text(encoding="utf-8"))
# Pairs that the shipped model gets wrong, and why; strict, so that a model that mends one says so.
KNOWN: dict[str, str] = {}
KEYS = {"trick", "industry", "channel", "avoids", "parrot", "plain"}


@pytest.fixture(scope="module")
def scored(shipped):
    """Every call of every pair, scored in one batch."""
    keys = [(name, side) for name in PAIRS for side in ("parrot", "plain")]
    return dict(zip(keys, shipped.score_batch([Transcript.from_text(PAIRS[name][side], f"{name}-{side}") for name, side in keys]), strict=True))


def told(result):
    """The evidence, a line each, for the message of a failing test."""
    lines = [f"  {e.turn} {e.behaviour} {e.probability:.2f} {e.quote!r} ({e.source})" for e in result.evidence]
    return [f"{result.call_id}: ownership {result.scores['ownership']:.2f}", *lines]


def test_pairs_are_whole():
    assert len(PAIRS) >= 26
    for name, pair in PAIRS.items():
        assert set(pair) == KEYS, name
        for side in ("parrot", "plain"):
            turns = Transcript.from_text(pair[side]).turns
            assert 6 <= len(turns) <= 12, (name, side)
            assert {turn.speaker for turn in turns} == {"agent", "customer"}, (name, side)


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.xfail(reason=KNOWN[n], strict=True)) if n in KNOWN else n for n in PAIRS])
def test_parrot_is_not_above_plain_helper(scored, name):
    parrot, plain = scored[name, "parrot"], scored[name, "plain"]
    message = "\n".join([PAIRS[name]["trick"], *told(parrot), *told(plain)])
    if PAIRS[name]["avoids"]:
        assert parrot.scores["ownership"] < plain.scores["ownership"], message
    else:
        assert parrot.scores["ownership"] <= plain.scores["ownership"], message


def test_parrots_are_far_below_on_the_whole(scored):
    gaps = [scored[name, "plain"].scores["ownership"] - scored[name, "parrot"].scores["ownership"] for name in PAIRS]
    assert sum(gaps) / len(gaps) >= 1.0
