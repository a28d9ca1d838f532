"""Words of a turn, normalised so that speech, chat and print look alike, and numbered, so that whole batches can be handled as arrays.

spaCy's blank English tokenizer decides what a token is. It treats every run of non-blank characters on its own, so each distinct run is asked for
once and remembered; a transcript then costs a split and a look-up a run.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.lexicon import FILLERS, LETTER_DROPPED, MARKS, NON_SPEECH, NUMBER_WORDS, SPELLINGS

Ints = NDArray[np.int64]

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
#: A run that spaCy, where it has no special rule for it, takes for one word and at most one mark.
_PLAIN: Final = re.compile(r"[A-Za-z]*[a-z]\.|[A-Za-z]+[,?!]?|[0-9]+")
#: A run longer than this is no word (a base64 blob, a web address); it becomes one unknown token.
_LONGEST_RUN: Final = 80
#: Distinct runs remembered before the memory starts afresh.
_REMEMBERED: Final = 50_000


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


class Vocabulary:
    """Numbers words in the order in which they are first seen."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._codes: dict[Callable[[str], int], Ints] = {}

    def number(self, word: str) -> int:
        """Return the number of a word, a new one if need be."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
        return number

    def codes(self, of: Callable[[str], int]) -> Ints:
        """Return what a function says of each word, by number; it is called once a word."""
        known = self._codes.get(of)
        done = 0 if known is None else len(known)
        if known is None or done < len(self.words):
            more = np.array([of(word) for word in self.words[done:]], dtype=np.int64)
            known = self._codes[of] = more if known is None else np.concatenate([known, more])
        return known


class _Memory(dict[str, int]):
    """Numbers runs of characters; what each says lies in columns, so that a batch is put together by a few array operations."""

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self._lock = Lock()
        #: A run's length, first word, break before it; a word, its stem, offsets and break after it.
        self._of_run = (array("q"), array("q", [0]), array("q"))
        self._of_word = (array("q"), array("q"), array("q"), array("q"), array("q"))
        self._columns: tuple[int, list[Ints], list[Ints]] = (-1, [], [])

    def __missing__(self, piece: str) -> int:
        with self._lock:
            if piece in self:
                return self[piece]
            run, number = _analyse(piece), self.vocabulary.number
            lengths, firsts, before = self._of_run
            words, stems, starts, ends, breaks = self._of_word
            words.extend(map(number, run.words))
            stems.extend(map(number, run.stems))
            starts.extend(start for start, _ in run.spans)
            ends.extend(end for _, end in run.spans)
            breaks.extend(run.breaks)
            lengths.append(len(piece))
            before.append(run.before)
            firsts.append(len(words))
            self[piece] = len(lengths) - 1
            return len(lengths) - 1

    def columns(self) -> tuple[list[Ints], list[Ints]]:
        """Return copies of the columns of runs and of words, made anew where something was learned since."""
        with self._lock:
            if self._columns[0] != len(self):
                self._columns = (len(self), [np.array(column) for column in self._of_run], [np.array(column) for column in self._of_word])
            return self._columns[1:]


def ranges(starts: Ints, counts: Ints) -> Ints:
    """Return ``starts[0], starts[0] + 1, ...`` for ``counts[0]`` numbers, then the same for each other start."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)


def offsets(counts: Ints | NDArray[np.bool_]) -> Ints:
    """Return where each of a row of lists of these lengths begins, and where the last ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])


def distinct(values: Ints) -> Ints:
    """Return the distinct values, ascending; numpy sorts numbers some twenty times faster than its `unique` finds them."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1 if not len(ordered) else ordered[0] - 1))]


def order(keys: Ints) -> Ints:
    """Return the stable order of small numbers not below zero, for the same reason by sorting each with its place."""
    bits = len(keys).bit_length()
    return np.sort((keys << bits) + np.arange(len(keys))) & ((1 << bits) - 1)


class Words:
    """The words of many turns, end to end.

    Parameters
    ----------
    memory : what the tokenizer has learned
    texts : sequence of str

    Attributes
    ----------
    vocabulary : Vocabulary
    words, breaks, first : array
        Number of each word, break after it; first word of each turn, and the end of the last. A word said twice in a row stands once.
    stems, first_stem : array
        As said, nothing left out.
    """

    def __init__(self, memory: _Memory, texts: Sequence[str]) -> None:
        self.texts = texts
        self.vocabulary = memory.vocabulary
        pieces = [text.split() for text in texts]
        sizes = np.array([*map(len, pieces)], dtype=np.int64)
        run = np.fromiter(map(memory.__getitem__, chain.from_iterable(pieces)), dtype=np.int64, count=int(sizes.sum()))
        (length, first, before), (words, stems, self._starts, self._ends, breaks) = memory.columns()
        self._first_run = offsets(sizes)
        self._length = length[run]
        counts = first[run + 1] - first[run]
        at = offsets(counts)
        self._known = ranges(first[run], counts)  # where each word lies in the memory's columns
        self._run = np.repeat(np.arange(len(run)), counts)
        self.first_stem = at[self._first_run]
        self.stems = stems[self._known]
        said, after = words[self._known], breaks[self._known]
        strength = before[run]
        marks = np.flatnonzero(strength)
        turn = np.searchsorted(self._first_run, marks, side="right") - 1
        inside = at[marks] > self.first_stem[turn]
        np.maximum.at(after, at[marks[inside]] - 1, strength[marks[inside]])
        last = np.zeros(len(said) + 1, dtype=bool)
        last[self.first_stem[1:] - 1] = True
        # Of a word said twice within the sentence the second stands, and covers both.
        self._kept = np.flatnonzero(last[: len(said)] | (said != np.append(said[1:], -1)) | (after >= SENTENCE))
        self.words, self.breaks = said[self._kept], after[self._kept]
        self.first = np.searchsorted(self._kept, self.first_stem)

    def __len__(self) -> int:
        return len(self.texts)

    def tokens(self, turn: int) -> Tokens:
        """Return the words of one turn."""
        name = self.vocabulary.words
        here, stems = slice(*self.first[turn : turn + 2]), slice(*self.first_stem[turn : turn + 2])
        return Tokens([name[w] for w in self.words[here].tolist()], self.breaks[here].tolist(), [name[w] for w in self.stems[stems].tolist()])

    def characters(self, turn: Ints, first: Ints, last: Ints) -> tuple[list[int], list[int]]:
        """Return the offsets in a turn's text at which stretches of words begin and end.

        Parameters
        ----------
        turn, first, last : array
            Turn, first and last word of each stretch, words counted over all turns.
        """
        begin = self._kept[first - 1] + 1
        begin = np.where(first > self.first[turn], begin, self.first_stem[turn])
        return self._offset(turn, begin, self._starts), self._offset(turn, self._kept[last], self._ends)

    def _offset(self, turn: Ints, word: Ints, within: Ints) -> list[int]:
        run = self._run[word]
        # Where single blanks part the runs, their lengths say where each begins.
        before = offsets(self._length + 1)
        begin = before[run] - before[self._first_run[turn]]
        spaced = before[self._first_run[turn + 1]] - before[self._first_run[turn]] - 1
        for i, (t, size) in enumerate(zip(turn.tolist(), spaced.tolist(), strict=True)):
            if size != len(self.texts[t]):
                begin[i] = _begins(self.texts[t])[run[i] - self._first_run[t]]
        found: list[int] = (begin + within[self._known[word]]).tolist()
        return found


@cache
def _english() -> Any:
    from types import SimpleNamespace

    from spacy.lang.en import English
    from spacy.language import create_tokenizer
    from spacy.vocab import create_vocab

    # What the tokenizer of `English()` is made of, without the pipeline around it, which would cost a tenth of a second.
    bare: Any = SimpleNamespace(vocab=create_vocab("en", English.Defaults), Defaults=English.Defaults)
    return create_tokenizer()(bare)


@cache
def _norm() -> tuple[frozenset[str], Callable[[str], str]]:
    from spacy.attrs import NORM

    english = _english()
    return frozenset(english.rules), english.vocab.lex_attr_getters[NORM]


def _begins(text: str) -> list[int]:
    begins, at = [], 0
    for piece in text.split():
        begins.append(text.index(piece, at))
        at = begins[-1] + len(piece)
    return begins


class Tokenizer:
    """Splits turns into normalised words, remembering each distinct run of characters."""

    def __init__(self) -> None:
        self._memory = _Memory()

    def __reduce__(self) -> tuple[Any, ...]:
        # What was remembered may hold words of transcripts; a pickle must not.
        return (Tokenizer, ())

    def read(self, texts: Sequence[str]) -> Words:
        """Return the words of turns; fillers, cut-off words, non-speech marks and punctuation are left out."""
        memory = self._memory
        if len(memory) > _REMEMBERED:
            memory = self._memory = _Memory()
            # spaCy remembers every word it was asked about, too.
            _english.cache_clear()
            _norm.cache_clear()
        return Words(memory, texts)

    def tokens(self, text: str) -> Tokens:
        """Return the words of one turn."""
        return self.read([text]).tokens(0)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character offsets of each word that `tokens` returns for the same text."""
        words = self.read([text])
        every = np.arange(len(words.words))
        starts, ends = words.characters(every * 0, every, every)
        return list(zip(starts, ends, strict=True))


def _analyse(piece: str) -> Run:
    if len(piece) <= _LONGEST_RUN and _PLAIN.fullmatch(piece):
        word = piece.rstrip(".,?!")
        rules, norm = _norm()
        if piece not in rules and word not in rules:
            return _analyse_plain(word, piece[len(word) :], norm(word))
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
            stems.append(_stem(text))
            spans.append(span)
            breaks.append(NO_BREAK)
    return Run(tuple(words), tuple(stems), tuple(spans), tuple(breaks), before)


def _analyse_plain(word: str, mark: str, norm: str) -> Run:
    """Read a run of letters or of digits with at most one mark after it, which spaCy need not be asked for."""
    text, after = word.lower(), _BREAKS[mark] if mark else NO_BREAK
    if text in FILLERS:
        return Run((), (), (), (), after)
    words = _normal(text, norm)
    more = len(words) - 1
    return Run(words, (_stem(text),) * (more + 1), ((0, len(word)),) * (more + 1), (NO_BREAK,) * more + (after,), NO_BREAK)


def _analyse_mark(piece: str, mark: re.Match[str]) -> Run:
    """Read a run that begins with a mark such as ``[number]`` or ``[noise]``, and what is glued to it."""
    rest = _analyse(piece[mark.end() :]) if mark.end() < len(piece) else Run((), (), (), (), NO_BREAK)
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
