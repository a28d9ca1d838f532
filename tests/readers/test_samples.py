"""Real files beside the project: what a person would read from each."""

import os
from collections import Counter
from pathlib import Path

import pytest

from ownership_scorer.readers import Rejected, read

SHARED = Path(os.environ.get("OWNERSHIP_SHARED", Path(__file__).resolve().parents[3] / "shared"))
SAMPLES = SHARED / "formats" / "samples"

# file, format, then for each call: agent, customer, other and unknown turns, and segments
GOLDEN = [
    ("abcd_pairs/sample_abcd.json", "speaker-text pairs", [(9, 9, 0, 0, 25), (7, 6, 0, 0, 19)]),
    ("assemblyai/sample_assemblyai_utterances.json", "AssemblyAI", [(0, 0, 0, 1, 1)]),
    ("aws_bedrock_data_automation/sample_bda_standard.json", "Amazon Bedrock Data Automation", [(0, 0, 0, 32, 51)]),
    ("aws_contact_lens/sample_chat_raw.json", "Amazon Connect Contact Lens chat", [(12, 11, 1, 0, 31)]),
    ("aws_contact_lens/sample_chat_redacted.json", "Amazon Connect Contact Lens chat", [(12, 11, 1, 0, 31)]),
    ("aws_contact_lens/sample_voice_raw_docs.json", "Amazon Connect Contact Lens voice", [(5, 5, 0, 0, 10)]),
    ("aws_pca/sample_pca_parsed.json", "Amazon Post Call Analytics", [(6, 6, 0, 0, 12)]),
    ("aws_transcribe/sample_channel_labels_docs.json", "Amazon Transcribe", [(0, 0, 0, 2, 2)]),
    ("aws_transcribe/sample_plain_no_speakers.json", "Amazon Transcribe", [(0, 0, 0, 1, 1)]),
    ("aws_transcribe/sample_silent_audio.json", "Amazon Transcribe", [(0, 0, 0, 0, 0)]),
    ("aws_transcribe/sample_speaker_labels_docs.json", "Amazon Transcribe", [(0, 0, 0, 2, 2)]),
    ("aws_transcribe/sample_speaker_labels_newscast.json", "Amazon Transcribe", [(0, 0, 0, 5, 6)]),
    ("aws_transcribe_call_analytics/sample_call_analytics.json", "Amazon Transcribe Call Analytics", [(19, 18, 0, 0, 37)]),
    ("azure_conversation/sample_customer_support.json", "Azure Language conversation", [(8, 7, 0, 0, 17)]),
    ("azure_speech_batch/sample_batch_v3_diarized.json", "Azure Speech batch", [(0, 0, 0, 3, 3)]),
    ("deepgram/sample_dg_speakers.json", "Deepgram", [(0, 0, 0, 8, 22)]),
    ("deepgram/sample_dg_transcription.json", "Deepgram", [(0, 0, 0, 1, 2)]),
    ("deepgram/sample_dg_utterances.json", "Deepgram", [(0, 0, 0, 1, 6)]),
    ("deepgram/sample_dg_whisper_transcription.json", "Deepgram", [(0, 0, 0, 1, 3)]),
    ("genesys_cloud/sample_transcript.json", "Genesys Cloud", [(1, 2, 0, 0, 4)]),
    ("google_ccai_entries/sample_docs.json", "Google CCAI entries", [(1, 1, 0, 0, 2)]),
    ("google_ccai_entries/sample_generator_readme.json", "Google CCAI entries", [(2, 2, 0, 0, 4)]),
    ("intercom/sample_conversation.json", "Intercom conversation", [(2, 0, 0, 0, 2)]),
    ("json_one_cell/sample_markdown_labels.json", "one text a call", [(13, 12, 0, 0, 25)]),
    ("plain_text/sample_intercom_call.txt", "plain text", [(5, 4, 0, 0, 9)]),
    ("rev_ai/sample_sdk_test.json", "Rev.ai", [(0, 0, 0, 1, 1)]),
    ("twilio_intelligence/sample_sentences_openapi.json", "Twilio Conversational Intelligence", [(0, 0, 0, 1, 1)]),
    ("vcon/sample_ab_call_ext_rec_analysis.vcon.json", "vCon", [(0, 0, 0, 1, 4)]),
    ("vcon/sample_ab_email_prob_followup_text_thread.vcon.json", "vCon", [(0, 0, 0, 3, 3)]),
    ("vcon/sample_vcon_server_agent_customer.json", "vCon", [(6, 5, 0, 0, 11)]),
    ("webvtt_plain/sample_no_speakers.vtt", "WebVTT", [(0, 0, 0, 1, 40)]),
    ("webvtt_srt_edge/sample_captions_with_bom.vtt", "WebVTT", [(0, 0, 0, 1, 4)]),
    ("webvtt_srt_edge/sample_comments.vtt", "WebVTT", [(0, 0, 0, 1, 3)]),
    ("webvtt_srt_edge/sample_cue_tags.vtt", "WebVTT", [(0, 0, 0, 1, 3)]),
    ("webvtt_srt_edge/sample_gb2312.srt", "SRT", [(0, 0, 0, 1, 3)]),
    ("webvtt_srt_edge/sample_metadata_headers.vtt", "WebVTT", [(0, 0, 0, 1, 2)]),
    ("webvtt_srt_edge/sample_sample.srt", "SRT", [(0, 0, 0, 1, 5)]),
    ("webvtt_srt_edge/sample_styles.vtt", "WebVTT", [(0, 0, 0, 1, 1)]),
    ("webvtt_srt_edge/sample_using_identifiers.vtt", "WebVTT", [(0, 0, 0, 1, 6)]),
    ("webvtt_srt_edge/sample_youtube_dl.vtt", "WebVTT", [(0, 0, 0, 1, 3)]),
    ("whisper/sample_whisper_timestamped.json", "Whisper", [(0, 0, 0, 1, 4)]),
    ("zoom_vtt/sample_zoom_chat.txt", "Zoom chat log", [(0, 0, 0, 4, 4)]),
    ("zoom_vtt/sample_zoom_empty.vtt", "WebVTT", [(0, 0, 0, 0, 0)]),
    ("zoom_vtt/sample_zoom_local_chat.txt", "Zoom chat log", [(0, 0, 0, 3, 5)]),
    ("zoom_vtt/sample_zoom_small.vtt", "WebVTT with names", [(0, 0, 0, 2, 6)]),
]
REFUSED = [
    ("aws_contact_lens/sample_voice_redacted_docs.INVALID.txt", "not valid JSON"),
    ("json_one_cell/sample_no_speakers.json", "no line begins with a speaker"),
    ("vcon/sample_ab_call_ext_rec_signed.vcon.json", "signed vCon"),
]


def sample(name: str) -> Path:
    if not SAMPLES.is_dir():
        pytest.skip(f"the samples of vendors' files are not at {SAMPLES}; set OWNERSHIP_SHARED to the folder that holds formats/samples")
    return SAMPLES / name


@pytest.mark.shared
@pytest.mark.parametrize(("file", "name", "counts"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_a_sample_reads_as_a_person_reads_it(file, name, counts):
    calls = list(read(sample(file)))
    assert not [call for call in calls if isinstance(call, Rejected)]
    found = []
    for call in calls:
        assert call.metadata["format"] == name
        speakers = Counter(turn.speaker for turn in call.turns)
        found.append((*(speakers[role] for role in ("agent", "customer", "other", "unknown")), call.metadata["segments"]))
        starts = [turn.start for turn in call.turns if turn.start is not None]
        assert all(start >= 0 for start in starts)
    assert found == counts


@pytest.mark.shared
@pytest.mark.parametrize(("file", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_sample_that_holds_no_turns_is_refused(file, reason):
    (rejected,) = read(sample(file))
    assert isinstance(rejected, Rejected)
    assert reason in rejected.reason


@pytest.mark.shared
def test_every_sample_has_its_expectation():
    root = sample("")
    files = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and p.name != "SOURCE.txt" and "schema" not in p.name}
    assert files == {row[0] for row in GOLDEN} | {row[0] for row in REFUSED}


@pytest.mark.shared
def test_the_corpus_reads_whole():
    path = SHARED / "corpus" / "calls.jsonl"
    if not path.is_file():
        pytest.skip(f"the corpus is not at {path}")
    calls = list(read(path))
    assert len(calls) == 550
    assert all({turn.speaker for turn in call.turns} <= {"agent", "customer"} and not call.metadata["dropped"] for call in calls)
