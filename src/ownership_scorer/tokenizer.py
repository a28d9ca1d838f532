"""Words of a turn, normalised so that speech, chat and print look alike.

spaCy's blank English tokenizer decides what a token is. It treats every run of non-blank characters on its own, so each distinct run is asked for
once and remembered; a transcript then costs a split and a look-up a run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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

_RUN: Final = re.compile(r"\S+")
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
    keys: tuple[int, ...]  #: spaCy's 64-bit hash of each word
    stems: tuple[str, ...]  #: the words as said, lower case, without common endings
    spans: tuple[tuple[int, int], ...]  #: character offsets of each word within the run
    breaks: tuple[int, ...]  #: break after each word
    before: int  #: break before the first word, or of a run without words


class Tokens(NamedTuple):
    """The words of a turn."""

    words: list[str]  #: normalised; a word said twice in a row ("the the", digits) stands once
    keys: list[int]  #: 64-bit hash of each word
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
        keys: list[int] = []
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
            keys += run.keys
            stems += run.stems
            breaks += run.breaks
        if any(map(eq, words, words[1:])):
            kept = _kept(words, breaks)
            words, keys, breaks = ([values[i] for i in kept] for values in (words, keys, breaks))  # type: ignore[assignment]
        return Tokens(words, keys, breaks, stems)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character offsets of each word that `tokens` returns for the same text."""
        words: list[str] = []
        breaks: list[int] = []
        spans: list[tuple[int, int]] = []
        for found in _RUN.finditer(text):
            run = self._runs.get(found[0]) or self._learn(found[0])
            offset = found.start()
            if run.before and breaks:
                breaks[-1] = max(breaks[-1], run.before)
            words += run.words
            breaks += run.breaks
            spans += [(offset + start, offset + end) for start, end in run.spans]
        kept = _kept(words, breaks)
        firsts = [0, *(i + 1 for i in kept[:-1])]
        return [(spans[first][0], spans[last][1]) for first, last in zip(firsts, kept, strict=False)]

    def _learn(self, piece: str) -> Run:
        run = _analyse(piece)
        if len(self._runs) >= _REMEMBERED:
            self._runs.clear()
        self._runs[piece] = run
        return run


def key_of(word: str) -> int:
    """Return the 64-bit hash by which a normalised word is known."""
    from spacy.strings import hash_string

    return int(hash_string(word))


def _run(words: Sequence[str], stems: Sequence[str], spans: Sequence[tuple[int, int]], breaks: Sequence[int], before: int) -> Run:
    return Run(tuple(words), tuple(key_of(word) for word in words), tuple(stems), tuple(spans), tuple(breaks), before)


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
        return _run((MASK,), (lower,), ((0, len(piece)),), (NO_BREAK,), NO_BREAK)
    if _CUT_WORD.fullmatch(lower) or _SIGNATURE.fullmatch(piece):
        return _run((), (), (), (), NO_BREAK)
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
    return _run(words, stems, spans, breaks, before)


def _analyse_mark(piece: str, mark: re.Match[str]) -> Run:
    """Read a run that begins with a mark such as ``[number]`` or ``[noise]``, and what is glued to it."""
    rest = _analyse(piece[mark.end() :]) if mark.end() < len(piece) else _run((), (), (), (), NO_BREAK)
    shifted = tuple((start + mark.end(), end + mark.end()) for start, end in rest.spans)
    name = mark[0].strip("[]<>()").strip()
    if name in NON_SPEECH:
        return _run(rest.words, rest.stems, shifted, rest.breaks, rest.before)
    word = NUMBER if any(hint in name for hint in ("number", "letter", "digit", "date", "time", "#", "*", "phone", "card", "account", "pin")) else MASK
    return _run((word, *rest.words), (mark[0], *rest.stems), ((0, mark.end()), *shifted), (rest.before, *rest.breaks), NO_BREAK)


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
