"""The words everyone uses: dimensions, behaviours, the 1-5 scale, and what a rating means.

Every name that appears in a column heading, a rule file, a label file or a report is defined here and nowhere else.
"""

from __future__ import annotations

from typing import Final

#: The five ratings of a call, in the order of every table.
DIMENSIONS: Final = ("listening", "reassurance", "choices", "follow_up", "ownership")

#: Lowest and highest rating of a call.
SCALE: Final = (1.0, 5.0)

#: Share of calls whose reference rating is meant to lie within ``<dimension>_low`` and ``<dimension>_high``.
INTERVAL: Final = 0.80

#: Behaviours of an agent turn, with the dimension that each speaks for (or, for ``avoidance``, against ownership).
GROUP: Final[dict[str, str]] = {
    "reflect": "listening",
    "probe": "listening",
    "empathy": "reassurance",
    "assure": "reassurance",
    "take_action": "ownership",
    "offer_choice": "choices",
    "alternative": "choices",
    "commit": "follow_up",
    "set_expectation": "follow_up",
    "check_resolution": "follow_up",
    "bare_demand": "avoidance",
    "deflect": "avoidance",
    "refuse": "avoidance",
    "dismiss": "avoidance",
}

#: The behaviours in the order of every table and every array.
BEHAVIOURS: Final = tuple(GROUP)

#: Behaviours that lower ownership.
AVOIDANCE: Final = tuple(b for b, group in GROUP.items() if group == "avoidance")

#: What a behaviour is, in one line: the agent ...
MEANING: Final[dict[str, str]] = {
    "reflect": "restates, summarises or reads back what the customer said or needs",
    "probe": "asks a question to understand the problem or need",
    "empathy": "names the customer's feeling or trouble, or apologises for it",
    "assure": "says that they can or will help, or that it will be solved",
    "take_action": "announces something that they do now for the customer",
    "offer_choice": "lets the customer decide between ways to proceed, or to take a service or leave it",
    "alternative": "after a no, a limit or a failure, says what can be done instead",
    "commit": "promises something that they, or 'we', will do after this moment that outlasts the call",
    "set_expectation": "says what happens next, or by when",
    "check_resolution": "checks that the matter is solved, or whether anything is left",
    "bare_demand": "meets a request or problem with a demand for data and no sign of having heard it",
    "deflect": "hands the work back or away without offering to do it or to connect",
    "refuse": "says no, can't or don't know, and leaves it there",
    "dismiss": "shows apathy, blame, haste, or 'not my job'",
}

#: What a rating means, for 1 to 5.
ANCHORS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "listening": (
        "no uptake: ignores or mishears the need, or only collects data",
        "brief acknowledgements only",
        "answers the stated need; confirms a detail once",
        "restates the need, or asks a purposeful question to understand it",
        "both, and checks the understanding as the call moves on",
    ),
    "reassurance": (
        "cold, dismissive, or nothing at all",
        "courtesy formulas only",
        "one clear statement of willingness, or one apology for the trouble",
        "empathy and assurance, or several specific assurances",
        "empathy that fits this customer's case, and an assured resolution",
    ),
    "choices": (
        "none, or dictated",
        "a token offer",
        "one real choice, or one alternative after a no",
        "several, or one with its consequences explained",
        "options laid out and explained, and the customer picks",
    ),
    "follow_up": (
        "nothing about what comes next, or the customer is left to chase",
        "a generic 'anything else?'",
        "says what happens next, or checks that the matter is solved",
        "a specific commitment or next step, with when or how",
        "who, what and when, and checks that it suits or that nothing is left",
    ),
    "ownership": (
        "avoids: deflects, refuses, blames, or demands",
        "processes the request like a form",
        "does the job, politely",
        "acts as the voice of the company: helps, assures, advises",
        "takes the problem over and sees it through to an assured end",
    ),
}


def dimension_of(behaviour: str) -> str:
    """Return the rating that a behaviour speaks for or against.

    Parameters
    ----------
    behaviour : str
        One of `BEHAVIOURS`.

    Returns
    -------
    str
        One of `DIMENSIONS`; avoidance counts against ``"ownership"``.
    """
    group = GROUP[behaviour]
    return "ownership" if group == "avoidance" else group
