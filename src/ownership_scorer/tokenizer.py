"""Words of a turn, normalised so that speech, chat and print look alike, and numbered, so that whole batches can be handled as arrays.

A turn that was read before costs a look-up. The runs of non-blank characters of a new one do not depend on each other (spaCy's tokenizer treats each on its
own), so that each distinct run is read once, too.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np

from ownership_scorer.arrays import Ints, Ragged, distinct, offsets, ranges
from ownership_scorer.runs import SENTENCE, analyse, forget

#: Distinct runs, and words and characters of distinct turns, that are remembered before the memory starts afresh.
_RUNS: Final = 50_000
_WORDS: Final = 1_000_000
_CHARACTERS: Final = 20_000_000


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


class _Runs(dict[str, int]):
    """Numbers runs of characters; what each says lies in columns, so that a batch is put together by a few array operations. Not for two threads at once."""

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        #: A run's length, first word, break before it; a word, its stem, offsets and break after it.
        self._of_run = (array("q"), array("q", [0]), array("q"))
        self._of_word = (array("q"), array("q"), array("q"), array("q"), array("q"))
        self._columns: tuple[int, list[Ints], list[Ints]] = (-1, [], [])

    def __missing__(self, piece: str) -> int:
        run, number = analyse(piece), self.vocabulary.number
        lengths, firsts, before = self._of_run
        words, stems, starts, ends, breaks = self._of_word
        for word, stem, span, after in zip(run.words, run.stems, run.spans, run.breaks, strict=True):
            words.append(number(word))
            stems.append(number(stem))
            starts.append(span[0])
            ends.append(span[1])
            breaks.append(after)
        lengths.append(len(piece))
        before.append(run.before)
        firsts.append(len(words))
        self[piece] = len(lengths) - 1
        return len(lengths) - 1

    def columns(self) -> tuple[list[Ints], list[Ints]]:
        """Return copies of the columns of runs and of words, made anew where something was learned since."""
        if self._columns[0] != len(self):
            self._columns = (len(self), [np.array(column) for column in self._of_run], [np.array(column) for column in self._of_word])
        return self._columns[1:]


class Notes:
    """Some numbers about each of many turns, found out once.

    Parameters
    ----------
    columns : int
        Columns of 32-bit integers.
    """

    def __init__(self, columns: int) -> None:
        self._key = np.zeros(0, dtype=np.int64)  # of each turn of the memory: where its numbers are, from 1; 0 where they were not asked for
        self._lists = Ragged(*[np.int32] * columns)
        self._columns = columns
        self._lock = Lock()

    def of(self, turns: Ints, find: Callable[[Ints], tuple[Ints, ...]]) -> tuple[Ints, ...]:
        """Return how many numbers each turn has, and their columns.

        Parameters
        ----------
        turns : array
            Their numbers in the memory.
        find : callable
            Is asked for the same of turns that are new.
        """
        highest = int(turns.max(initial=-1)) + 1
        if highest > len(self._key) or not self._key[turns].all():
            with self._lock:
                if highest > len(self._key):
                    self._key = np.concatenate([self._key, np.zeros(highest, dtype=np.int64)])
                fresh = distinct(turns[self._key[turns] == 0])
                done = len(self._lists)
                self._lists.extend(*find(fresh))
                self._key[fresh] = np.arange(done, done + len(fresh)) + 1
        key = self._key[turns] - 1
        places = self._lists.places(key)
        return self._lists.counts(key), *(self._lists.take(column, places).astype(np.int64) for column in range(self._columns))


class Memory:
    """The turns read so far, by their texts, so that what was said before costs a look-up; and what others found out about each."""

    def __init__(self) -> None:
        self.runs = _Runs()
        self.numbers: dict[str, int] = {}
        self.words = Ragged(np.int32, np.int8, np.int32, np.int32)  #: word, break after it, offsets of its first and past its last character
        self.stems = Ragged(np.int32)
        self._notes: dict[Hashable, Notes] = {}
        self._characters = 0
        self._lock = Lock()

    def learn(self, texts: Sequence[str]) -> None:
        """Read the turns among these that are new."""
        with self._lock:
            fresh = [text for text in dict.fromkeys(texts) if text not in self.numbers]
            words, stems = _spelled(self.runs, fresh)
            self.words.extend(*words)
            self.stems.extend(*stems)
            self._characters += sum(map(len, fresh))
            self.numbers.update(zip(fresh, range(len(self.numbers), len(self.numbers) + len(fresh)), strict=True))

    def notes(self, of: Hashable, columns: int) -> Notes:
        """Return what somebody keeps here about turns; it is forgotten with all else."""
        notes = self._notes.get(of)
        return self._notes.setdefault(of, Notes(columns)) if notes is None else notes

    @property
    def full(self) -> bool:
        """Whether it is time to start afresh."""
        return len(self.runs) > _RUNS or max(self.words.size, self.stems.size) > _WORDS or self._characters > _CHARACTERS


class Words:
    """The words of many turns, end to end.

    Parameters
    ----------
    memory : Memory
        Knows the turns.
    number : array, shape (turns,)
        Of each turn in the memory.

    Attributes
    ----------
    memory, number
    vocabulary : Vocabulary
    words, breaks, first : array
        Number of each word, break after it; first word of each turn, and the end of the last. A word said twice in a row stands once.
    """

    def __init__(self, memory: Memory, number: Ints) -> None:
        self.memory, self.number = memory, number
        self.vocabulary = memory.runs.vocabulary
        self._places = memory.words.places(number)
        self.words = memory.words.take(0, self._places).astype(np.int64)
        self.breaks = memory.words.take(1, self._places).astype(np.int64)
        self.first = offsets(memory.words.counts(number))

    @cached_property
    def stems(self) -> Ints:
        """Words as said, nothing left out."""
        return self.memory.stems.take(0, self.memory.stems.places(self.number)).astype(np.int64)

    @cached_property
    def first_stem(self) -> Ints:
        """First of the stems of each turn, and the end of the last."""
        return offsets(self.memory.stems.counts(self.number))

    def __len__(self) -> int:
        return len(self.number)

    def tokens(self, turn: int) -> Tokens:
        """Return the words of one turn."""
        name = self.vocabulary.words
        here, stems = slice(*self.first[turn : turn + 2]), slice(*self.first_stem[turn : turn + 2])
        return Tokens([name[w] for w in self.words[here].tolist()], self.breaks[here].tolist(), [name[w] for w in self.stems[stems].tolist()])

    def characters(self, first: Ints, last: Ints) -> tuple[list[int], list[int]]:
        """Return the offsets in its turn's text at which each of some stretches of words begins and ends.

        Parameters
        ----------
        first, last : array
            First and last word of each stretch, counted over all turns.
        """
        found = self.memory.words
        return found.take(2, self._places[first]).tolist(), found.take(3, self._places[last]).tolist()


def _spelled(runs: _Runs, texts: Sequence[str]) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """Return the words of turns as `Memory` keeps them: how many a turn, then their columns; the same of the stems."""
    pieces = [text.split() for text in texts]
    sizes = np.array([*map(len, pieces)], dtype=np.int64)
    run = np.fromiter(map(runs.__getitem__, chain.from_iterable(pieces)), dtype=np.int64, count=int(sizes.sum()))
    (length, first, before), (words, stems, starts, ends, breaks) = runs.columns()
    first_run = offsets(sizes)
    counts = first[run + 1] - first[run]
    at = offsets(counts)
    known = ranges(first[run], counts)  # where each word lies in the columns of the runs
    first_stem = at[first_run]
    said, after = words[known], breaks[known]
    strength = before[run]
    marks = np.flatnonzero(strength)
    turn = np.searchsorted(first_run, marks, side="right") - 1
    inside = at[marks] > first_stem[turn]
    np.maximum.at(after, at[marks[inside]] - 1, strength[marks[inside]])
    last = np.zeros(len(said) + 1, dtype=bool)
    last[first_stem[1:] - 1] = True
    # Of a word said twice within the sentence the second stands, and covers both.
    kept = np.flatnonzero(last[: len(said)] | (said != np.append(said[1:], -1)) | (after >= SENTENCE))
    begin = np.repeat(_begin(texts, pieces, length[run], first_run), counts)
    starting = begin[np.append(-1, kept[:-1]) + 1] + starts[known[np.append(-1, kept[:-1]) + 1]] if len(kept) else kept
    word_counts = np.diff(np.searchsorted(kept, first_stem))
    return (word_counts, said[kept], after[kept], starting, begin[kept] + ends[known[kept]]), (np.diff(first_stem), stems[known])


def _begin(texts: Sequence[str], pieces: Sequence[Sequence[str]], length: Ints, first_run: Ints) -> Ints:
    """Return the offset in its text at which each run begins."""
    # Where single blanks part the runs, their lengths say where each begins.
    before = offsets(length + 1)
    turn_begins = before[first_run]
    begin = before[:-1] - np.repeat(turn_begins[:-1], np.diff(first_run))
    spaced = np.diff(turn_begins) - 1
    for turn in np.flatnonzero(spaced != np.array([*map(len, texts)], dtype=np.int64)).tolist():
        at = 0
        for run, piece in enumerate(pieces[turn], start=int(first_run[turn])):
            begin[run] = at = texts[turn].index(piece, at)
            at += len(piece)
    return begin


class Tokenizer:
    """Splits turns into normalised words, remembering each distinct turn and each distinct run of characters."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start afresh."""
        self._memory, self._process = Memory(), os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        # What was remembered may hold words of transcripts; a pickle must not.
        return (Tokenizer, ())

    def read(self, texts: Sequence[str]) -> Words:
        """Return the words of turns; fillers, cut-off words, non-speech marks and punctuation are left out."""
        if self._memory.full:
            self.forget()
            forget()
        elif self._process != os.getpid():
            # Another thread may have been learning, with the lock in its hand, when this process was forked off.
            self.forget()
        memory = self._memory
        numbers = [*map(memory.numbers.get, texts)]
        if None in numbers:
            try:
                memory.learn(texts)
            except BaseException:
                # Learned by half, it would give the words of one turn for another.
                self.forget()
                raise
            numbers = [*map(memory.numbers.get, texts)]
        return Words(memory, np.array(numbers, dtype=np.int64))

    def tokens(self, text: str) -> Tokens:
        """Return the words of one turn."""
        return self.read([text]).tokens(0)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the character offsets of each word that `tokens` returns for the same text."""
        words = self.read([text])
        every = np.arange(len(words.words))
        return list(zip(*words.characters(every, every), strict=True))
