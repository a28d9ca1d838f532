"""Our own shape: JSON and JSONL."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.readers import ReadOptions, read
from ownership_scorer.readers.decode import depth_of

from .conftest import read_all, spoken

CALL = {
    "id": "c1", "channel": "phone", "agent_id": "a1", "customer_id": "k1", "started_at": "2025-03-06T10:14:22", "industry": "bank",
    "turns": [
        {"speaker": "agent", "text": "hello this is the bank", "start": 0.5, "end": 2.0},
        {"speaker": "customer", "text": "my card is gone", "start": 1.9, "end": 4.0},
        {"speaker": "agent", "text": "let me block it"},
        {"speaker": "agent", "text": "right now"},
    ],
    "labels": {"2": ["take_action"]}, "ratings": {"ownership": 4, "choices": None},
}  # fmt: skip


def line(**changes):
    return json.dumps({**CALL, **changes}, ensure_ascii=False)


def test_a_call_keeps_everything(reads):
    (call,), rejected = reads(line())
    assert not rejected
    assert (call.call_id, call.agent_id, call.customer_id, call.channel, call.started_at) == ("c1", "a1", "k1", "phone", "2025-03-06T10:14:22")
    assert spoken(call) == [("agent", "hello this is the bank"), ("customer", "my card is gone"), ("agent", "let me block it right now")]
    assert [(t.start, t.end, t.label) for t in call.turns] == [(0.5, 2.0, None), (1.9, 4.0, None), (None, None, None)]
    assert call.metadata["labels"] == CALL["labels"]
    assert call.metadata["ratings"] == CALL["ratings"]
    assert call.metadata["industry"] == "bank"
    assert call.metadata["format"] == "calls"
    assert call.metadata["roles"] == "explicit field"
    assert call.metadata["doubts"] == ["1 of 4 segments have no start time"] or len(call.metadata["doubts"]) == 1


@pytest.mark.parametrize(
    "content",
    [
        line(),
        json.dumps(CALL, indent=2),
        json.dumps([CALL]),
        json.dumps({"calls": [CALL]}),
        json.dumps({"export": "x", "data": [CALL, CALL]}),
        f"{line()}\n{line(id='c2')}\n",
        f"\n\n{line()}\r\n\r\n{line(id='c2')}",
        json.dumps([CALL, CALL], indent=1),
        "[\n" + line() + ",\n" + line(id="c2") + "\n]\n",
    ],
)
def test_every_wrapping_of_a_call_reads_the_same(reads, content):
    calls, rejected = reads(content)
    assert not rejected
    assert spoken(calls[0])[1] == ("customer", "my card is gone")
    assert len(calls) == content.count('"channel"')


def test_words_of_our_own_shape_stay_as_they_are(reads):
    text = "a &amp; b  <b>x</b>\n[noise]"
    (call,), _ = reads(line(turns=[{"speaker": "agent", "text": "[noise]"}, {"speaker": "customer", "text": text}]))
    assert [t.text for t in call.turns] == ["[noise]", text]
    assert call.metadata["non_speech_segments"] == 1


def test_one_bad_record_among_many_costs_that_record(reads):
    lines = [line(id=f"c{n}", turns=CALL["turns"][:2]) for n in range(10_000)]
    lines[7_000] = '{"id": "c7000", "turns": [{"speaker": "agent", "te'
    calls, rejected = reads("\n".join(lines))
    assert len(calls) == 9_999
    assert [(r.line, r.call_id) for r in rejected] == [(7_001, None)]
    assert "not valid JSON" in rejected[0].reason
    assert "column" in rejected[0].reason


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"id": "x", "turns": [{"speaker": "agent", "text": 5}]}, "text of turn 0 is of type int"),
        ({"id": "x", "turns": ["hello"] * 2 + [{"speaker": "agent", "text": "t"}]}, "turn 0 is of type str"),
        ({"id": "x", "words": 3}, "top-level keys id, words"),
        (7, "a number"),
        (None, "null"),
    ],
)
def test_a_bad_record_is_named_with_its_line(reads, bad, named):
    calls, rejected = reads(f"{line()}\n{json.dumps(bad)}\n{line(id='c3')}\n")
    assert [c.call_id for c in calls] == ["c1", "c3"]
    assert [r.line for r in rejected] == [2]
    assert named in rejected[0].reason
    if isinstance(bad, dict):
        assert rejected[0].call_id == "x"


def test_a_first_line_that_is_broken(reads):
    calls, rejected = reads(f'{{"id": "c0", "turns"\n{line()}\n{line(id="c3")}\n')
    assert len(calls) == 2
    assert [r.line for r in rejected] == [1]


def test_a_line_that_is_not_utf8(reads):
    calls, rejected = reads(line().encode() + b"\n" + b'{"id": "\xff\xfe", "turns": []}\n' + line(id="c3").encode())
    assert len(calls) == 2
    assert [r.line for r in rejected] == [2]
    assert "UTF-8" in rejected[0].reason


def test_turns_without_a_speaker_are_unknown_and_doubted(reads):
    turns = [{"text": "hello"}, {"speaker": "agent", "text": "hi"}, {"speaker": "Dana", "text": "yes"}, {"speaker": "", "text": "x"}]
    (call,), _ = reads(line(turns=turns))
    assert [t.speaker for t in call.turns] == ["unknown", "agent", "unknown", "unknown"]
    assert call.turns[2].label == "Dana"
    assert "turn 0 names no speaker" in call.metadata["doubts"]
    assert any("'Dana'" in doubt for doubt in call.metadata["doubts"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("😀 👩‍👩‍👧 é", "😀 👩‍👩‍👧 é"),
        ("مرحبا كيف حالك ‏", "مرحبا كيف حالك ‏"),
        ("nul\x00inside", "nul inside"),
        ("lone \ud83d half", "lone � half"),
        ("x" * 1_000_000, "x" * 1_000_000),
        ("tab\tand\u2028line", "tab\tand\u2028line"),
    ],
)
def test_odd_characters(reads, text, expected):
    (call,), rejected = reads(json.dumps({"id": "c", "turns": [{"speaker": "agent", "text": text}]}))
    assert not rejected
    assert call.turns[0].text == expected
    call.turns[0].text.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends(reads, encoding, end):
    calls, rejected = reads((line(industry="café") + end + line(id="c2") + end).encode(encoding))
    assert not rejected
    assert [c.call_id for c in calls] == ["c1", "c2"]
    assert calls[0].metadata["industry"] == "café"


def test_a_call_of_five_thousand_turns(reads):
    turns = [{"speaker": ("agent", "customer")[n % 2], "text": f"turn {n}"} for n in range(5_000)]
    (call,), _ = reads(line(turns=turns))
    assert len(call.turns) == 5_000
    assert reads(line(turns=turns), max_turns=4_999)[1][0].reason == "the call has 5,000 segments; at most 4,999 are allowed (max_turns)"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(1, 2, (1.0, 2.0)), ("1.5", "2.5", (1.5, 2.5)), (-1, 2, (None, None)), (3, 2, (3.0, None)), (True, [], (None, None)), (1e999, 2, (None, None)),
     (10**400, None, (None, None))],
)  # fmt: skip
def test_times_that_cannot_be_are_dropped(reads, start, end, expected):
    (call,), _ = reads(json.dumps({"id": "c", "turns": [{"speaker": "agent", "text": "hi", "start": start, "end": end}]}))
    assert (call.turns[0].start, call.turns[0].end) == expected


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_depth_is_counted_without_reading(value):
    def depth(node):
        return 1 + max(map(depth, node.values() if isinstance(node, dict) else node), default=0) if isinstance(node, dict | list) else 0

    assert depth_of(json.dumps(value)) == depth(value)
    assert depth_of(json.dumps(value, ensure_ascii=False, indent=1)) == depth(value)


def test_depth_and_size_limits(reads):
    deep = '{"id": "d", "turns": [], "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    calls, rejected = reads(f"{line()}\n{deep}\n{line(id='c2')}\n")
    assert len(calls) == 2
    assert "nested 100001 levels deep; at most 64" in rejected[0].reason
    (_,), rejected = reads(f"{line()}\n{line(id='c2', pad='x' * 2000)}\n", max_record_bytes=1500)
    assert [(r.line, "longer than 1,500 bytes" in r.reason) for r in rejected] == [(2, True)]
    assert "at most 10 are read whole" in reads(json.dumps(CALL, indent=1), max_file_bytes=10)[1][0].reason


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "empty"),
        (b" \n\t \r\n", "empty"),
        (b"\xef\xbb\xbf \n", "nothing but blanks"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"%PDF-1.7 x", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as .xlsx"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio"),
        ("just some words without any speaker at all", "no line begins with a speaker"),
        ('{"colour": "red", "sise": 3}', "top-level keys colour, sise"),
        ('{"id": "c1", "turnz": []}', "nearest known format: calls (keys id, turns; missing turns)"),
        ('{"a": [1, 2', "not valid JSON"),
        ("[1, 2, 3]", "a list of 3 entries"),
        ("{}", "top-level keys none"),
        ("[]", "a list of 0 entries"),
    ],
)
def test_a_file_that_cannot_be_read_gives_one_rejection(reads, content, named):
    calls, rejected = reads(content, name="speech.json")
    assert not calls
    assert len(rejected) == 1
    assert named in rejected[0].reason
    assert rejected[0].file.endswith("speech.json")


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(CALL) + "\n\n",
        '[\n {"id": "c1", "original": [\n  ["agent", "hi"],\n  ["agent", "yo"]\n ]},\n {"id": "c2", "chat": [\n  ["agent", "hi"],\n  ["agent", "yo"]]}]',
        '{"id": "c1", "turns":\n[{"speaker": "agent", "text": "hi"}]\n}',
    ],
)
def test_one_document_over_many_lines_is_one(reads, content):
    calls, rejected = reads(content)
    assert not rejected
    assert calls[0].call_id == "c1"


def test_a_call_without_an_id_has_the_name_of_its_file(reads):
    calls, _ = reads(json.dumps({"turns": CALL["turns"], "set": "x"}) + "\n", name="call-9.json")
    assert calls[0].call_id == "call-9"
    calls, _ = reads("\n".join([json.dumps({"turns": CALL["turns"]})] * 2), name="day.jsonl")
    assert [c.call_id for c in calls] == ["day#1", "day#2"]


def test_keys_that_no_file_can_hold(reads):
    _, (rejected,) = reads('{"\\ud800": 1}')
    rejected.reason.encode()


def test_a_reader_that_fails_is_a_rejection(reads, monkeypatch):
    monkeypatch.setattr("ownership_scorer.readers.dispatch.read_document", lambda *_: 1 / 0)
    _, (rejected,) = reads(json.dumps(CALL))
    assert "ZeroDivisionError" in rejected.reason


def test_missing_file_and_folder(tmp_path):
    assert "cannot be opened" in read_all(tmp_path / "none.json")[1][0].reason
    assert "folder" in read_all(tmp_path)[1][0].reason


def test_a_role_beside_the_speaker(reads):
    turns = [{"speaker": "Dana", "role": "agent", "text": "hello"}, {"speaker": "Bo", "role": "customer", "text": "hi"}]
    (call,), _ = reads(line(turns=turns))
    assert [(t.speaker, t.label) for t in call.turns] == [("agent", "Dana"), ("customer", "Bo")]


def test_one_text_without_an_id(reads):
    (call,), _ = reads(json.dumps({"transcript": "Agent: hello there\nCustomer: hi"}), name="c7.json")
    assert (call.call_id, spoken(call)) == ("c7", [("agent", "hello there"), ("customer", "hi")])


def test_roles_may_be_given(reads):
    turns = [{"speaker": "Dana", "text": "hello"}, {"speaker": "Li", "text": "hi"}]
    (call,), _ = reads(line(turns=turns), speaker_map={"Dana": "agent", "Li": "customer"})
    assert spoken(call) == [("agent", "hello"), ("customer", "hi")]
    assert call.metadata["roles"] == "speaker map"
    _, rejected = reads(line(turns=turns), speaker_map={"Dana": "boss"})
    assert "'boss'; allowed are agent, customer, other, unknown" in rejected[0].reason


def test_roles_may_be_inferred(reads, tmp_path):
    turns = [{"speaker": "S1", "text": "hello"}, {"speaker": "S2", "text": "hi"}, {"speaker": "bot", "text": "beep"}]
    path = tmp_path / "x.json"
    path.write_text(line(turns=turns))
    (call,) = read(path, ReadOptions(infer_roles=True), infer=lambda call: ({"S1": "agent", "S2": "customer"}, 0.97))
    assert [t.speaker for t in call.turns] == ["agent", "customer", "other"]
    assert call.metadata["roles"] == "inferred"
    assert call.metadata["role_confidence"] == 0.97
    assert any("inferred" in doubt for doubt in call.metadata["doubts"])
    (call,) = read(path, ReadOptions(infer_roles=True))
    assert call.turns[0].speaker == "unknown"
    (call,) = read(path, infer=lambda call: ({"S1": "agent"}, 1.0))
    assert call.turns[0].speaker == "unknown"


def test_options_and_calls_can_be_sent_to_another_process(reads):
    (call,), _ = reads(line())
    assert pickle.loads(pickle.dumps(call)) == call
    assert pickle.loads(pickle.dumps(ReadOptions())) == ReadOptions()


def test_turns_a_line(reads):
    rows = [{"call_id": c, "role": r, "text": t} for c, r, t in [("a", "agent", "hi"), ("a", "customer", "yo"), ("b", "agent", "hm"), ("a", "agent", "bye")]]
    calls, rejected = reads("\n".join(map(json.dumps, rows)))
    assert not rejected
    assert [(c.call_id, len(c.turns)) for c in calls] == [("a", 3), ("b", 1)]
    assert spoken(calls[0])[-1] == ("agent", "bye")
    calls, rejected = reads(json.dumps(rows))
    assert [(c.call_id, len(c.turns)) for c in calls] == [("a", 3), ("b", 1)]


def test_reasons_never_quote_what_was_said(reads):
    secret = "my card is 4111"
    for content in (
        json.dumps({"id": "c", "turns": [{"speaker": "agent", "text": [secret]}]}),
        f'{{"id": "c", "turns": [{{"speaker": "agent", "text": "{secret}',
        f"{secret}\nand more {secret}",
        f'call_id,speaker,text\nc,agent,"{secret}\n',
        f"call_id,speaker,text\nc,agent,{secret},extra\n",
        f"c1,agent,{secret}\nc1,customer,{secret}\n",
    ):
        _, rejected = reads(content)
        assert rejected
        assert all("4111" not in r.reason for r in rejected)
