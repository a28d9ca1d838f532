"""What one run of non-blank characters says: normalised words, with their places. spaCy's blank English tokenizer decides what a token is."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
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
_ENDINGS: Final = ("s", "ing", "ed", "ly")
#: A run that spaCy, where it has no special rule for it or a part of it, takes for one word and marks around it.
_PLAIN: Final = re.compile(r"([#(\"“]?)([A-Za-z]*[a-z])([.?!]*[,;:)\"”]?)|([A-Za-z]+|[0-9]+)([,?!]?)")
#: What a mark such as ``[noise]`` begins with.
_OPENS_MARK: Final = frozenset("[<(#*")
#: Half a character, which spaCy cannot encode.
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
#: A run longer than this is no word (a base64 blob, a web address); it becomes one unknown token.
_LONGEST_RUN: Final = 80


class Run(NamedTuple):
    """What one run of non-blank characters says."""

    words: tuple[str, ...]  #: normalised words
    stems: tuple[str, ...]  #: the words as said, lower case, without common endings
    spans: tuple[tuple[int, int], ...]  #: character offsets of each word within the run
    breaks: tuple[int, ...]  #: break after each word
    before: int  #: break before the first word, or of a run without words


@cache
def _english() -> Any:
    from types import SimpleNamespace

    from spacy.attrs import LOWER, NORM
    from spacy.lang.en import English
    from spacy.language import create_tokenizer
    from spacy.vocab import create_vocab

    # What the tokenizer of `English()` is made of, without the pipeline around it, which would cost a tenth of a second.
    bare: Any = SimpleNamespace(vocab=create_vocab("en", English.Defaults), Defaults=English.Defaults)
    # Of all that spaCy works out for each new word only this is asked for here.
    bare.vocab.lex_attr_getters = {attribute: bare.vocab.lex_attr_getters[attribute] for attribute in (LOWER, NORM)}
    return create_tokenizer()(bare)


@cache
def _norm() -> tuple[frozenset[str], Callable[[str], str]]:
    from spacy.attrs import NORM

    english = _english()
    return frozenset(english.rules), english.vocab.lex_attr_getters[NORM]


def forget() -> None:
    """Drop every word that spaCy remembers having been asked about."""
    _english.cache_clear()
    _norm.cache_clear()


def analyse(piece: str) -> Run:
    """Read one run of characters."""
    lower = piece.lower()
    if len(piece) > _LONGEST_RUN:
        return Run((MASK,), (lower[:_LONGEST_RUN],), ((0, len(piece)),), (NO_BREAK,), NO_BREAK)
    mark = MARKS.match(lower) if lower[0] in _OPENS_MARK else None
    if mark:
        return _analyse_mark(piece, mark)
    if plain := _PLAIN.fullmatch(piece):
        before, word, after = plain[1] or "", plain[2] or plain[4], plain[3] or plain[5] or ""
        rules, norm = _norm()
        # spaCy takes off the marks one after the other and looks for a rule each time.
        if word not in rules and not (after and any(part[: len(part) - i] in rules for part in (piece, word + after) for i in range(len(after)))):
            return _analyse_plain(len(before), word, after, norm(word))
    if _CUT_WORD.fullmatch(lower) or _SIGNATURE.fullmatch(piece):
        return Run((), (), (), (), NO_BREAK)
    words: list[str] = []
    stems: list[str] = []
    spans: list[tuple[int, int]] = []
    breaks: list[int] = []
    leading = NO_BREAK
    for token in _english()(_SURROGATE.sub("\ufffd", piece)):
        text = token.lower_
        if not any(c.isalnum() for c in text):
            strength = max((_BREAKS.get(c, NO_BREAK) for c in text), default=NO_BREAK)
            if breaks:
                breaks[-1] = max(breaks[-1], strength)
            else:
                leading = max(leading, strength)
            if text not in ("'s", "’s"):
                continue
        if text in FILLERS:
            continue
        span = (token.idx, token.idx + len(token))
        for word in _normal(text, token.norm_):
            words.append(word)
            stems.append(_stem(text))
            spans.append(span)
            breaks.append(NO_BREAK)
    return Run(tuple(words), tuple(stems), tuple(spans), tuple(breaks), leading)


def _analyse_plain(begin: int, word: str, marks: str, norm: str) -> Run:
    """Read a run of letters or of digits with marks around it, which spaCy need not be asked for."""
    text, after = word.lower(), NO_BREAK
    for mark in marks:
        after = max(after, _BREAKS.get(mark, NO_BREAK))
    if text in FILLERS:
        return Run((), (), (), (), after)
    words, stem, span = _normal(text, norm), _stem(text), (begin, begin + len(word))
    return Run(words, (stem,) * len(words), (span,) * len(words), (NO_BREAK,) * (len(words) - 1) + (after,), NO_BREAK)


def _analyse_mark(piece: str, mark: re.Match[str]) -> Run:
    """Read a run that begins with a mark such as ``[number]`` or ``[noise]``, and what is glued to it."""
    rest = analyse(piece[mark.end() :]) if mark.end() < len(piece) else Run((), (), (), (), NO_BREAK)
    shifted = tuple((start + mark.end(), end + mark.end()) for start, end in rest.spans)
    name = mark[0].strip("[]<>()").strip()
    if name in NON_SPEECH:
        return Run(rest.words, rest.stems, shifted, rest.breaks, rest.before)
    word = NUMBER if any(hint in name for hint in ("number", "letter", "digit", "date", "time", "#", "*", "phone", "card", "account", "pin")) else MASK
    return Run((word, *rest.words), (mark[0], *rest.stems), ((0, mark.end()), *shifted), (rest.before, *rest.breaks), NO_BREAK)


def _stem(text: str) -> str:
    return _SUFFIX.sub("", text) if text.endswith(_ENDINGS) else text


def _normal(text: str, norm: str) -> tuple[str, ...]:
    if text in NUMBER_WORDS or (not text.isalpha() and any(c.isdigit() for c in text)):
        return (NUMBER,)
    if text in ("'s", "’s", "s") and norm != "s":
        return ("us",) if norm == "us" else ("is",)
    norm = norm.lower().strip("’'.")
    if text in ("'d", "’d"):
        return ("would",)
    if text in LETTER_DROPPED:
        return LETTER_DROPPED[text]
    return (SPELLINGS.get(norm, norm),)
