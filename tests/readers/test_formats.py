"""Every format in a fixture of our own: the same short call, told in each shape."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ownership_scorer.readers import FORMATS, GRADES, Rejected, inspect_file, read
from ownership_scorer.readers.formats import JSON_FORMATS
from ownership_scorer.transcript import Transcript

from .conftest import read_all

FIXTURES = Path(__file__).parent / "fixtures"
WORDS = ["Harbor Energy, this is Dana.", "My bill is wrong.", "Let me look into it.", "Thank you."]
EXACT = [(0.5, 2.5), (3.0, 4.5), (4.25, 6.0), (6.5, 7.0)]
STARTS = [(0.5, None), (3.0, None), (4.25, None), (6.5, None)]
EVERY_FIVE = [(0.0, None), (5.0, None), (10.0, None), (15.0, None)]
WHOLE = [(0.0, None), (3.0, None), (4.0, None), (6.0, None)]
NONE = [(None, None)] * 4
KNOWN = ("agent", "customer")

# file, format, call id, roles (agent and customer, or the labels of unknown speakers), how the roles were found, times
GOLDEN = [
    ("agents.srt", "SRT with names", None, KNOWN, "label dictionary", EXACT),
    ("amberscript.json", "Amberscript", "am-1", KNOWN, "label dictionary", EXACT),
    ("assemblyai.json", "AssemblyAI", "aai-1", ("A", "B"), "not given", EXACT),
    ("aws_audio_segments.json", "Amazon Transcribe", "job-3", ("spk_0", "spk_1"), "not given", EXACT),
    ("aws_bda.json", "Amazon Bedrock Data Automation", None, ("spk_0", "spk_1"), "not given", EXACT),
    ("aws_call_analytics.json", "Amazon Transcribe Call Analytics", "call-7.wav", KNOWN, "explicit field", EXACT),
    ("aws_channels.json", "Amazon Transcribe", "job-2", ("ch_0", "ch_1"), "not given", EXACT),
    ("aws_contact_lens_realtime.json", "Amazon Connect Contact Lens real time", None, KNOWN, "explicit field", EXACT),
    ("aws_contact_lens_voice.json", "Amazon Connect Contact Lens voice", "contact-1", KNOWN, "participants table", EXACT),
    ("aws_pca.json", "Amazon Post Call Analytics", "guid-1", KNOWN, "participants table", EXACT),
    ("aws_speakers.json", "Amazon Transcribe", "job-1", ("spk_0", "spk_1"), "not given", EXACT),
    ("aws_streaming.json", "Amazon Transcribe streaming", "s-1", ("ch_0", "ch_1"), "not given", EXACT),
    ("azure_batch.json", "Azure Speech batch", None, ("0", "1"), "not given", EXACT),
    ("azure_batch_v2.json", "Azure Speech batch", None, ("0", "1"), "not given", EXACT),
    ("azure_conversation.json", "Azure Language conversation", "conv-9", KNOWN, "explicit field", EXACT),
    ("azure_fast.json", "Azure fast transcription", None, ("1", "2"), "not given", EXACT),
    ("azure_video_indexer.json", "Azure Video Indexer", "v1", KNOWN, "label dictionary", EXACT),
    ("calls.jsonl", "calls", "own-0", KNOWN, "explicit field", EXACT),
    ("deepgram_channels.json", "Deepgram", "req-1", ("0", "1"), "not given", EXACT),
    ("deepgram_paragraphs.json", "Deepgram", "req-1", ("0", "1"), "not given", EXACT),
    ("deepgram_utterances.json", "Deepgram", "req-1", ("0", "1"), "not given", EXACT),
    ("deepgram_words.json", "Deepgram", "req-1", ("0", "1"), "not given", EXACT),
    ("dialpad.json", "Dialpad", "d-1", KNOWN, "explicit field", [(0.0, None), (2.5, None), (3.75, None), (6.0, None)]),
    ("gong.json", "Gong", "g-1", KNOWN, "explicit field", EXACT),
    ("google_bigquery.json", "Google CCAI BigQuery export", "conv-3", KNOWN, "explicit field", EXACT),
    ("google_conversation.json", "Google CCAI conversation", "conv-1", KNOWN, "explicit field", EXACT),
    ("google_conversation_chat.json", "Google CCAI conversation", "conv-2", KNOWN, "explicit field", EVERY_FIVE),
    ("google_entries_seconds.json", "Google CCAI entries", None, KNOWN, "explicit field", EVERY_FIVE),
    ("google_speech.json", "Google Speech-to-Text", None, ("1", "2"), "not given", EXACT),
    ("google_speech_channels.json", "Google Speech-to-Text", None, ("1", "2"), "not given", EXACT),
    ("intercom_call.txt", "plain text", None, KNOWN, "label dictionary", WHOLE),
    ("intercom_call_json.json", "list of turns", None, KNOWN, "explicit field", EXACT),
    ("long.csv", "CSV", "q-1", KNOWN, "explicit field", EXACT),
    ("messages.json", "list of turns", "ms-1", KNOWN, "explicit field", EVERY_FIVE),
    ("one_text.json", "one text a call", "ot-1", KNOWN, "label dictionary", NONE),
    ("otter.txt", "plain text", None, ("Dana Reyes", "Bo Ray"), "not given", WHOLE),
    ("pairs.json", "speaker-text pairs", None, KNOWN, "label dictionary", NONE),
    ("pairs_records.json", "speaker-text pairs", "3", KNOWN, "label dictionary", NONE),
    ("podwhisperer.json", "podwhisperer", None, KNOWN, "label dictionary", EXACT),
    ("rev_ai.json", "Rev.ai", None, ("0", "1"), "not given", EXACT),
    ("rev_editor.json", "Rev.com editor", None, KNOWN, "label dictionary", EXACT),
    ("ringsense.json", "RingCentral RingSense", "rc-1", KNOWN, "explicit field", EXACT),
    ("speechmatics.json", "Speechmatics", "sm-1", ("S1", "S2"), "not given", EXACT),
    ("turns.jsonl", "JSONL", "tl-1", KNOWN, "label dictionary", EXACT),
    ("twilio.json", "Twilio Conversational Intelligence", None, KNOWN, "explicit field", EXACT),
    ("twilio_camel.json", "Twilio Conversational Intelligence", None, ("1", "2"), "not given", NONE),
    ("uniphore.json", "Uniphore", "un-1", KNOWN, "label dictionary", EXACT),
    ("vcon_markdown.json", "vCon", "vc-4", KNOWN, "label dictionary", NONE),
    ("vcon_messages.json", "vCon", "vc-3", KNOWN, "label dictionary", NONE),
    ("vcon_recording.json", "vCon", "vc-1", KNOWN, "participants table", EXACT),
    ("vcon_text.json", "vCon", "vc-2", KNOWN, "participants table", EVERY_FIVE),
    ("verint.json", "Verint", "ve-1", KNOWN, "label dictionary", EXACT),
    ("whisperx.json", "WhisperX", None, ("SPEAKER_00", "SPEAKER_01"), "not given", EXACT),
    ("whisperx.srt", "SRT with names", None, ("SPEAKER_00", "SPEAKER_01"), "not given", EXACT),
    ("wide.csv", "CSV", "w-1", KNOWN, "label dictionary", NONE),
    ("zendesk.json", "Zendesk Chat", "z-1", KNOWN, "explicit field", EVERY_FIVE),
    ("zoom.vtt", "WebVTT with names", None, ("Dana Reyes (HE)", "Bo Ray"), "not given", EXACT),
    ("zoom_chat.txt", "Zoom chat log", None, ("Dana Reyes", "Bo Ray"), "not given", EVERY_FIVE),
]


def one(file: str, **options) -> Transcript:
    calls, rejected = read_all(FIXTURES / file, **options)
    assert not rejected
    return calls[0]


@pytest.mark.parametrize(("file", "name", "call_id", "speakers", "roles", "times"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_the_call_is_the_same_in_every_shape(file, name, call_id, speakers, roles, times):
    call = one(file)
    assert call.metadata["format"] == name
    assert call.call_id == (call_id or Path(file).stem)
    assert [turn.text for turn in call.turns] == WORDS
    if speakers == KNOWN:
        assert [turn.speaker for turn in call.turns] == list(KNOWN) * 2
    else:
        assert [(turn.speaker, turn.label) for turn in call.turns] == [("unknown", label) for label in speakers * 2]
        assert any(repr(speakers[0]) in doubt for doubt in call.metadata["doubts"])
    assert call.metadata["roles"] == roles
    assert [(turn.start, turn.end) for turn in call.turns] == times
    assert name in {known.name for known in FORMATS}


@pytest.mark.parametrize(
    ("file", "options"),
    [
        (row[0], {"speaker_map": {row[3][0]: "agent", row[3][1]: "customer"}})
        for row in GOLDEN
        if row[3] != KNOWN
    ]
    + [
        ("aws_channels.json", {"agent_channel": "ch_0"}),
        ("aws_channels.json", {"agent_channel": "0"}),
        ("aws_bda.json", {"agent_channel": "ch_0"}),
        ("azure_batch.json", {"agent_channel": "0"}),
        ("deepgram_channels.json", {"agent_channel": "0"}),
        ("twilio_camel.json", {"agent_channel": "1"}),
    ],
)  # fmt: skip
def test_a_map_names_the_roles(file, options):
    call = one(file, **options)
    assert [turn.speaker for turn in call.turns] == list(KNOWN) * 2
    assert call.metadata["roles"] == ("speaker map" if "speaker_map" in options else "channel map")
    assert not any("role of" in doubt for doubt in call.metadata["doubts"])


def test_a_channel_that_is_not_there():
    call = one("aws_channels.json", agent_channel="left")
    assert "no channel 'left' in the file; found ch_0, ch_1" in call.metadata["doubts"]
    assert {turn.speaker for turn in call.turns} == {"unknown"}


@pytest.mark.parametrize(
    ("file", "turns", "dropped"),
    [
        ("aws_silent.json", [], {}),
        ("plain.vtt", [("unknown", "Harbor Energy, this is Dana. My bill is wrong.", 0.5, 4.5)], {}),
        ("rolling.vtt", [("unknown", "Harbor Energy, this is Dana.", 0.5, 3.0)], {"repeated lines": 2}),
        ("whisper.json", [("unknown", " ".join(WORDS), 0.5, 7.0)], {}),
        ("whisper.tsv", [("unknown", " ".join(WORDS), 0.5, 7.0)], {}),
        ("assemblyai_words.json", [("unknown", " ".join(WORDS), 0.5, 7.0)], {}),
        ("teams.vtt", [("unknown", w, s, e) for w, (s, e) in zip([*WORDS[:3], "Thank & you."], EXACT, strict=True)], {}),
        (
            "aws_contact_lens_chat.json",
            [("other", "You are in the queue.", 1.0, None)] + [(KNOWN[n % 2], w, 10.5 + 5 * n, None) for n, w in enumerate(WORDS)],
            {"attachments": 1, "events": 1},
        ),
        (
            "genesys.json",
            [("other", "welcome to harbor", 0.5, 1.4)] + [(KNOWN[n % 2], w, 10 + s, 10 + e) for n, (w, (s, e)) in enumerate(zip(WORDS, EXACT, strict=True))],
            {},
        ),
        (
            "google_entries.json",
            [(KNOWN[n % 2], w, s, None) for n, (w, (s, _)) in enumerate(zip(WORDS, EXACT, strict=True))] + [("other", "Please rate us.", 8.0, None)],
            {},
        ),
        (
            "intercom.json",
            [
                ("customer", "My bill is wrong.", 0.0, None),
                ("other", "Hi! I'm the bot.", 5.0, None),
                ("agent", "Let me look into it.", 10.0, None),
                ("customer", "Thank you.", 15.0, None),
            ],
            {"events": 1, "internal notes": 1},
        ),
        (
            "zoom_phone.json",
            [(("agent", "unknown")[n % 2], w, s, e) for n, (w, (s, e)) in enumerate(zip(WORDS, EXACT, strict=True))],
            {},
        ),
    ],
)
def test_shapes_with_a_turn_of_their_own(file, turns, dropped):
    call = one(file)
    assert [(t.speaker, t.text, t.start, t.end) for t in call.turns] == turns
    assert call.metadata["dropped"] == dropped


@pytest.mark.parametrize(
    ("file", "dropped"),
    [
        ("aws_call_analytics.json", {"non-speech": 1}),
        ("aws_streaming.json", {"partial": 1}),
        ("aws_contact_lens_realtime.json", {"events": 1, "partial": 1}),
        ("azure_batch.json", {"not recognised": 1}),
        ("dialpad.json", {"moments": 1}),
        ("pairs.json", {"actions": 1}),
        ("vcon_text.json", {"dialogs without a transcript": 1, "quoted replies": 1}),
        ("zendesk.json", {"events": 1}),
        ("long.csv", {}),
    ],
)
def test_what_is_dropped_is_counted(file, dropped):
    assert one(file).metadata["dropped"] == dropped


@pytest.mark.parametrize(
    ("file", "agent", "customer", "started"),
    [
        ("aws_pca.json", "DanaR", None, "2025-03-06 10:00:00"),
        ("genesys.json", "u-1", None, "2025-03-06T10:00:00Z"),
        ("google_conversation.json", "dana", None, "2025-03-06T10:00:00Z"),
        ("zendesk.json", "a1", "v1", "2025-03-06T10:00:00Z"),
        ("intercom.json", "77", "k-1", "2025-03-06T10:00:00Z"),
        ("wide.csv", "a1", None, None),
        ("ringsense.json", "101", None, "2025-03-06T10:00:00Z"),
    ],
)
def test_who_and_when(file, agent, customer, started):
    call = one(file)
    assert (call.agent_id, call.customer_id, call.started_at) == (agent, customer, started)


@pytest.mark.parametrize(("file", "named"), [("vcon_signed.json", "signed vCon"), ("vcon_encrypted.json", "encrypted vCon")])
def test_sealed_containers_are_refused(file, named):
    calls, rejected = read_all(FIXTURES / file)
    assert not calls
    assert named in rejected[0].reason


@pytest.mark.parametrize(
    ("file", "doubt"),
    [
        ("twilio.json", "one page of several"),
        ("google_entries_seconds.json", "holds seconds"),
        ("aws_contact_lens_voice.json", "SkippedAnalysis"),
        ("dialpad.json", "user_id"),
        ("otter.txt", "no label is in the dictionary"),
        ("whisper.json", "4 of 4 segments name no speaker"),
    ],
)
def test_doubts_are_said(file, doubt):
    assert any(doubt in said for said in one(file).metadata["doubts"])


def test_every_fixture_is_known_by_its_content(tmp_path):
    for fixture in FIXTURES.iterdir():
        copy = tmp_path / "data"
        copy.write_bytes(fixture.read_bytes())
        before, after = list(read(fixture)), list(read(copy))
        assert [type(r) for r in before] == [type(r) for r in after]
        for a, b in zip(before, after, strict=True):
            if not isinstance(a, Rejected):
                assert a.turns == b.turns
                assert a.metadata == b.metadata


def test_every_json_format_is_recognised_by_itself_alone():
    """A document that two formats claim goes to the one that its keys name."""
    assert len({known.name for known in FORMATS}) == len(FORMATS)
    assert all(known.grade in GRADES for known in FORMATS)
    assert all(known.keys for known in JSON_FORMATS)


@pytest.mark.parametrize(
    ("keys", "nearest"),
    [
        ({"jobName": "x", "results": {}}, "Amazon Transcribe"),
        ({"conversationId": "x", "communicationId": "y", "transcripts": []}, "Genesys Cloud"),
        ({"callTranscripts": [], "records": {}}, "Gong"),
        ({"monologues": []}, "Rev.ai"),
        ({"audio_url": "x", "id": 1, "state": 2}, "AssemblyAI"),
        ({"vcon": "0.0.1"}, "vCon"),
    ],
)
def test_unknown_json_names_its_nearest(reads, keys, nearest):
    calls, rejected = reads(json.dumps(keys))
    if not calls:
        assert nearest in rejected[0].reason
        assert all(key in rejected[0].reason for key in keys)


INNER = {"text", "speaker", "role", "start", "end", "words", "alternatives", "items", "channels", "type"}
KEYS = sorted({key for known in FORMATS for key in known.keys} | INNER)
ODD = st.sampled_from(["agent", "Customer", "00:00:01", "PT5S", "2025-03-06T10:00:00Z"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | ODD
TOKENS = st.sampled_from([b'"', b"\n", b"{", b"]", b"-->", b",", b"null", b"\x00"])
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6))


def check(result) -> None:
    if isinstance(result, Rejected):
        assert "the reader failed" not in result.reason
        result.reason.encode()
    else:
        for turn in result.turns:
            turn.text.encode()
            assert turn.text.strip()
            assert turn.start is None or (math.isfinite(turn.start) and turn.start >= 0)
            assert turn.end is None or turn.end >= (turn.start or 0)


@given(DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_any_json_is_read_or_refused(tmp_path_factory, doc):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(doc), encoding="utf-8")
    for result in read(path):
        check(result)


@given(st.sampled_from(sorted(FIXTURES.iterdir())), st.data())
@settings(max_examples=300, deadline=None)
def test_a_broken_fixture_is_read_or_refused(tmp_path_factory, fixture, data):
    content = bytearray(fixture.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, max(0, len(content) - 1)))
        content[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=6) | TOKENS)
    path = tmp_path_factory.getbasetemp() / "broken"
    path.write_bytes(content)
    for result in read(path):
        check(result)


def test_inspect():
    found = inspect_file(FIXTURES / "long.csv")
    assert (found.format, found.grade, found.calls, found.segments, found.turns) == ("CSV", "own", 1, 4, 4)
    assert found.columns["speaker" if "speaker" in found.columns else "role"] == "participantType"
    assert found.first_turns[0].text == WORDS[0]
    assert found.complete
    found = inspect_file(FIXTURES / "calls.jsonl", limit=1)
    assert (found.calls, found.complete) == (1, False)
    found = inspect_file(FIXTURES / "vcon_signed.json")
    assert (found.format, found.calls, found.rejected_count) == (None, 0, 1)
    found = inspect_file(FIXTURES / "whisper.json")
    assert found.doubts
    assert found.roles == {"not given": 1}
