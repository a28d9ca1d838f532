"""Words of a turn, normalised so that speech, chat and print look alike.

spaCy's blank English tokenizer decides what a token is. It treats every run of non-blank characters on its own, so each distinct run is asked for
once and remembered; a transcript then costs a split and a look-up a run.
"""

from __future__ import annotations

import re
from functools import cache
from operator import eq
from typing import Any, Final, NamedTuple

from ownership_scorer.lexicon import FILLERS, LETTER_DROPPED, MARKS, NON_SPEECH, NUMBER_WORDS, SPELLINGS

#: Stands for any number, digit string, or masked number.
NUMBER: Final = "#"
#: Stands for any other masked word.
MASK: Final = "<mask>"

#: How strongly the text breaks after a word.
NO_BREAK, COMMA, SENTENCE, QUESTION = range(4)

_BREAKS: Final = {",": COMMA, ";": COMMA, ":": COMMA, "–": COMMA, "—": COMMA, ".": SENTENCE, "!": SENTENCE, "…": SENTENCE, "?": QUESTION}
_CUT_WORD: Final = re.compile(r"\w+-+")
#: How agents sign on social media: ``^JK``, ``*Ann``, ``/TM``.
_SIGNATURE: Final = re.compile(r"[\^/*~][A-Z]\w{0,9}")
_SUFFIX: Final = re.compile(r"(?<=\w{3})(?:ies|es|s|ing|ed|ly)$")
#: A run longer than this is no word (a base64 blob, a web address); it becomes one unknown token.
_LONGEST_RUN: Final = 80
#: Distinct runs remembered before the memory starts afresh.
_REMEMBERED: Final = 200_000


class Run(NamedTuple):
    """What one run of non-blank characters says."""

    words: tuple[str, ...]  #: normalised words
    stems: tuple[str, ...]  #: the words as said, lower case, without common endings
    spans: tuple[tuple[int, int], ...]  #: character offsets of each word within the run
    breaks: tuple[int, ...]  #: break after each word
    before: int  #: break before the first word, or of a run without words


class Tokens(NamedTuple):
    """The words of a turn."""

    words: list[str]  #: normalised; a word said twice in a row ("the the", digits) stands once
    breaks: list[int]  #: break after each word
    stems: list[str]  #: as said, for comparing turns; digits in full


@cache
def _english() -> Any:
    from spacy.lang.en import English

    return English().tokenizer


class Tokenizer:
    """Splits turns into normalised words, remembering each distinct run of characters."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # What was remembered may hold words of transcripts; a pickle must not.
        return (Tokenizer, ())

    def tokens(self, text: str) -> Tokens:
        """Return the words of a turn.

        Parameters
        ----------
        text : str
            A turn.

        Returns
        -------
        Tokens
            Lists of equal length; fillers, cut-off words, non-speech marks and punctuation are left out.
        """
        words: list[str] = []
        stems: list[str] = []
        breaks: list[int] = []
        runs = self._runs
        for piece in text.split():
            run = runs.get(piece)
            if run is None:
                run = self._learn(piece)
            if run.before and breaks:
                breaks[-1] = max(breaks[-1], run.before)
            words += run.words
            stems += run.stems
            breaks += run.breaks
        if any(map(eq, words, words[1:])):
            kept = _kept(words, breaks)
            words, breaks = [words[i] for i in kept], [breaks[i] for i in kept]
        return Tokens(words, breaks, stems)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character offsets of each word that `tokens` returns for the same text."""
        words: list[str] = []
        breaks: list[int] = []
        spans: list[tuple[int, int]] = []
        at = 0
        for piece in text.split():
            at = text.index(piece, at)
            run = self._runs.get(piece) or self._learn(piece)
            if run.before and breaks:
                breaks[-1] = max(breaks[-1], run.before)
            words += run.words
            breaks += run.breaks
            spans += [(at + start, at + end) for start, end in run.spans]
            at += len(piece)
        if not any(map(eq, words, words[1:])):
            return spans
        kept = _kept(words, breaks)
        firsts = [0, *(i + 1 for i in kept[:-1])]
        return [(spans[first][0], spans[last][1]) for first, last in zip(firsts, kept, strict=True)]

    def _learn(self, piece: str) -> Run:
        run = _analyse(piece)
        if len(self._runs) >= _REMEMBERED:
            self._runs.clear()
        self._runs[piece] = run
        return run


def _kept(words: list[str], breaks: list[int]) -> list[int]:
    """Return the positions of the words that the next word does not repeat within the sentence."""
    last = len(words) - 1
    return [i for i, word in enumerate(words) if i == last or word != words[i + 1] or breaks[i] >= SENTENCE]


def _analyse(piece: str) -> Run:
    lower = piece.lower()
    mark = MARKS.match(lower)
    if mark:
        return _analyse_mark(piece, mark)
    if len(piece) > _LONGEST_RUN:
        return Run((MASK,), (lower,), ((0, len(piece)),), (NO_BREAK,), NO_BREAK)
    if _CUT_WORD.fullmatch(lower) or _SIGNATURE.fullmatch(piece):
        return Run((), (), (), (), NO_BREAK)
    words: list[str] = []
    stems: list[str] = []
    spans: list[tuple[int, int]] = []
    breaks: list[int] = []
    before = NO_BREAK
    for token in _english()(piece):
        text = token.lower_
        if not any(c.isalnum() for c in text):
            strength = max((_BREAKS.get(c, NO_BREAK) for c in text), default=NO_BREAK)
            if breaks:
                breaks[-1] = max(breaks[-1], strength)
            elif not words:
                before = max(before, strength)
            if text not in ("'s", "’s"):
                continue
        if text in FILLERS:
            continue
        span = (token.idx, token.idx + len(token))
        for word in _normal(text, token.norm_):
            words.append(word)
            stems.append(_SUFFIX.sub("", text))
            spans.append(span)
            breaks.append(NO_BREAK)
    return Run(tuple(words), tuple(stems), tuple(spans), tuple(breaks), before)


def _analyse_mark(piece: str, mark: re.Match[str]) -> Run:
    """Read a run that begins with a mark such as ``[number]`` or ``[noise]``, and what is glued to it."""
    rest = _analyse(piece[mark.end() :]) if mark.end() < len(piece) else Run((), (), (), (), NO_BREAK)
    shifted = tuple((start + mark.end(), end + mark.end()) for start, end in rest.spans)
    name = mark[0].strip("[]<>()").strip()
    if name in NON_SPEECH:
        return Run(rest.words, rest.stems, shifted, rest.breaks, rest.before)
    word = NUMBER if any(hint in name for hint in ("number", "letter", "digit", "date", "time", "#", "*", "phone", "card", "account", "pin")) else MASK
    return Run((word, *rest.words), (mark[0], *rest.stems), ((0, mark.end()), *shifted), (rest.before, *rest.breaks), NO_BREAK)


def _normal(text: str, norm: str) -> tuple[str, ...]:
    if text in NUMBER_WORDS or any(c.isdigit() for c in text):
        return (NUMBER,)
    if text in ("'s", "’s", "s") and norm != "s":
        return ("us",) if norm == "us" else ("is",)
    norm = norm.lower().strip("’'.")
    if text in ("'d", "’d"):
        return ("would",)
    if text in LETTER_DROPPED:
        return LETTER_DROPPED[text]
    return (SPELLINGS.get(norm, norm),)
