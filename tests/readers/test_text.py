"""Plain text in its dialects."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.readers.base import ReadError
from ownership_scorer.readers.call import role_in
from ownership_scorer.readers.clean import clean, safe
from ownership_scorer.readers.marks import DEFAULT_MARKS, Marks
from ownership_scorer.readers.text import parse_text

from .conftest import spoken

PLAIN = [("agent", "hello there"), ("customer", "hi, it's 10:30")]


@pytest.mark.parametrize(
    "text",
    [
        "Agent: hello there\nCustomer: hi, it's 10:30",
        "AGENT : hello there\r\n\r\nCUSTOMER : hi,\r\nit's 10:30\r\n",
        "**Agent:** hello there\n\n**Customer:** hi, it's 10:30",
        "**Agent**: hello there\n**Customer**: hi, it's 10:30",
        '[00:00:03] Teammate 1: "hello there"\n[00:00:09] User: "hi, it\'s 10:30"',
        "(00:01) Rep: hello there\n(00:05) Caller: hi, it's 10:30",
        "00:00:01 - Advisor: hello there\n00:00:03 - Member: hi, it's 10:30",
        "[00:00:01 --> 00:00:02] Agent: hello there\n[00:00:03 --> 00:00:04] Customer: hi, it's 10:30",
        "[Agent]: hello there\n[Customer]: hi, it's 10:30",
        "Agent (00:01): hello there\nCustomer (00:05): hi, it's 10:30",
        "Agent 00:01: hello there\nCustomer 00:05: hi, it's 10:30",
        "Call Center Agent: hello there\nCustomer Bo: hi, it's 10:30",
        "Agent 00:01\nhello there\n\nCustomer 00:05\nhi, it's 10:30\n",
        "Agent - hello there\nCustomer - hi, it's 10:30",
        "Call ID: 17\nDate: 2025-01-01\n\nAgent: hello there\nCustomer: hi, it's 10:30",
        "A: hello there\nC: hi, it's 10:30",
        "Agent: hello there\nCustomer: hi, it's 10:30\n\n\n",
    ],
)
def test_dialects(reads, text):
    (call,), rejected = reads(text, name="call.txt")
    assert not rejected
    assert spoken(call) == PLAIN
    assert call.call_id == "call"
    if "00:0" in text:
        assert call.turns[0].start < call.turns[1].start


def test_speech_with_commas_is_no_table(reads):
    (call,), _ = reads("Agent: hello, sir\nCustomer: hi, you\nAgent: send a text, please\nCustomer: well, yes\n")
    assert len(call.turns) == 4


def test_names_that_come_back_are_speakers(reads):
    (call,), _ = reads("Dana Reyes: hello\nLi Wei: hi\nNote: not a name\nDana Reyes: how are you: well?\nLi Wei: fine https://x.org\n")
    assert [(t.label, t.speaker) for t in call.turns] == [("Dana Reyes", "unknown"), ("Li Wei", "unknown")] * 2
    assert call.turns[1].text == "hi Note: not a name"
    assert any("'Dana Reyes', 'Li Wei'" in doubt for doubt in call.metadata["doubts"])


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Agent Dana", "agent"), ("Sales Rep", "agent"), ("Customer Service", "agent"), ("Customer (Bo)", "customer"), ("Virtual Assistant", "other"),
        ("AI Agent", "other"), ("Speaker A", None), ("Dana Reyes", None), ("Member Services Desk", "agent"), ("SPEAKER_00", None), ("Contact", "customer"),
    ],
)  # fmt: skip
def test_roles_in_labels(label, role):
    assert role_in(label) == role


def test_single_letters_mean_roles_only_together(reads):
    (call,), _ = reads("A: hello\nB: hi\nA: how are you\nB: fine")
    assert {t.speaker for t in call.turns} == {"unknown"}


@pytest.mark.parametrize(
    "text",
    [
        "words without anyone",
        "Note: this\nNote: that",
        "https://example.org\nhttps://example.org/2",
        "origin : x\norigin : y\nlicence: MIT",
        "# On text\n\nOn text, speaker, and more.\nA line.\nB.\n",
        "A report\n\n" + "A line of it.\n" * 20 + "Support: see below.\n",
        "Support: see below.\n" + "A line of it.\n" * 20,
        "    if unknown:\n        pass\n    if unknown: 2\n",
    ],
)
def test_prose_is_no_transcript(text):
    with pytest.raises(ReadError, match="no line begins with a speaker"):
        parse_text(text)


def test_zoom_chat(reads):
    (call,), _ = reads("00:11:09\tAnn Lee:\they\n00:11:40\tBo Ray:\thello 🙂\nmore\n00:11:43\tAnn Lee:\tbye\n")
    assert [(t.label, t.text, t.start) for t in call.turns] == [("Ann Lee", "hey", 669.0), ("Bo Ray", "hello 🙂 more", 700.0), ("Ann Lee", "bye", 703.0)]
    (call,), _ = reads('22:35:18\t From Ann Lee : what?\n22:35:32\t From Bo Ray : that\n22:36:00\t From Ann Lee : Reacted to "that" with 😃\n')
    assert [(t.label, t.start) for t in call.turns] == [("Ann Lee", 0.0), ("Bo Ray", 14.0)]
    assert call.metadata["dropped"] == {"reactions": 1}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("<p>Hello <b>you</b></p><p>there</p>", "Hello you there"),
        ("a &lt; b &amp;&nbsp;c", "a < b & c"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("<inaudible> yes <crosstalk>", "<inaudible> yes <crosstalk>"),
        ("one_x000D_\ntwo", "one two"),
        ("\ud800x\x00y", "�x y"),
        ("&#" + "9" * 5000 + ";", "�"),
        ('<a href="x">link</a><br/>next', "link next"),
    ],
)
def test_clean(raw, words):
    assert clean(raw) == words


@given(st.text())
def test_cleaned_text_can_be_written_and_keeps_still(text):
    once = clean(text)
    once.encode()
    assert "\x00" not in once
    assert len(safe(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "kinds", "only_noise"),
    [
        ("[noise]", ["non_speech"], True),
        (" [Laughter] (music). ", ["non_speech", "non_speech"], True),
        ("[BLANK_AUDIO]", ["non_speech"], True),
        ("♪♪", ["non_speech"], True),
        ("[noise] yes", ["non_speech"], False),
        ("[PII]", ["redaction"], False),
        ("my name is [NAME] and #### or ***", ["redaction"] * 3, False),
        ("<inaudible>", ["non_speech"], True),
        ("(as it were)", [], False),
        ("plain", [], False),
        ("", [], False),
        ("...", [], False),
    ],
)
def test_marks(text, kinds, only_noise):
    assert [kind for _, _, kind in DEFAULT_MARKS.spans(text)] == kinds
    assert DEFAULT_MARKS.only_non_speech(text) == only_noise


def test_marks_can_be_given(reads):
    marks = Marks(non_speech=frozenset({"bark"}))
    text = "Agent: hello\nCustomer: [bark]\nAgent: [noise]"
    (call,), _ = reads(text, marks=marks)
    assert spoken(call) == [("agent", "hello [noise]")]
    assert call.metadata["dropped"] == {"non-speech": 1}


LABELS = st.sampled_from(["Agent", "Customer", "Rep 1", "Caller"])
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs", "P"]), min_size=1, max_size=40).map(lambda t: "w " + t)


@given(st.lists(st.tuples(LABELS, WORDS), min_size=2, max_size=10))
def test_labelled_lines_come_back(turns):
    call = parse_text("\n".join(f"{label}: {words}" for label, words in turns))
    assert [segment.label for segment in call.segments] == [label for label, _ in turns]


@given(st.text(max_size=300))
def test_any_text_reads_or_is_refused(text):
    with contextlib.suppress(ReadError):
        parse_text(text)
