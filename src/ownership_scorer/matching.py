"""Finds the cues in whole batches of calls at once: phrases by a trie over numbered words, then the context of each finding, all as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ownership_scorer.arrays import Ints, offsets, order, ranges
from ownership_scorer.cuebook import GAP, STATES, Cuebook
from ownership_scorer.lexicon import STOPWORDS
from ownership_scorer.rubric import BEHAVIOURS
from ownership_scorer.runs import COMMA, NUMBER, SENTENCE
from ownership_scorer.tokenizer import Tokenizer, Tokens, Words
from ownership_scorer.transcript import Transcript

AGENT, CUSTOMER, OTHER = range(3)

_SIDE: Final = {"agent": AGENT, "customer": CUSTOMER}
#: Words that begin a new clause where speech has no comma.
_CLAUSE: Final = frozenset({"but", "because", "so", "however", "although", "though"})
#: How far before a finding a word may stand that takes it back.
_REACH: Final = 7
#: Farther than any turn is long.
_ANYWHERE: Final = 1 << 40
#: Words that do not count as the start or end of a turn.
_PREAMBLE: Final = frozenset(
    [
        "okay",
        "right",
        "yes",
        "oh",
        "so",
        "well",
        "now",
        "and",
        "mhm",
        "sure",
        "thanks",
        "thank",
        "you",
        "no",
        "great",
        "perfect",
        "lovely",
        "hi",
        "please",
        "sir",
        "madam",
        "then",
    ]
)
#: Rough shares of a common and of any other word in speech.
_COMMON: Final = 0.02
_RARE: Final = 0.0005

#: Room for a sieve of parts and turns.
_SIEVE: Final = 1 << 26

_Part = tuple[str, ...]


class Hit(NamedTuple):
    """A cue found in a turn."""

    cue: int  #: position in ``Cuebook.cues``
    start: int  #: first word
    end: int  #: one past the last word


class ReadTurn(NamedTuple):
    """A turn, read: its words, the cues found (agent), and what is heard in it (customer)."""

    speaker: str
    tokens: Tokens
    hits: list[Hit]
    states: frozenset[str]


class Hits(NamedTuple):
    """Cues found in many turns: the longest finding of each cue in each turn, by turn."""

    turn: Ints
    cue: Ints
    start: Ints  #: first word, counted over all turns
    end: Ints  #: one past the last word


class Reading(Sequence[list[ReadTurn]]):
    """Calls, read, as arrays over all their turns; as a sequence, each call's turns in a form for people.

    Attributes
    ----------
    words : Words
    texts : sequence of str
        Of all turns.
    speaker : array, shape (turns,)
        `AGENT`, `CUSTOMER` or `OTHER`.
    first_turn : array, shape (calls + 1,)
        First turn of each call, and the end of the last.
    call : array, shape (turns,)
    previous : array, shape (turns,)
        The last turn before in the call that is not the agent's, or -1.
    states : array, shape (turns, states)
        What is heard in a customer's turn.
    hits : Hits
        What is found in agents' turns.
    """

    def __init__(self, calls: Sequence[Transcript], texts: Sequence[str], words: Words) -> None:
        self.words = words
        self.texts = texts
        self._speakers = [turn.speaker for call in calls for turn in call.turns]
        self.speaker = np.array([_SIDE.get(speaker, OTHER) for speaker in self._speakers], dtype=np.int64)
        self.first_turn = offsets(np.array([len(call.turns) for call in calls], dtype=np.int64))
        self.call = np.repeat(np.arange(len(calls)), np.diff(self.first_turn))
        number = np.arange(len(self.speaker))
        others = np.maximum.accumulate(np.where(self.speaker == AGENT, -1, number)) if len(number) else number
        before = np.concatenate([[-1], others])[: len(number)]
        self.previous = np.where(before >= self.first_turn[self.call], before, -1)
        self.states = np.zeros((len(self.speaker), len(STATES)), dtype=bool)
        self.hits = Hits(*(np.zeros(0, dtype=np.int64) for _ in Hits._fields))

    def __len__(self) -> int:
        return len(self.first_turn) - 1

    @overload
    def __getitem__(self, index: int) -> list[ReadTurn]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[ReadTurn]]: ...
    def __getitem__(self, index: int | slice) -> list[ReadTurn] | list[list[ReadTurn]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        call = range(len(self))[index]
        return [self._turn(turn) for turn in range(*self.first_turn[call : call + 2].tolist())]

    def _turn(self, turn: int) -> ReadTurn:
        first = self.words.first[turn]
        here = slice(*np.searchsorted(self.hits.turn, [turn, turn + 1]).tolist())
        found = zip(self.hits.cue[here].tolist(), (self.hits.start[here] - first).tolist(), (self.hits.end[here] - first).tolist(), strict=True)
        states = frozenset(state for state, heard in zip(STATES, self.states[turn].tolist(), strict=True) if heard)
        return ReadTurn(self._speakers[turn], self.words.tokens(turn), [Hit(*hit) for hit in found], states)


class _Stream(NamedTuple):
    """The words of one side's turns, end to end, and how they hang together."""

    words: Ints  #: numbered by the matcher; 0 is any word that no cue knows
    turn: Ints  #: turn of each word
    first: Ints  #: first word of each word's turn
    end: Ints  #: one past the last word of each word's turn
    sentence: Ints  #: grows from one sentence or turn to the next
    clause: Ints  #: grows at commas, too
    conjunctions: Ints  #: how many words of `_CLAUSE` stand before; one longer than the words
    first_content: Ints  #: in each word's turn, the first and last word that is no preamble
    last_content: Ints


class _Trie:
    """Finds every occurrence of any of many phrases.

    Parameters
    ----------
    words : array
        The phrases' words, end to end; numbers from 1.
    first : array
        First word of each phrase, and the end of the last.
    """

    def __init__(self, words: Ints, first: Ints) -> None:
        size = np.diff(first)
        self._base = int(words.max(initial=0)) + 1
        self._keys: list[Ints] = []  # of each length: what leads to a node, ascending: the node before and the word
        self._number: list[int] = []  # of each length: its first node
        self.node_of = np.zeros(len(size), dtype=np.int64)  # where each phrase ends
        node = np.zeros(len(size), dtype=np.int64)
        self.nodes = 0
        self._leads_on: list[NDArray[np.bool_]] = []  # of each length: whether a node has others below
        for n in range(int(size.max(initial=0))):
            long = np.flatnonzero(size > n)
            keys, node[long] = np.unique(node[long] * self._base + words[first[long] + n], return_inverse=True)
            self._keys.append(keys)
            self._leads_on.append(np.zeros(len(keys), dtype=bool))
            if n:
                self._leads_on[n - 1][keys // self._base] = True
            self._number.append(self.nodes)
            ending = size == n + 1
            self.node_of[ending] = self.nodes + node[ending]
            self.nodes += len(keys)

        self._begins = np.full(self._base, -1, dtype=np.int64)  # the first node of each word
        if self._keys:
            self._begins[self._keys[0]] = np.arange(len(self._keys[0]))

    def find(self, words: Ints, sentence: Ints) -> tuple[Ints, Ints, Ints]:
        """Return every run of words within a sentence that leads to a node: node, first word, one past the last; by first word, the shorter first."""
        at, node = np.flatnonzero(words), np.zeros(np.count_nonzero(words), dtype=np.int64)
        found: list[tuple[Ints, Ints, Ints]] = []
        sentence = np.append(sentence, [-1] * len(self._keys))
        words = np.append(words, [0] * len(self._keys))
        for n, (keys, number) in enumerate(zip(self._keys, self._number, strict=True)):
            if n:
                on = self._leads_on[n - 1][node] & (sentence[at + n] == sentence[at]) & (words[at + n] > 0)
                at, node = at[on], node[on]
            key = node * self._base + words[at + n]
            if not n:
                # Most words begin some phrase: a table is faster than a search.
                node = self._begins[key]
                at, node = at[node >= 0], node[node >= 0]
                found.append((node, at, at + 1))
                continue
            node = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            known = keys[node] == key
            at, node = at[known], node[known]
            found.append((node + number, at, at + n + 1))
        nodes, starts, ends = (np.concatenate([part[i] for part in found]) if found else np.zeros(0, dtype=np.int64) for i in range(3))
        by_start = order(starts)
        return nodes[by_start], starts[by_start], ends[by_start]


class _Lists(NamedTuple):
    """Some numbers for each of many nodes, end to end."""

    first: Ints
    values: Ints

    @classmethod
    def of(cls, size: int, keys: Ints, values: Ints) -> _Lists:
        return cls(offsets(np.bincount(keys, minlength=size)), values[np.lexsort((values, keys))])

    def only(self, wanted: NDArray[np.bool_]) -> _Lists:
        """Return the lists without the values that are not wanted."""
        kept = np.append(wanted, False)[np.minimum(self.values, len(wanted))]
        return _Lists(offsets(kept)[self.first], self.values[kept])

    def at(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return the lists of some nodes, and which of the given nodes each value belongs to."""
        starts, counts = self.first[keys], self.first[keys + 1] - self.first[keys]
        some = np.flatnonzero(counts)
        starts, counts = starts[some], counts[some]
        return self.values[ranges(starts, counts)], np.repeat(some, counts)


class _Places(NamedTuple):
    """What a trie found in a stream: nodes, by first word."""

    text: _Stream
    node: Ints
    start: Ints
    end: Ints

    def of(self, parts: _Lists, asked: Ints, word: Ints, onward: bool) -> _Near:
        """Return where those parts stand that are asked for.

        Parameters
        ----------
        parts : _Lists
            Of each node.
        asked : array, shape (questions, any)
            Parts; -1 is none.
        word : array, shape (questions,)
            A word of the turn in which they are asked for.
        onward : bool
            Whether they are asked for after a place, or before.
        """
        row, column = np.nonzero(asked >= 0)
        part, turn = asked[row, column], self.text.turn[word[row]]
        wanted = np.zeros(int(asked.max(initial=0)) + 2, dtype=bool)
        wanted[part] = True
        # A sieve: parts pass in the turns where they are asked for, and, in batches of a million turns, some others.
        n_turns = int(self.text.turn[-1]) + 1 if len(self.text.turn) else 1
        line = (np.cumsum(wanted) - 1) * n_turns
        sieve = np.zeros(min(_SIEVE, 1 << int(wanted.sum() * n_turns).bit_length()), dtype=bool)
        sieve[(line[part] + turn) & (len(sieve) - 1)] = True
        part, which = parts.only(wanted).at(self.node)
        kept = np.flatnonzero(sieve[(line[part] + self.text.turn[self.start][which]) & (len(sieve) - 1)])
        part, which = part[kept], which[kept]
        start, end = self.start[which], self.end[which]
        if onward:
            return _Near(self.text, part, start, end)
        by_end = order(end)
        return _Near(self.text, part[by_end], end[by_end], start[by_end])


class _Near:
    """Where each of some parts stands, to find the one nearest to a place.

    Parameters
    ----------
    text : _Stream
    part, near, far : array
        Occurrences of parts, with the end that is asked for, ascending, and the other.
    """

    def __init__(self, text: _Stream, part: Ints, near: Ints, far: Ints) -> None:
        by_part = order(part)
        self._text = text
        self._size = len(text.words) + 1
        self._key = np.append(part[by_part] * self._size + near[by_part], -1)
        self._near, self._far = np.append(near[by_part], 0), np.append(far[by_part], 0)

    def after(self, part: Ints, end: Ints, reach: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Return where the nearest occurrence ends that begins at most ``reach`` words after ``end`` in the same sentence, and whether there is one."""
        i = np.searchsorted(self._key[:-1], part * self._size + end)
        near, sentence = self._near[i], self._text.sentence
        return self._far[i], (self._key[i] // self._size == part) & (near - end <= reach) & (sentence[near] == sentence[end - 1])

    def before(self, part: Ints, start: Ints, reach: int, strict: bool = False) -> tuple[Ints, NDArray[np.bool_]]:
        """Return where the nearest occurrence begins that ends at most ``reach`` words before ``start``; strictly, in the same clause."""
        i = np.searchsorted(self._key[:-1], part * self._size + start, side="right") - 1
        near, unit = self._near[i], self._text.clause if strict else self._text.sentence
        there = (self._key[i] // self._size == part) & (start - near <= reach) & (unit[near - 1] == unit[start])
        if strict:
            there &= self._text.conjunctions[near] == self._text.conjunctions[start]
        return self._far[i], there


class _Search:
    """The templates of one side's cues, each looked for by its rarest part; the other parts and the context are checked where that is found.

    Which part that is decides what is found where parts stand more than once: another choice would be another matcher.

    Parameters
    ----------
    cuebook : Cuebook
    wanted : sequence of int
        Positions of the cues looked for.
    tokenizer : Tokenizer
    """

    def __init__(self, cuebook: Cuebook, wanted: Sequence[int], tokenizer: Tokenizer) -> None:
        cues = [cuebook.cues[i] for i in wanted]
        templates = [(i, cuebook.expand(template)) for i, cue in zip(wanted, cues, strict=True) for template in cue.phrases]
        unless = [_flat(cue.unless, cuebook) for cue in cues]
        later = [_flat(cue.unless_later, cuebook) for cue in cues]
        number: dict[_Part, int] = {}
        for part in (*(part for _, parts in templates for part in parts), *unless, *later):
            if part:
                number.setdefault(part, len(number))
        words = tokenizer.read([phrase for part in number for phrase in part])
        part_of = np.repeat(np.arange(len(number)), [len(part) for part in number])[np.diff(words.first) > 0]
        known, spelled = np.unique(words.words, return_inverse=True)
        self._number = {words.vocabulary.words[w]: i for i, w in enumerate(known.tolist(), start=1)}
        self._trie = _Trie(spelled + 1, np.unique(words.first))
        common = np.array([word in STOPWORDS or word == NUMBER for word in self._number], dtype=bool)
        share = np.multiply.reduceat(np.where(common, _COMMON, _RARE)[spelled], np.unique(words.first)[:-1]) if len(spelled) else np.zeros(0)
        # A part said twice by the same template, for instance in two spellings of one word, counts once.
        once = np.unique(np.stack([part_of, self._trie.node_of]), axis=1, return_index=True)[1] if len(part_of) else part_of
        commonness = np.bincount(part_of[once], share[once], len(number))
        ways = [[number[part] for part in parts] for _, parts in templates]
        anchor = [min(range(len(way)), key=lambda i, way=way: commonness[way[i]]) for way in ways]  # type: ignore[misc]
        self._cue = np.array([i for i, _ in templates], dtype=np.int64)
        self._right = _padded([way[a + 1 :] for way, a in zip(ways, anchor, strict=True)])
        self._left = _padded([way[:a][::-1] for way, a in zip(ways, anchor, strict=True)])
        self._unless = _by_cue(len(cuebook.cues), wanted, [number.get(part, -1) for part in unless])
        self._later = _by_cue(len(cuebook.cues), wanted, [number.get(part, -1) for part in later])
        nodes, n = self._trie.node_of[once], self._trie.nodes
        found_by = np.array([way[a] for way, a in zip(ways, anchor, strict=True)], dtype=np.int64)
        anchors, owner = _Lists.of(len(number), found_by, np.arange(len(ways))).at(part_of[once])
        self._anchors = _Lists.of(n, nodes[owner], anchors)
        after, before = (np.isin(part_of[once], np.concatenate(ask)) for ask in ((self._right.ravel(), self._later), (self._left.ravel(), self._unless)))
        self._after = _Lists.of(n, nodes[after], part_of[once][after])
        self._before = _Lists.of(n, nodes[before], part_of[once][before])
        self._max_words = np.array([_ANYWHERE if cue.max_words is None else cue.max_words for cue in cuebook.cues], dtype=np.int64)
        self._heard = np.array([_bits(cue.customer) or -1 for cue in cuebook.cues], dtype=np.int64)
        self._not_heard = np.array([_bits(cue.customer_not) for cue in cuebook.cues], dtype=np.int64)
        self._at_start = np.array([cue.at in ("start", "whole") for cue in cuebook.cues], dtype=bool)
        self._at_end = np.array([cue.at in ("end", "whole") for cue in cuebook.cues], dtype=bool)
        # Where the anchor is the template's first or last part, its place is known before the other parts are looked for.
        self._first_at_start = self._at_start[self._cue] & np.array([a == 0 for a in anchor], dtype=bool)
        self._last_at_end = self._at_end[self._cue] & np.array([a == len(way) - 1 for way, a in zip(ways, anchor, strict=True)], dtype=bool)

    def _code(self, word: str) -> int:
        return self._number.get(word, 0)

    def find(self, words: Words, turns: Ints, heard: Ints) -> Hits:
        """Find the cues in some of the turns.

        Parameters
        ----------
        words : Words
        turns : array
            Ascending.
        heard : array, shape (all turns,)
            Bits of the states that the customer's turn before has.
        """

        def find(numbers: Ints) -> tuple[Ints, ...]:
            hits = self._find(Words(words.memory, numbers))
            return np.bincount(hits.turn, minlength=len(numbers)), hits.cue, hits.start, hits.end

        counts, cue, start, end = words.memory.notes(self, 3).of(words.number[turns], find)
        turn = np.repeat(turns, counts)
        bits = heard[turn]
        fit = np.flatnonzero(((self._heard[cue] < 0) | (self._heard[cue] & bits != 0)) & (self._not_heard[cue] & bits == 0))
        turn = turn[fit]
        return Hits(turn, cue[fit], words.first[turn] + start[fit], words.first[turn] + end[fit])

    def _find(self, words: Words) -> Hits:
        """Find the cues in turns, whatever was heard before them; first and last words are counted from each turn's start."""
        text = _stream(words, words.vocabulary.codes(self._code)[words.words])
        node, start, end = self._trie.find(text.words, text.sentence)
        template, i = self._anchors.at(node)
        cue = self._cue[template]
        fit = (text.end - text.first)[start[i]] <= self._max_words[cue]
        fit &= ~self._first_at_start[template] | (text.first_content[start[i]] >= start[i])
        fit &= ~self._last_at_end[template] | (text.last_content[start[i]] < end[i])
        rank = np.flatnonzero(fit)
        template, first, last = template[rank], start[i[rank]], end[i[rank]]
        places = _Places(text, node, start, end)
        for columns, lists, onward in ((self._right, self._after, True), (self._left, self._before, False)):
            if not columns.shape[1]:
                continue
            near = places.of(lists, columns[template], first, onward)
            for column in columns.T:
                part = column[template]
                ask = np.flatnonzero(part >= 0)
                if onward:
                    last[ask], there = near.after(part[ask], last[ask], GAP)
                else:
                    first[ask], there = near.before(part[ask], first[ask], GAP)
                kept = np.ones(len(part), dtype=bool)
                kept[ask] = there
                rank, template, first, last = rank[kept], template[kept], first[kept], last[kept]
        cue = self._cue[template]
        kept = (~self._at_start[cue] | (text.first_content[first] >= first)) & (~self._at_end[cue] | (text.last_content[first] < last))
        rank, cue, first, last = rank[kept], cue[kept], first[kept], last[kept]
        for parts, lists, onward in ((self._unless, self._before, False), (self._later, self._after, True)):
            ask = np.flatnonzero(parts[cue] >= 0)
            part = parts[cue[ask]]
            near = places.of(lists, part[:, None], first[ask], onward)
            _, there = near.after(part, last[ask], _ANYWHERE) if onward else near.before(part, first[ask], _REACH, strict=True)
            kept = np.ones(len(cue), dtype=bool)
            kept[ask] = ~there
            rank, cue, first, last = rank[kept], cue[kept], first[kept], last[kept]
        # The longest finding of each cue in each turn, in the order in which the cues were first found there.
        turn = text.turn[first]
        group = turn * len(self._at_start) + cue
        by_group = np.lexsort((rank, first - last, group))
        heads = np.flatnonzero(np.diff(group[by_group], prepend=-1))
        seen = np.minimum.reduceat(rank[by_group], heads) if len(heads) else rank
        best = by_group[heads][np.argsort(seen)]
        return Hits(turn[best], cue[best], (first - text.first[first])[best], (last - text.first[first])[best])


class CueMatcher:
    """Matches a cue book against calls.

    Parameters
    ----------
    cuebook : Cuebook
        The rules.
    """

    def __init__(self, cuebook: Cuebook) -> None:
        self.cuebook = cuebook
        self.tokenizer = Tokenizer()
        states = [cue.behaviour in STATES for cue in cuebook.cues]
        self._agent = _Search(cuebook, [i for i, state in enumerate(states) if not state], self.tokenizer)
        self._customer = _Search(cuebook, [i for i, state in enumerate(states) if state], self.tokenizer)
        self._state = np.array([STATES.index(cue.behaviour) if state else -1 for cue, state in zip(cuebook.cues, states, strict=True)], dtype=np.int64)

        self._behaviour = np.array([BEHAVIOURS.index(cue.behaviour) if cue.counts else -1 for cue in cuebook.cues], dtype=np.int64)

    def __reduce__(self) -> tuple[Any, ...]:
        return (CueMatcher, (self.cuebook,))

    def read(self, calls: Sequence[Transcript]) -> Reading:
        """Tokenise and match the turns of a batch of calls.

        Parameters
        ----------
        calls : sequence of Transcript
            Matched together, in one pass.

        Returns
        -------
        Reading
            As ``calls`` and their ``turns``.
        """
        texts = [turn.text for call in calls for turn in call.turns]
        words = self.tokenizer.read(texts)
        read = Reading(calls, texts, words)
        nothing = np.zeros(len(words) + 1, dtype=np.int64)
        heard = self._customer.find(words, np.flatnonzero(read.speaker == CUSTOMER), nothing)
        read.states[heard.turn, self._state[heard.cue]] = True
        bits = np.append(read.states @ (1 << np.arange(len(STATES))), 0)
        read.hits = self._agent.find(words, np.flatnonzero(read.speaker == AGENT), bits[read.previous])
        return read

    def best(self, read: Reading, turn: Ints, behaviour: Ints) -> Ints:
        """Return the longest hit, or the first of the longest, that speaks for a behaviour in a turn: positions in ``read.hits``, or -1.

        Parameters
        ----------
        read : Reading
        turn, behaviour : array
            Turns, and positions in `rubric.BEHAVIOURS`.
        """
        hits = read.hits
        counted = np.flatnonzero(self._behaviour[hits.cue] >= 0)
        start, of = hits.start[counted], hits.turn[counted] * len(BEHAVIOURS) + self._behaviour[hits.cue[counted]]
        by_length = np.lexsort((start, start - hits.end[counted], of))
        of, by_length = of[by_length], counted[by_length]
        asked = turn * len(BEHAVIOURS) + behaviour
        i = np.searchsorted(of, asked)
        found = np.append(of, -1)[i] == asked
        return np.where(found, np.append(by_length, -1)[i], -1)


def _stream(words: Words, codes: Ints) -> _Stream:
    size = np.diff(words.first)
    turn = np.repeat(np.arange(len(size)), size)
    first, end = words.first[:-1], words.first[1:]
    last = np.zeros(len(turn), dtype=bool)
    last[end[size > 0] - 1] = True
    sentence, clause = (offsets(last | (words.breaks >= strength))[:-1] for strength in (SENTENCE, COMMA))
    content = np.flatnonzero(words.vocabulary.codes(_preamble)[words.words] == 0)
    first_content = np.append(content, len(turn))[np.searchsorted(content, first)]
    last_content = np.append(content, -1)[np.searchsorted(content, end) - 1]
    conjunctions = offsets(words.vocabulary.codes(_conjunction)[words.words])
    return _Stream(codes, turn, first[turn], end[turn], sentence, clause, conjunctions, first_content[turn], last_content[turn])


def _preamble(word: str) -> int:
    return word in _PREAMBLE


def _conjunction(word: str) -> int:
    return word in _CLAUSE


def _flat(templates: Iterable[str], cuebook: Cuebook) -> _Part:
    return tuple(plain for template in templates for part in cuebook.expand(template) for plain in part)


def _padded(rows: Sequence[Sequence[int]]) -> Ints:
    out = np.full((len(rows), max(map(len, rows), default=0)), -1, dtype=np.int64)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out


def _by_cue(size: int, wanted: Sequence[int], values: Sequence[int]) -> Ints:
    out = np.full(size, -1, dtype=np.int64)
    out[list(wanted)] = values
    return out


def _bits(states: Iterable[str]) -> int:
    return reduce(or_, (1 << STATES.index(state) for state in states), 0)
