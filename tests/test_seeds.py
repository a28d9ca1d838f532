"""The statements that the source articles hold up as ownership, or as its opposite, in their context."""

import pytest

from ownership_scorer.transcript import Transcript, Turn

PROBLEM = "Hi, the kettle I bought on Saturday doesn't work and I don't know what to do."
BALANCE = "Hi, I'm calling to get a balance on my account?"
HOTEL = "I booked the wrong month for my stay, and now you have no room for me tonight. What can I do?"
QUESTION = "Does the extended cover work abroad as well?"
WARRANTY = "The hinge broke. Is that covered under my warranty?"
UPSET = "This is the third time I call about the same bill, and nobody did anything. I'm really fed up."

SEEDS = [
    (PROBLEM, "I understand the problem. I'm going to help you find a solution.", {"assure"}, {"reflect"}),
    (UPSET, "I'm sorry you've had this experience. I'm going to do my best to resolve it for you.", {"empathy", "assure"}, set()),
    (QUESTION, "That's a good question. I can help you find the answer to that.", {"assure"}, set()),
    (PROBLEM, "So the kettle you bought on Saturday doesn't work, is that right?", {"reflect"}, set()),
    (PROBLEM, "What happens when you switch it on?", {"probe"}, set()),
    (
        PROBLEM,
        "I can chase the supplier right now while you hold, or I can call you back this afternoon, or send you an email. Which would you prefer?",
        {"offer_choice"},
        set(),
    ),
    (
        PROBLEM,
        "Oh no! There is nothing more frustrating than buying something, getting it home, only to find out it doesn't work!",
        {"empathy"},
        {"dismiss"},
    ),
    (PROBLEM, "That's too bad.", {"dismiss"}, {"empathy"}),
    (HOTEL, "Let me ring round the other hotels nearby and see who has a room for you tonight.", {"take_action"}, {"deflect"}),
    (QUESTION, "I don't know anything about that.", {"refuse"}, set()),
    (QUESTION, "Let me check to see if anyone else here might know the answer.", {"take_action"}, {"refuse"}),
    (WARRANTY, "No, that's not covered under your warranty.", {"refuse"}, {"alternative"}),
    (
        WARRANTY,
        "Unfortunately, that's not covered by the warranty, but let me talk with someone to see if we can find a cost-effective way of getting it "
        "repaired for you.",
        {"alternative", "take_action"},
        set(),
    ),
    (UPSET, "That's not my job.", {"dismiss"}, set()),
    (UPSET, "I don't want to get blamed.", {"dismiss"}, set()),
    (UPSET, "I don't have time.", {"dismiss"}, set()),
    (UPSET, "I'm sorry that happened.", {"empathy"}, set()),
    (UPSET, "I can understand why you're frustrated.", {"empathy"}, set()),
    (UPSET, "Let's see how we can solve this.", {"assure"}, set()),
    (UPSET, "I'll check with my colleague that you were happy with it.", {"commit"}, set()),
    (BALANCE, "Sure! I can get that balance for you. May I have your account number please?", {"assure"}, {"bare_demand"}),
    (BALANCE, "Account number?", {"bare_demand"}, {"assure"}),
    (BALANCE, "Ok, I can do that for you, but did you know you could go online and get it?", {"assure", "deflect"}, {"bare_demand"}),
    (BALANCE, "I'd be happy to", {"assure"}, set()),
    (BALANCE, "Sure! I can do that for you.", {"assure"}, set()),
    (PROBLEM, "I can get that for you.", {"assure"}, set()),
]


@pytest.mark.parametrize(("customer", "agent", "shown", "not_shown"), SEEDS, ids=[seed[1][:40] for seed in SEEDS])
def test_statement_shows_its_behaviours(shipped, customer, agent, shown, not_shown):
    call = Transcript("seed", (Turn("agent", "Good morning, you're speaking with Priya, how can I help?"), Turn("customer", customer), Turn("agent", agent)))
    found = {e.behaviour for e in shipped.score(call).evidence if e.turn == 2}
    assert shown <= found
    assert not found & not_shown


def test_context_decides(shipped):
    """The same words are a bare demand after a request, and a plain second question of an identification."""
    first = Transcript.from_text(f"Customer: {BALANCE}\nAgent: Account number?")
    later = Transcript.from_text(
        f"Customer: {BALANCE}\nAgent: Sure, I can get that for you. What's your name, please?\nCustomer: Tom Baird.\nAgent: Thank you, Tom. And the account number?"
    )
    assert "bare_demand" in {e.behaviour for e in shipped.score(first).evidence}
    assert "bare_demand" not in {e.behaviour for e in shipped.score(later).evidence}
