"""Rows, CSV lines and DataFrames: the shape that analysts and other programs rely on."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownership_scorer.evidence import CallScore, Evidence
from ownership_scorer.readers import ReadOptions
from ownership_scorer.rubric import DIMENSIONS
from ownership_scorer.tables import (
    EVIDENCE_COLUMNS,
    SCORE_COLUMNS,
    csv_line,
    evidence_rows,
    guarded,
    score_frame,
    score_frames,
    score_records,
    score_row,
    unguarded,
)

RESULT = CallScore(
    "c1", "a7", None, "2025-03-06T10:14:22", "scored", 4,
    dict.fromkeys(DIMENSIONS, 3.5), dict.fromkeys(DIMENSIONS, (2.0, 4.25)),
    [Evidence(1, 0, 4, "I, 'x", "deflect", "deflect.away", 0.5), Evidence(3, 2, 9, "=1+1", "commit", "model", 0.97)], "abc",
)  # fmt: skip
UNJUDGED = replace(RESULT, status="no agent turn", scores={}, intervals={}, evidence=[])


def turns_of(transcripts):
    rows = [
        {"call_id": c.call_id, "agent_id": c.agent_id, "turn_index": i, "speaker": t.speaker, "text": t.text}
        for c in transcripts
        for i, t in enumerate(c.turns)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_columns_are_those_of_the_files():
    assert ",".join(SCORE_COLUMNS) == (
        "call_id,agent_id,customer_id,started_at,status,agent_turns,listening,reassurance,choices,follow_up,ownership,"
        "listening_low,listening_high,reassurance_low,reassurance_high,choices_low,choices_high,follow_up_low,follow_up_high,"
        "ownership_low,ownership_high,model_id"
    )
    assert ",".join(EVIDENCE_COLUMNS) == "call_id,turn_index,behaviour,dimension,probability,start,end,quote,source"


def test_a_rated_call_as_a_line():
    assert csv_line(score_row(RESULT)) == (
        "c1,a7,,2025-03-06T10:14:22,scored,4,3.50,3.50,3.50,3.50,3.50,2.00,4.25,2.00,4.25,2.00,4.25,2.00,4.25,2.00,4.25,abc\n"
    )


def test_a_call_that_cannot_be_judged_has_a_status_and_no_number():
    assert csv_line(score_row(UNJUDGED)) == "c1,a7,,2025-03-06T10:14:22,no agent turn,4" + "," * 16 + "abc\n"


def test_evidence_as_lines_with_avoidance_counted_against_ownership():
    assert [csv_line(row, 4) for row in evidence_rows(RESULT)] == [
        'c1,1,deflect,ownership,0.5000,0,4,"I, \'x",deflect.away\n',
        "c1,3,commit,follow_up,0.9700,2,9,'=1+1,model\n",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "\n=1", "＝1", "'=1", "+", "-1-1", "-", "+1a"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(text):
    assert guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["call-7", "-17", "+353861234567", "-1.5", "'tis", "", "0", "a=b", "’=1"])
def test_other_cells_stay_as_they_are_and_so_do_numbers(text):
    assert guarded(text) == text


@given(st.text())
def test_a_guarded_id_can_be_joined_again(text):
    assert unguarded(guarded(text)) == text


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=2))
def test_a_line_reads_back_as_what_was_written(cells):
    row = next(csv.reader(io.StringIO(csv_line(cells), newline="")))
    assert [unguarded(cell) for cell in row] == cells


def test_nul_does_not_reach_the_file():
    assert csv_line(["a\0b"]) == "a\ufffdb\n"


def test_score_frame_has_a_row_a_call_with_the_scores_of_the_scorer(tiny, transcripts):
    frame = tiny.score_frame(turns_of(transcripts))
    expected = {c.call_id: c for c in tiny.score_many(transcripts)}
    assert list(frame.columns) == list(SCORE_COLUMNS)
    assert frame["call_id"].tolist() == [t.call_id for t in transcripts]
    for row in frame.itertuples():
        assert row.status == expected[row.call_id].status
        if row.status == "scored":
            assert {d: getattr(row, d) for d in DIMENSIONS} == {d: round(s, 2) for d, s in expected[row.call_id].scores.items()}
        else:
            assert pd.isna(row.listening)


def test_evidence_frame_quotes_the_turns(tiny, transcripts):
    frame = tiny.evidence_frame(turns_of(transcripts))
    text = {(c.call_id, i): t.text for c in transcripts for i, t in enumerate(c.turns)}
    assert list(frame.columns) == list(EVIDENCE_COLUMNS)
    assert len(frame) > 20
    for row in frame.itertuples():
        assert text[row.call_id, row.turn_index][row.start : row.end] == row.quote


def test_column_types_do_not_depend_on_what_is_in_the_frame(tiny, transcripts):
    full, empty = score_frames(tiny, turns_of(transcripts[:3])), score_frames(tiny, turns_of(transcripts[:3]).iloc[:0])
    for some, none in zip(full, empty, strict=True):
        assert none.empty
        assert some.dtypes.equals(none.dtypes)


def test_the_callers_frame_is_left_alone(tiny, transcripts):
    turns = turns_of(transcripts[:3])
    before = turns.copy(deep=True)
    tiny.score_frame(turns)
    pd.testing.assert_frame_equal(turns, before)


def test_a_frame_that_is_not_of_transcripts_is_an_error(tiny):
    with pytest.raises(ValueError, match="without a column of text"):
        tiny.score_frame(pd.DataFrame({"a": ["x"]}))
    with pytest.raises(ValueError, match="without a column of text"):
        tiny.evidence_frame(pd.DataFrame({"a": ["x"]}))


def test_columns_can_be_named(tiny, transcripts):
    turns = turns_of(transcripts[:2]).rename(columns={"text": "Gesagt", "call_id": "Nr"})
    assert len(score_frame(tiny, turns, ReadOptions(columns={"text": "Gesagt", "call_id": "Nr"}))) == 2


def test_a_record_that_cannot_be_read_keeps_its_row_and_says_why(tiny):
    calls = pd.DataFrame({"call_id": ["a", "b", "a"], "transcript": ["Agent: Hello, I can help.\nCustomer: Hi.\nAgent: Bye, all the best.", "", "Agent: x"]})
    frame = tiny.score_frame(calls)
    assert frame["call_id"].tolist() == ["a", "b", "a"]
    assert [s.split(":")[0] for s in frame["status"]] == ["too few agent words", "rejected", "rejected"]
    rejected = score_frames(tiny, calls).rejected
    assert rejected["call_id"].tolist() == ["b", "a"]
    assert "same id" in rejected["reason"][1]


class Faulty:
    """Stands for a scorer with a fault that some calls bring out."""

    def __init__(self, scorer, guilty):
        self.scorer, self.guilty = scorer, guilty

    def score_batch(self, calls):
        for call in calls:
            if call.call_id in self.guilty:
                raise RuntimeError(call.turns[0].text)
        return self.scorer.score_batch(calls)


def test_a_call_that_cannot_be_scored_costs_itself_alone_and_is_not_quoted(tiny, transcripts):
    guilty = {transcripts[5].call_id, transcripts[11].call_id}
    results = list(score_records(Faulty(tiny, guilty), [("f.jsonl", t) for t in transcripts[:20]]))
    whole = tiny.score_batch(transcripts[:20])
    for call, result, expected in zip(transcripts, results, whole, strict=False):
        if call.call_id in guilty:
            assert (result.file, result.call_id) == ("f.jsonl", call.call_id)
            assert result.reason == "the call was read but could not be scored (RuntimeError)"
        else:
            assert result == expected
