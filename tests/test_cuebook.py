"""Rule files: what a template stands for, what is refused, and every example of every cue."""

import pytest

from ownership_scorer.cuebook import Cuebook, CueError, expand
from ownership_scorer.cuecheck import check, failing_examples
from ownership_scorer.matching import CueMatcher
from ownership_scorer.rubric import BEHAVIOURS
from ownership_scorer.transcript import Transcript, Turn

SHIPPED = Cuebook.read()
MATCHER = CueMatcher(SHIPPED)

CUE = """
[[cue]]
id = "commit.call_back"
behaviour = "commit"
phrases = ["i will [just] (call|ring) you back"]
unless = ["not sure"]
matches = ["I'll ring you back."]
rejects = ["You could ring us."]
"""


@pytest.mark.parametrize("cue", SHIPPED.cues, ids=lambda cue: cue.id)
def test_every_example_comes_out_as_stated(cue):
    assert list(failing_examples(MATCHER, cue)) == []


def test_every_behaviour_has_cues_with_many_templates():
    templates = {b: sum(len(c.phrases) for c in SHIPPED.cues if c.behaviour == b) for b in BEHAVIOURS}
    assert min(templates.values()) >= 20
    assert sum(templates.values()) >= 1000


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("call you back", [("call you back",)]),
        ("(call|ring) you", [("call you", "ring you")]),
        ("i will [just] call", [("i will just call", "i will call")]),
        ("let me .. for you", [("let me",), ("for you",)]),
        ("@we will", [("i will", "we will")]),
        ("(get|[go and] look)", [("get", "go and look", "look")]),
    ],
)
def test_template_stands_for(template, parts):
    assert expand(template, {"we": ("i", "we")}) == parts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[cue]]\nid = 'x'\nbehaviour = 'nope'\nphrases = ['a']", "'nope' is not known; allowed are reflect"),
        ("[[cue]]\nid = 'x'\nbehaviour = 'commit'\nphrases = ['a']", "give examples"),
        ("[[cue]]\nid = 'x'\nbehaviour = 'commit'\nphrase = ['a']", "unknown key 'phrase'; allowed are at, behaviour"),
        ("[[cue]]\nid = 'x'\nphrases = ['a']", "give either 'behaviour'"),
        ("[[cue]]\nbehaviour = 'commit'\nphrases = ['a']", "a cue without an id"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = ['[a]']", "a part that can be empty"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = ['(a|b']", "open '('"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = ['a)']", "a bracket too many"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = ['@nobody will']", "names the list 'nobody'"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = []", "no phrases"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = ['a']\nat = 'middle'", "at = 'middle'; allowed are start, end, whole"),
        ("[[cue]]\nid = 'x'\nstate = 'request'\nphrases = ['" + "(a|b|c|d|e|f|g|h|i|j) " * 4 + "']", "at most 5000"),
        ("[rules]\n", "unknown table 'rules'"),
        ("[[cue]", "not valid TOML"),
        (CUE + CUE, "stands twice"),
    ],
)
def test_wrong_rule_file_is_refused_by_name(text, message):
    with pytest.raises(CueError, match=r"^mine\.toml") as error:
        Cuebook.parse({"mine.toml": text})
    assert message in str(error.value)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(CueError, match="no such folder"):
        Cuebook.read(tmp_path / "none")


def test_digest_does_not_depend_on_the_order_of_files():
    other = CUE.replace("call_back", "call_again")
    assert Cuebook.parse({"a": CUE, "b": other}).digest == Cuebook.parse({"b": other, "a": CUE}).digest
    assert Cuebook.parse({"a": CUE}).digest != Cuebook.parse({"a": CUE.replace("just", "soon")}).digest


@pytest.mark.parametrize(
    ("agent", "found"),
    [
        ("I'll call you back.", True),
        ("I’ll just ring you back", True),
        ("i will uh call you back", True),
        ("ILL CALL YOU BACK", True),
        ("I will. Call you back?", False),
        ("I am not sure I will call you back", False),
        ("I am not sure, I will call you back", True),
        ("not sure but i will call you back", True),
    ],
)
def test_phrase_is_found_in_its_clause(agent, found):
    matcher = CueMatcher(Cuebook.parse({"a": CUE}))
    assert bool(matcher.read([Transcript("x", (Turn("agent", agent),))])[0][0].hits) is found


def test_check_counts_hits_and_precision():
    book = Cuebook.parse({"a": CUE})
    calls = [Transcript(str(i), (Turn("agent", "I will call you back."),)) for i in range(4)]
    labels = [{"0": ["commit"]}] * 3 + [{}]
    report = check(book, calls, labels)[0]
    assert (report.hits, report.right, report.precision, report.failed) == (4, 3, 0.75, ())
