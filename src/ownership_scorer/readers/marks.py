"""Marks inside transcripts: what stands for removed personal data, and what stands for a noise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

#: What a mark stands for.
Kind = Literal["redaction", "non_speech"]

_NOISES: Final = (
    "applause|audio gap|background|background noise|background speech|beep|blank_audio|blank audio|breath|breathing|clears throat|click|cough|coughing|"
    "crosstalk|cross talk|dead air|dial tone|dtmf|foreign|hesitation|hold|hold music|inaudible|indiscernible|keyboard|keyboard clicking|laugh|laughing|"
    "laughs|laughter|lipsmack|mouth noise|music|music playing|mumbling|no audio|no speech|noise|on hold|overlap|overlapping|pause|phone ringing|ring|"
    "ringing|ringtone|sigh|sighs|silence|sneeze|sniff|sound|static|throat clearing|tone|typing|unclear|unintelligible|unk|vocalized noise|vocalized-noise"
)
_BRACKETED: Final = re.compile(r"\[([^\[\]\n]{1,60})\]|\(([^()\n]{1,60})\)|<([A-Za-z][A-Za-z _-]{1,39})>|\{([A-Za-z][A-Za-z _-]{1,39})\}|(#{3,}|\*{3,}|♪+)")
_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{1,40}")
_FILLING: Final = re.compile(r"[\s.,;:!?…'\"-]*")


@dataclass(frozen=True)
class Marks:
    """The one list of marks that every reader goes by.

    Parameters
    ----------
    non_speech : frozenset of str
        What stands between brackets for a sound that is no word, in lower case: ``"laughter"``.
    redaction : frozenset of str
        Bracketed words that stand for removed data. Any other word in square brackets counts as one too, for the tags of vendors differ;
        words in round, pointed or curly brackets only count where they are listed.
    """

    non_speech: frozenset[str] = field(default_factory=lambda: frozenset(_NOISES.split("|")))
    redaction: frozenset[str] = frozenset({"pii", "name", "redacted", "person_name", "phone_number", "address", "account_number", "credit_card_number"})

    @cached_property
    def _noise_key(self) -> frozenset[str]:
        return frozenset(_key(word) for word in self.non_speech)

    @cached_property
    def _redaction_key(self) -> frozenset[str]:
        return frozenset(_key(word) for word in self.redaction)

    def spans(self, text: str) -> Iterator[tuple[int, int, Kind]]:
        """Yield where marks stand in a text.

        Parameters
        ----------
        text : str
            Any text.

        Yields
        ------
        tuple of (int, int, {"redaction", "non_speech"})
            Start, end and kind, in order, never overlapping.
        """
        for found in _BRACKETED.finditer(text):
            kind = self._kind(found)
            if kind:
                yield found.start(), found.end(), kind

    def _kind(self, found: re.Match[str]) -> Kind | None:
        square, round_, pointed, curly, run = found.groups()
        if run:
            return "non_speech" if run[0] == "♪" else "redaction"
        word = square or round_ or pointed or curly
        if _key(word) in self._noise_key:
            return "non_speech"
        if _key(word) in self._redaction_key or (square and _TAG.fullmatch(square)):
            return "redaction"
        return None

    def only_non_speech(self, text: str) -> bool:
        """Tell whether a text holds noise marks and nothing that was said.

        Parameters
        ----------
        text : str
            Any text.

        Returns
        -------
        bool
            False for a text without any mark.
        """
        if not any(sign in text for sign in "[(<{♪"):
            return False
        position, seen = 0, False
        for start, end, kind in self.spans(text):
            if kind != "non_speech" or not _FILLING.fullmatch(text, position, start):
                return False
            position, seen = end, True
        return seen and bool(_FILLING.fullmatch(text, position))


def _key(word: str) -> str:
    return re.sub(r"[\s_-]+", " ", word).strip().lower()


#: The list used where none is given.
DEFAULT_MARKS: Final = Marks()
