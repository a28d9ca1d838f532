"""CSV, TSV, DataFrames, XLSX, Parquet: long, wide and nested."""

import io
import json
import sys
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.readers import ReadOptions, Rejected, read_frame
from ownership_scorer.readers.columns import map_columns

from .conftest import read_all, spoken

LONG = [
    ("c1", "Agent", "hello, sir", 0.0, 1.5),
    ("c1", "Customer", 'a "red" card', 1.5, 3.0),
    ("c2", "agent", "good day", 0.0, 2.0),
    ("c2", "caller", "hi", 2, 3),
]
EXPECTED = {"c1": [("agent", "hello, sir"), ("customer", 'a "red" card')], "c2": [("agent", "good day"), ("customer", "hi")]}
WIDE = 'Agent: hello, sir\nCustomer: a "red" card'


def long_csv(sep=",", headings=("call_id", "speaker", "text", "start", "end"), **settings):
    return pd.DataFrame(LONG, columns=list(headings)).to_csv(index=False, sep=sep, **settings)


def outcome(calls):
    return {call.call_id: spoken(call) for call in calls}


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_long_in_every_dress(reads, sep, encoding, end):
    calls, rejected = reads(long_csv(sep, lineterminator=end).encode(encoding))
    assert not rejected
    assert outcome(calls) == EXPECTED
    assert [(t.start, t.end) for t in calls[0].turns] == [(0.0, 1.5), (1.5, 3.0)]
    assert calls[0].metadata["columns"]["text"] == "text"


@pytest.mark.parametrize(
    "headings",
    [
        ("conversation_id", "speaker_role", "utterance", "timestamp", "end_time"),
        ("Contact ID", "Participant Role", "Message Text", "Start Time", "End Time"),
        ("conversationId", "participantType", "text", "start", "end"),
        ("convo_id", "interlocutor", "utterance_text", "offset", "stop"),
        ("ticket_id", "author_type", "body", "start_sec", "end_sec"),
    ],
)
def test_headings_by_synonym(reads, headings):
    calls, _ = reads(long_csv(headings=headings))
    assert outcome(calls) == EXPECTED
    assert calls[0].turns[1].start == 1.5


def test_headings_may_be_given(reads):
    content = long_csv(headings=("k", "w", "t", "b", "e"))
    calls, _ = reads(content, columns={"call_id": "k", "speaker": "w", "text": "t", "start": "b"})
    assert outcome(calls) == EXPECTED
    assert "names the heading 'nope' for text" in reads(content, columns={"text": "nope"})[1][0].reason
    assert "names the field 'words'" in reads(content, columns={"words": "t"})[1][0].reason


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("call_id,speaker,start\nc1,agent,0\n", "without a column of text; headings found: 'call_id', 'speaker', 'start'"),
        ("call_id,text\nc1,hello there\nc1,good day\n", "without a column for the speaker"),
        ("call_id,speaker,text\n", "no rows"),
        ("call_id^speaker^text\nc1^agent^hello there\nc1^customer^hi\n", "with '^' between them; allowed are a comma"),
    ],
)
def test_tables_that_make_no_transcript(reads, content, named):
    calls, rejected = reads(content)
    assert not calls
    assert len(rejected) == 1
    assert named in rejected[0].reason


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ("c1,agent,hello, there, you", "5 fields, the heading 3"),
        ('c1,agent,"never closed', "quotation mark"),
        ('c1,agent,"closed" and on', "not valid CSV"),
        (",agent,no call", "nothing under 'call_id'"),
    ],
)
def test_a_bad_row_costs_itself(reads, bad, named):
    rows = [f'c{n // 4},{("agent", "customer")[n % 2]},"text, {n}"' for n in range(10_000)]
    rows.insert(5_001, bad)
    calls, rejected = reads("\n".join(["call_id,speaker,text", *rows]))
    assert len(calls) == 2_500
    assert sum(len(c.turns) for c in calls) == 10_000
    assert [r.line for r in rejected] == [5_003]
    assert named in rejected[0].reason
    assert any("could not be read" in doubt for doubt in calls[1250].metadata["doubts"]) or "nothing" in named


def test_an_open_quote_with_no_other_in_the_file(reads):
    rows = [f"c{n // 4},{('agent', 'customer')[n % 2]},text {n}" for n in range(100)]
    rows[50] = 'c12,agent,"open'
    calls, rejected = reads("\n".join(["call_id,speaker,text", *rows]))
    assert sum(c.metadata["segments"] for c in calls) == 99
    assert [r.line for r in rejected] == [52]


@pytest.mark.parametrize("above", ["sep=;\n", "Calls of March\n\n", "Report;2025-03-06\nby;Dana\n"])
def test_lines_above_the_headings(reads, above):
    calls, rejected = reads(above + long_csv(";"))
    assert not rejected
    assert outcome(calls) == EXPECTED


def test_partial_results_are_dropped(reads):
    rows = "call_id,speaker,text,is_final\nc,agent,he,false\nc,agent,hello,true\nc,customer,hi,True\n"
    (call,), _ = reads(rows)
    assert spoken(call) == [("agent", "hello"), ("customer", "hi")]
    assert call.metadata["dropped"] == {"partial": 1}


def test_letters_of_a_diarizer_are_no_roles(reads):
    (call,), _ = reads("call_id,speaker,text\nc,A,hello\nc,B,hi\nc,A,bye\n")
    assert {(t.speaker, t.label) for t in call.turns} == {("unknown", "A"), ("unknown", "B")}
    (call,), _ = reads("call_id,speaker,text\nc,A,hello\nc,C,hi\n")
    assert [t.speaker for t in call.turns] == ["agent", "customer"]


def test_line_breaks_in_quoted_cells(reads):
    (call,), rejected = reads('call_id,speaker,text\nc,agent,"one\n\ntwo ""x"""\nc,customer,"three\r\n"\n')
    assert not rejected
    assert spoken(call) == [("agent", 'one two "x"'), ("customer", "three")]


def test_a_call_that_comes_back(reads):
    rows = "call_id,speaker,text\na,agent,1\nb,agent,2\na,customer,3\na,agent,4\nc,agent,5\n"
    calls, rejected = reads(rows)
    assert not rejected
    assert [(c.call_id, len(c.turns)) for c in calls] == [("a", 3), ("b", 1), ("c", 1)]
    calls, rejected = reads(rows, max_group_bytes=10)
    assert [(c.call_id, len(c.turns)) for c in calls] == [("a", 1), ("b", 1), ("c", 1)]
    assert [(r.line, r.call_id) for r in rejected] == [(4, "a")]
    assert "must be neighbours" in rejected[0].reason


def test_order_column_and_row_ids(reads):
    (call,), _ = reads("call_id,turn,speaker,text\nc,2.0,customer,second\nc,1.0,agent,first\nc,10,agent,third\n")
    assert [t.text for t in call.turns] == ["first", "second", "third"]
    (call,), _ = reads("id,speaker,text\n1,agent,a\n2,customer,b\n3,agent,c\n", name="call7.csv")
    assert (call.call_id, len(call.turns)) == ("call7", 3)


@pytest.mark.parametrize(
    ("heading", "values", "starts", "doubted"),
    [
        ("start", ["0.5", "2"], [0.5, 2.0], False),
        ("start_ms", ["500", "2000"], [0.5, 2.0], False),
        ("start", ["00:00:05", "00:01:00"], [5.0, 60.0], False),
        ("start", ["14:00:05", "14:01:00"], [0.0, 55.0], True),
        ("timestamp", ["2025-01-01T10:00:00Z", "2025-01-01T10:00:01.5Z"], [0.0, 1.5], False),
        ("timestamp", ["2025-01-01 10:00:00", "2025-01-01 10:00:02"], [0.0, 2.0], False),
        ("timestamp", ["1700000000", "1700000003"], [0.0, 3.0], False),
        ("timestamp", ["1700000000000", "1700000003000"], [0.0, 3.0], False),
        ("start", ["100000", "250000"], [100.0, 250.0], True),
        ("start", ["soon", "later"], [None, None], True),
        ("start", ["1", ""], [1.0, None], True),
    ],
)
def test_times_whatever_the_unit(reads, heading, values, starts, doubted):
    (call,), _ = reads(f"call_id,speaker,text,{heading}\nc,agent,a,{values[0]}\nc,customer,b,{values[1]}\n")
    assert [t.start for t in call.turns] == starts
    assert bool(call.metadata["doubts"]) == doubted
    if heading == "timestamp":
        assert call.started_at is not None


@pytest.mark.parametrize(
    "cell",
    [
        WIDE, WIDE.replace("\n", "\\n"), WIDE.replace("\n", "<br>"), WIDE.replace("\n", " | ") + " | ", WIDE.replace("\n", "_x000D_\n"),
        json.dumps([{"speaker": "agent", "text": "hello, sir"}, {"speaker": "customer", "text": 'a "red" card'}]),
        json.dumps([["agent", "hello, sir"], ["customer", 'a "red" card']]),
        json.dumps([{"role": "AGENT", "message": "hello, sir"}, {"role": "END_USER", "message": 'a "red" card'}]),
    ],
)  # fmt: skip
def test_wide(reads, cell):
    frame = pd.DataFrame({"Call ID": ["c1", "c2"], "Agent": ["a7", "a8"], "Transcript": [cell, "no words of anyone"]})
    (call,), rejected = reads(frame.to_csv(index=False))
    assert spoken(call) == EXPECTED["c1"]
    assert (call.call_id, call.agent_id) == ("c1", "a7")
    assert [r.call_id for r in rejected] == ["c2"]


def test_a_cell_cut_by_excel(reads):
    (call,), _ = reads(pd.DataFrame({"id": ["c1"], "transcript": [("Agent: hello\nCustomer: hi\n" * 2000)[:32767]]}).to_csv(index=False))
    assert any("cuts cells" in doubt for doubt in call.metadata["doubts"])


def test_frames():
    frame = pd.DataFrame(LONG, columns=["call_id", "speaker", "text", "start", "end"])
    assert outcome(read_frame(frame)) == EXPECTED
    frame["start"] = pd.to_datetime(frame["start"], unit="s", origin="2025-01-01")
    frame.loc[3, "text"] = None
    calls = list(read_frame(frame))
    assert calls[0].turns[1].start == 1.5
    assert len(calls[1].turns) == 1
    nested = pd.DataFrame({"call_id": ["c1"], "turns": [[{"speaker": "agent", "text": "hello, sir"}]], "text": ["Agent: x"]})
    assert outcome(read_frame(nested)) == {"c1": [("agent", "hello, sir")]}
    assert outcome(read_frame(pd.DataFrame({"call_id": ["c1"], "transcript": [WIDE]}))) == {"c1": EXPECTED["c1"]}
    (rejected,) = read_frame(pd.DataFrame({"a": [1]}))
    assert isinstance(rejected, Rejected)
    assert "'a'" in rejected.reason
    assert list(read_frame(frame, ReadOptions(columns={"text": "speaker", "speaker": "text"})))


def test_xlsx(tmp_path):
    frame = pd.DataFrame(LONG, columns=["call_id", "speaker", "text", "start", "end"])
    frame.loc[4] = ["c3", "agent", "سلام 😀", 0.0, 1.0]
    path = tmp_path / "book.bin"
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        pd.DataFrame({"notes": ["see next sheet"]}).to_excel(writer, sheet_name="cover", index=False)
        frame.to_excel(writer, sheet_name="turns", index=False, startrow=2)
    calls, rejected = read_all(path)
    assert not rejected
    assert outcome(calls) == EXPECTED | {"c3": [("agent", "سلام 😀")]}
    pd.DataFrame({"x": [1]}).to_excel(path, index=False, engine="openpyxl")
    assert "no row of headings" in read_all(path)[1][0].reason


def zipped(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return data.getvalue()


def test_archives_that_are_refused(reads, tmp_path):
    for content, named in (
        (zipped(xl__workbook_xml="<x/>", xl__sheet_xml=b" " * 60_000_000), "times"),
        (zipped(xl__workbook_xml='<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'), "document type"),
        (zipped(xl__workbook_xml="<x"), "broken"),
        (zipped(word__document_xml="<x/>"), "Word document"),
        (zipped(a="b"), "unpack it first"),
        (b"PK\x03\x04 and no more", "broken"),
    ):
        calls, rejected = reads(content)
        assert not calls
        assert len(rejected) == 1
        assert named in rejected[0].reason


def test_a_sheet_that_claims_to_be_huge(reads, tmp_path):
    path = tmp_path / "b.xlsx"
    pd.DataFrame(LONG, columns=["call_id", "speaker", "text", "start", "end"]).to_excel(path, index=False)
    data = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(data, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b'ref="A1:E5"', b'ref="A1:XFD1048576"').replace(b'<row r="5"', b'<row r="900000"')
            new.writestr(name, content)
    calls, rejected = reads(data.getvalue())
    assert not rejected
    assert outcome(calls) == EXPECTED


def test_parquet(tmp_path):
    frame = pd.DataFrame(LONG, columns=["call_id", "speaker", "text", "start", "end"])
    path = tmp_path / "t.parquet"
    frame.to_parquet(path, row_group_size=1)
    assert outcome(read_all(path)[0]) == EXPECTED
    assert outcome(read_all(path, max_group_bytes=10)[0]) == EXPECTED
    pd.DataFrame({"call_id": ["c1"], "transcript": [WIDE]}).to_parquet(path)
    assert outcome(read_all(path)[0]) == {"c1": EXPECTED["c1"]}
    pd.DataFrame({"id": ["c1"], "turns": [[{"speaker": s, "text": t} for s, t in EXPECTED["c1"]]]}).to_parquet(path)
    assert outcome(read_all(path)[0]) == {"c1": EXPECTED["c1"]}
    pd.DataFrame({"conversation": ["c1"], "messages": [[{"role": s, "content": t} for s, t in EXPECTED["c1"]]]}).to_parquet(path)
    assert list(outcome(read_all(path)[0]).values()) == [EXPECTED["c1"]]
    path.write_bytes(path.read_bytes()[:200])
    assert "Parquet file is broken" in read_all(path)[1][0].reason


@pytest.mark.parametrize(("module", "extra"), [("openpyxl", "excel"), ("pyarrow.parquet", "parquet")])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, module, extra):
    frame = pd.DataFrame(LONG, columns=["call_id", "speaker", "text", "start", "end"])
    path = tmp_path / f"t.{'xlsx' if extra == 'excel' else extra}"
    frame.to_excel(path, index=False) if extra == "excel" else frame.to_parquet(path)
    monkeypatch.setitem(sys.modules, module, None)
    calls, rejected = read_all(path)
    assert not calls
    assert f"ownership-scorer[{extra}]" in rejected[0].reason


def test_a_mapping_names_no_heading_twice():
    found = map_columns(["id", "speaker", "role", "text", "message", "time", "conversation"])
    assert len(set(found.values())) == len(found)
    assert found["text"] == "text"
    assert found["role"] == "role"


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["agent", "customer"]), CELLS), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_what_was_written_is_read(tmp_path_factory, turns, sep):
    frame = pd.DataFrame([("c", s, "w " + t) for s, t in turns], columns=["call_id", "speaker", "text"])
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_text(frame.to_csv(index=False, sep=sep), encoding="utf-8", newline="")
    calls, rejected = read_all(path)
    assert not rejected
    assert len(calls) == 1
    assert calls[0].metadata["segments"] == len(turns)
