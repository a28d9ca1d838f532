"""Roles inferred from what is said."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import as_transcript
from ownership_scorer.batch import BatchSettings, score_files
from ownership_scorer.readers import ReadOptions, read
from ownership_scorer.roles import RoleModel, fit_roles, infer_roles, load_roles, main
from ownership_scorer.transcript import Transcript, Turn

# Small conversations; the first letter is the speaker's role, hidden from the model.
CONVERSATIONS = {
    "greeting for a company": """
        a: Thank you for calling Larkfield Energy, this is Moira speaking, how can I help you?
        c: Hi, my heating went off last night and I can't get it back on.
        a: I'm sorry to hear that. Can I take your account number, please?
        c: It's 4471 209.
        a: Thank you. I'll book an engineer for you, is tomorrow morning all right?
        c: Yes, that would be great, thanks.""",
    "lower case, no punctuation": """
        a: good afternoon brightwater can i have your postcode and the first line of your address please
        c: yeah it's fourteen mill lane i've been waiting for my refund for three weeks now and nobody's told me anything
        a: okay let me have a look for you bear with me
        c: i just want my money back to be honest
        a: i can see it was sent on monday so it should be with you within five working days
        c: right okay""",
    "the customer begins": """
        c: hey, my order still hasn't shown up and your site says delivered
        a: Hi Jo, sorry about that! Could you send us your order number so we can look into it?
        c: #88213
        a: Thanks, I've raised this with the courier and will get back to you by tomorrow. Is there anything else I can help with?
        c: no that's it, thank you""",
    "an outbound call": """
        a: hello is that mister okoro this is dana calling from the repairs team at hillside housing
        c: yes speaking
        a: i'm just ringing to confirm your appointment on thursday for the boiler
        c: oh good i thought you'd forgotten me i've had no hot water
        a: no not at all we'll be with you between eight and twelve""",
    "a short one": """
        a: how can i help you today
        c: i need to cancel my subscription""",
}


def turns_of(conversation: str) -> list[tuple[str, str]]:
    return [tuple(line.strip().split(": ", 1)) for line in conversation.strip().splitlines()]


def hidden(spoken: list[tuple[str, str]], labels: dict[str, str]) -> Transcript:
    return Transcript("x", tuple(Turn("unknown", text, label=labels[who]) for who, text in spoken))


@pytest.fixture(scope="module")
def fitted(corpus) -> RoleModel:
    return fit_roles(as_transcript(call) for call in corpus)


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("labels", [{"a": "spk_0", "c": "spk_1"}, {"a": "spk_1", "c": "spk_0"}, {"a": "Dana", "c": "ch_1"}])
def test_agent_and_customer_are_told_apart(name, labels):
    roles, confidence = infer_roles(hidden(turns_of(CONVERSATIONS[name]), labels))
    assert roles == {labels["a"]: "agent", labels["c"]: "customer"}
    assert load_roles().threshold <= confidence <= 1


_WORDS = st.text("abcdefghij how can i help my account ?.#", max_size=60)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("acx"), _WORDS), max_size=12), st.permutations(["spk_0", "spk_1", "agent"]))
def test_it_does_not_matter_how_speakers_are_called(spoken, labels):
    plainly, confidence = infer_roles(hidden(spoken, {who: who for who in "acx"}))
    labels = dict(zip("acx", labels, strict=True))
    roles, again = infer_roles(hidden(spoken, labels))
    assert roles == {labels[who]: role for who, role in plainly.items()}
    assert again == confidence
    assert 0 <= confidence <= 1
    assert len([role for role in roles.values() if role == "agent"]) <= 1


def test_a_call_from_its_end_gives_the_same_roles():
    # Who speaks first plays no part.
    spoken = turns_of(CONVERSATIONS["the customer begins"])
    labels = {"a": "1", "c": "2"}
    forwards, backwards = infer_roles(hidden(spoken, labels)), infer_roles(hidden(spoken[::-1], labels))
    assert forwards[0] == backwards[0]
    assert forwards[1] == pytest.approx(backwards[1])


@pytest.mark.parametrize(
    "spoken",
    [
        [("a", "hello"), ("c", "hello"), ("a", "yes"), ("c", "yes")],
        [("a", "mm"), ("c", "[noise]")],
        [("a", "how can I help you today"), ("c", "how can I help you today")],
        [("a", "how can I help you today")],
        [("a", " ")],
        [],
    ],
)
def test_what_cannot_be_told_stays_unknown(spoken):
    roles, confidence = infer_roles(hidden(spoken, {"a": "spk_0", "c": "spk_1"}))
    assert roles == {}
    assert 0 <= confidence < load_roles().threshold


def test_below_the_threshold_nobody_gets_a_role():
    call = hidden(turns_of(CONVERSATIONS["a short one"]), {"a": "1", "c": "2"})
    roles, confidence = infer_roles(call)
    assert roles
    assert replace(load_roles(), threshold=(1 + confidence) / 2).infer(call) == ({}, confidence)


@pytest.mark.parametrize("third", ["Your call may be recorded for training. Please hold for the next available agent.", "okay", "beep"])
def test_a_third_voice_that_speaks_once_is_neither_agent_nor_customer(third):
    spoken = [("x", third), *turns_of(CONVERSATIONS["greeting for a company"])]
    roles, _ = infer_roles(hidden(spoken, {"a": "A", "c": "B", "x": "C"}))
    assert (roles["A"], roles["B"]) == ("agent", "customer")
    assert roles.get("C", "other") == "other"


def test_a_third_voice_is_other_only_where_it_is_clear():
    weights = {"help": 4.0, "broken": -4.0, "fine": 0.0}
    model = RoleModel(weights, 3.0, 0.9)
    spoken = [("a", "help help sir"), ("c", "broken it broken"), ("x", "fine it fine"), ("a", "help you"), ("c", "is broken"), ("x", "so fine")]
    call = hidden(spoken, {"a": "A", "c": "B", "x": "C"})
    assert model.infer(call)[0] == {"A": "agent", "B": "customer", "C": "other"}
    echoed = hidden([*spoken[:2], ("x", "help"), *spoken[3:5]], {"a": "A", "c": "B", "x": "C"})
    assert model.infer(echoed)[0] == {"A": "agent", "B": "customer"}


def test_known_roles_are_kept_and_lead_to_the_others():
    spoken = turns_of(CONVERSATIONS["greeting for a company"])
    half = Transcript("x", tuple(Turn("agent", text) if who == "a" else Turn("unknown", text, label="Sam") for who, text in spoken))
    assert infer_roles(half)[0] == {"Sam": "customer"}
    machine = replace(half, turns=(Turn("other", "Welcome, how can I help you?"), *half.turns))
    assert infer_roles(machine) == infer_roles(half)
    both = replace(half, turns=(*half.turns, Turn("customer", "my bill is wrong")))
    assert infer_roles(both) == ({}, 0.0)


def test_a_fit_is_the_same_every_time_and_learns(corpus, fitted, tmp_path):
    again = fit_roles([as_transcript(call) for call in corpus][::-1])
    fitted.save(tmp_path / "one.json")
    again.save(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert load_roles(tmp_path / "one.json") == fitted
    assert fitted.figures["whole"]["right"] > 0.8


def test_the_shipped_model_holds_what_it_promises():
    found = load_roles().figures
    assert found["whole"]["coverage"] >= 0.9
    assert all(kind["right_where_covered"] >= 0.98 for kind in found.values())


def test_the_module_is_a_command(calls_file, tmp_path, capsys):
    assert main([str(calls_file), "--out", str(tmp_path / "roles.json")]) == 0
    assert "threshold" in capsys.readouterr().out
    assert load_roles(tmp_path / "roles.json").weights
    with pytest.raises(SystemExit):
        main([str(tmp_path / "nowhere.jsonl")])
    capsys.readouterr()


def test_too_few_calls_and_other_layouts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="0 calls of 0 slices"):
        fit_roles([hidden(turns_of(CONVERSATIONS["a short one"]), {"a": "1", "c": "2"})])
    (tmp_path / "roles.json").write_text('{"layout": 9}')
    with pytest.raises(ValueError, match="layout is 9; allowed is 1"):
        load_roles(tmp_path / "roles.json")


def test_a_run_says_for_how_many_calls_roles_were_inferred(model_folder, tmp_path):
    calls = [
        {"id": name, "turns": [{"speaker": {"a": "spk_1", "c": "spk_0"}[who], "text": text} for who, text in turns_of(conversation)]}
        for name, conversation in CONVERSATIONS.items()
    ]
    calls.append({"id": "unclear", "turns": [{"speaker": "spk_0", "text": "hello"}, {"speaker": "spk_1", "text": "hello"}]})
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))

    read_calls = {call.call_id: call for call in read(path, ReadOptions(infer_roles=True, infer=infer_roles))}
    first, unclear = read_calls["greeting for a company"], read_calls["unclear"]
    assert [turn.speaker for turn in first.turns[:2]] == ["agent", "customer"]
    assert first.metadata["roles"] == "inferred"
    assert first.metadata["doubts"] == ["roles were inferred from what is said"]
    assert {turn.speaker for turn in unclear.turns} == {"unknown"}
    assert "roles could not be inferred from what is said with enough confidence" in unclear.metadata["doubts"]
    assert unclear.metadata["role_confidence"] < load_roles().threshold

    run = score_files([path], tmp_path / "out", BatchSettings(model=model_folder, reading=ReadOptions(infer_roles=True), progress=False))
    assert run["settings"]["infer_roles"] is True
    assert run["counts"]["inferred"] == len(CONVERSATIONS)
    assert run["counts"]["by_status"]["no agent turn"] == 1
    run = score_files([path], tmp_path / "plain", BatchSettings(model=model_folder, progress=False))
    assert run["counts"]["inferred"] == 0
