"""What the tagger looks at in an agent turn: its words and their patterns, the cues found in it, and how it stands to what the customer just said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ownership_scorer.arrays import Ints, distinct, offsets, split
from ownership_scorer.cuebook import STATES, Cuebook
from ownership_scorer.lexicon import STOPWORDS
from ownership_scorer.matching import AGENT, CUSTOMER, Reading, ReadTurn
from ownership_scorer.ngrams import Ngrams, grams
from ownership_scorer.rubric import BEHAVIOURS
from ownership_scorer.runs import NO_BREAK, NUMBER, QUESTION
from ownership_scorer.tagger import View
from ownership_scorer.tokenizer import Words

Flags = NDArray[np.bool_]

#: Longest run of words, and of what words stand for, that is a feature.
_LONGEST_RUN: Final = 2
_LONGEST_PATTERN: Final = 4
#: A pattern has to be so many times commoner than a run of words to be a feature.
_COMMONER: Final = 2

_ACKNOWLEDGES: Final = frozenset(
    [
        "okay",
        "right",
        "yes",
        "sure",
        "mhm",
        "certainly",
        "absolutely",
        "course",
        "fine",
        "lovely",
        "great",
        "thanks",
        "thank",
        "sorry",
        "no",
        "oh",
        "perfect",
        "understood",
        "brilliant",
        "excellent",
        "good",
        "i'm",
    ]
)
_ASKS: Final = frozenset(
    [
        "what",
        "which",
        "who",
        "where",
        "when",
        "why",
        "how",
        "is",
        "are",
        "do",
        "does",
        "did",
        "can",
        "could",
        "would",
        "will",
        "have",
        "has",
        "may",
        "shall",
        "any",
    ]
)
_HEARING: Final = [BEHAVIOURS.index(b) for b in ("assure", "empathy", "take_action", "reflect")]
_YES: Final = frozenset(["yes", "correct", "right", "sure", "mhm", "exactly", "okay"])
_NO: Final = frozenset(["no", "not", "never"])
_COMMON: Final = STOPWORDS | {"s", "ll", "ve", "re", "d", "m", "t"}
_STATE: Final = {state: i for i, state in enumerate(STATES)}


def _bins(prefix: str, edges: Sequence[float]) -> list[str]:
    return [f"{prefix}<{edge:g}" for edge in edges] + [f"{prefix}>={edges[-1]:g}"]


_COUNT_EDGES: Final[dict[str, tuple[float, ...]]] = {
    "words": (1, 2, 3, 5, 8, 13, 21, 36),
    "customer_words": (1, 2, 4, 8, 15, 30),
    "shared": (1, 2, 3, 4, 6),
    "shared_pairs": (1, 2, 3, 4),
    "shared_digits": (1, 2, 4),
    "shared_earlier": (1, 2, 3, 5),
    "new": (1, 2, 3, 5, 8, 13),
    "share_of_agent": (0.01, 0.15, 0.3, 0.5, 0.75),
    "share_of_customer": (0.01, 0.15, 0.3, 0.5, 0.75),
    "agent_turn": (1, 2, 3, 5, 8, 13),
    "turns_left": (1, 2, 3, 5),
    "reply_words": (1, 2, 4, 8, 15),
}
_FLAGS: Final = (
    "acknowledges", "asks_first", "question_mark", "ends_question", "number", "starts_so", "asks_you", "first_agent_turn", "last_turn", "opens_call",
    "customer_number", "customer_asks", "after_question", "after_demand", "first_answer", "need_stated", "echo_first", "echo_last",
    "echo_and_short", "echo_and_ack", "echo_and_question", "echo_opening", "demand_unheard", "demand_after_question", "demand_heard",
    "demand_later", "demand_repeated", "demand_first", "starts_and", "ask_need", "ask_no_need", "no_customer",
    "answered_yes", "answered_no", "answered_number", "answered_question", "unanswered",
)  # fmt: skip


class Rows(NamedTuple):
    """Features of agent turns, and whose they are."""

    view: View
    call: NDArray[np.int64]  #: position of each row's call in the batch
    turn: NDArray[np.int64]  #: turn index of each row within its call


class FeatureSpace:
    """Named columns, and how a batch of read calls fills them.

    Parameters
    ----------
    cuebook : Cuebook
        Its cues are features, one each and one a behaviour, so that a cue added later still counts for its behaviour; and it says which class a word is of.
    ngrams : sequence of str
        Runs of words of the agent's turn.
    patterns : sequence of str
        Runs of what these words stand for; see `Cuebook.symbol`.
    """

    def __init__(self, cuebook: Cuebook, ngrams: Sequence[str], patterns: Sequence[str]) -> None:
        self.cuebook = cuebook
        self.ngrams = Ngrams(ngrams, str)
        self.patterns = Ngrams(patterns, cuebook.symbol)
        dense = [f"cue:{cue.id}" for cue in cuebook.cues if cue.behaviour in BEHAVIOURS]
        dense += [f"{when}:{b}" for when in ("says", "said", "said_before") for b in BEHAVIOURS]
        dense += [f"{when}:{s}" for when in ("heard", "heard_before", "then") for s in STATES]
        dense += [f"says:{b}&heard:{s}" for b in BEHAVIOURS for s in STATES]
        for name, edges in _COUNT_EDGES.items():
            dense += _bins(name, edges)
        dense += list(_FLAGS)
        self.context = tuple(dense)
        column = {name: i for i, name in enumerate(dense)}
        self._n_cues = column[f"says:{BEHAVIOURS[0]}"]
        self._cue_column = np.array([column.get(f"cue:{cue.id}", -1) for cue in cuebook.cues], dtype=np.int64)
        # Cues meant as a mere feature (any demand, any question) do not count as their behaviour.
        counted = [cue.counts for cue in cuebook.cues]
        self._behaviour = np.array([BEHAVIOURS.index(cue.behaviour) if c else -1 for cue, c in zip(cuebook.cues, counted, strict=True)], dtype=np.int64)
        self._demand = np.array([cue.behaviour == "bare_demand" for cue in cuebook.cues], dtype=bool)

    @classmethod
    def fit(cls, cuebook: Cuebook, calls: Iterable[Sequence[ReadTurn]], min_calls: int) -> FeatureSpace:
        """Choose the runs of words that at least ``min_calls`` calls hold, and the patterns that `_COMMONER` times as many do."""
        words: Counter[str] = Counter()
        patterns: Counter[str] = Counter()
        for turns in calls:
            spoken = [turn.tokens.words for turn in turns if turn.speaker == "agent"]
            words.update({gram for turn in spoken for gram in grams(turn, _LONGEST_RUN)})
            patterns.update({gram for turn in spoken for gram in grams([*map(cuebook.symbol, turn)], _LONGEST_PATTERN)})
        common = [gram for gram, n in words.items() if n >= min_calls]
        return cls(cuebook, sorted(common), sorted(gram for gram, n in patterns.items() if n >= _COMMONER * min_calls))

    def rows(self, read: Reading) -> Rows:
        """Fill the columns for every agent turn of a batch.

        Parameters
        ----------
        read : Reading
            As `matching.CueMatcher.read` returns it.

        Returns
        -------
        Rows
            Binary features; each row in the order of the calls and their turns.
        """
        agent = np.flatnonzero(read.speaker == AGENT)
        context = self._context(read, agent)
        row, column = split(np.flatnonzero(context), len(self.context))
        call = read.call[agent]
        view = View(
            _block(np.bincount(row, minlength=len(agent)), column, len(self.context)),
            self._known(self.ngrams, read.words, agent),
            self._known(self.patterns, read.words, agent),
        )
        return Rows(view, call, agent - read.first_turn[call])

    def _known(self, ngrams: Ngrams, words: Words, turns: Ints) -> csr_matrix:
        """Return which runs stand in some turns; each distinct turn is looked through once."""
        counts, columns = words.memory.notes(ngrams, 1).of(words.number[turns], lambda numbers: ngrams.columns(Words(words.memory, numbers)))
        return _block(counts, columns, len(ngrams))

    def _context(self, read: Reading, agent: Ints) -> Flags:
        """Return the columns that are not words: shape (agent turns, context features)."""
        words, hits = read.words, read.hits
        # Arrays over turns have one row more, all zero, for the turn that is not there, whose number is -1.
        n_turns = len(read.speaker) + 1
        call = read.call[agent]
        first_turn, end_turn = read.first_turn[call], read.first_turn[call + 1]
        number = np.arange(len(agent))
        first_row = np.searchsorted(agent, first_turn)
        last_row = np.where(number > first_row, number - 1, -1)
        customer = read.previous[agent]
        reply = _reply(read, agent, end_turn)

        def earlier(said: NDArray[Any]) -> Ints:
            """Return how many of the agent's turns before each show something."""
            total = _total(said)
            return total[number] - total[first_row]

        def last(said: Flags) -> Flags:
            """Return what holds of the agent's turn before each."""
            return _with_none(said)[last_row]

        says, demand = np.zeros((n_turns, len(BEHAVIOURS)), dtype=bool), np.zeros(n_turns, dtype=bool)
        counted = self._behaviour[hits.cue] >= 0
        says[hits.turn[counted], self._behaviour[hits.cue[counted]]] = True
        demanding = self._demand[hits.cue]
        demand[hits.turn[demanding]] = True
        says, demand = says[agent], demand[agent]
        states = _with_none(read.states)
        heard = states[customer]
        total_states = _total(read.states)
        heard_before = np.where((customer >= 0)[:, None], total_states[customer] > total_states[first_turn], False)
        said = last(says)

        n_words = np.append(np.diff(words.first), 0)
        starts, ends = words.first[agent], words.first[agent + 1]
        bits = np.append(words.vocabulary.codes(_word_bits)[words.words], 0)
        first = np.where(ends > starts, bits[np.minimum(starts, len(bits) - 1)], 0)
        second = np.where(ends > starts + 1, bits[np.minimum(starts + 1, len(bits) - 1)], 0)
        is_number, is_you, is_ack = (_total(bits[:-1] & bit > 0) for bit in (_BIT_NUMBER, _BIT_YOU, _BIT_ACKNOWLEDGES))
        asking = _total(words.breaks == QUESTION)
        questions, numbers = (_with_none(np.diff(total[words.first]) > 0) for total in (asking, is_number))
        question = questions[agent]
        shared = _echo(read, agent, customer)

        acknowledges = first & _BIT_ACKNOWLEDGES > 0
        asks_first = (first & _BIT_ASKS > 0) | ((second & _BIT_ASKS > 0) & acknowledges)
        asks = question | asks_first
        need = heard[:, _STATE["request"]] | heard[:, _STATE["problem"]]
        answered = earlier(need) > 0
        place = np.full(n_turns, np.iinfo(np.int64).max)
        np.minimum.at(place, hits.turn[demanding], hits.start[demanding])
        before_demand = np.where(demand, place[agent], starts)
        acknowledged = acknowledges | says[:, _HEARING].any(axis=1) | (is_ack[before_demand] > is_ack[starts])
        echo = shared.shared > 0
        counts = {
            "words": n_words[agent],
            "customer_words": n_words[customer],
            "shared": shared.shared,
            "shared_pairs": shared.pairs,
            "shared_digits": shared.digits,
            "shared_earlier": shared.earlier,
            "new": shared.new,
            "share_of_agent": shared.shared / np.maximum(shared.content, 1),
            "share_of_customer": shared.shared / np.maximum(shared.theirs, 1),
            "agent_turn": number - first_row,
            "turns_left": end_turn - 1 - agent,
            "reply_words": n_words[reply],
        }
        reply_first = np.append(words.first, 0)[reply]
        reply_bits = np.where(n_words[reply] > 0, bits[np.minimum(reply_first, len(bits) - 1)], 0)
        flags = {
            "acknowledges": acknowledges,
            "asks_first": asks_first,
            "question_mark": question,
            "ends_question": (ends > starts) & (np.append(words.breaks, NO_BREAK)[ends - 1] == QUESTION),
            "number": numbers[agent],
            "starts_so": (first | second) & _BIT_SO > 0,
            "asks_you": asks & (is_you[ends] > is_you[starts]),
            "first_agent_turn": number == first_row,
            "last_turn": agent == end_turn - 1,
            "opens_call": agent == first_turn,
            "customer_number": numbers[customer],
            "customer_asks": questions[customer],
            "after_question": last(question),
            "after_demand": last(demand),
            "first_answer": need & ~answered,
            "need_stated": answered | need,
            "echo_first": shared.first,
            "echo_last": shared.last,
            "echo_and_short": echo & (n_words[agent] <= 8),
            "echo_and_ack": echo & acknowledges,
            "echo_and_question": echo & question,
            "echo_opening": shared.opening,
            "demand_unheard": demand & need & ~acknowledged & ~echo,
            "demand_after_question": demand & heard[:, _STATE["question"]] & ~acknowledged,
            "demand_heard": demand & acknowledged,
            "demand_later": demand & answered & ~need,
            "demand_repeated": demand & (earlier(demand) > 0),
            "demand_first": demand & (earlier(demand) == 0),
            "starts_and": (first & _BIT_AND > 0) | (acknowledges & (second & _BIT_AND > 0)),
            "ask_need": asks & need,
            "ask_no_need": asks & ~need,
            "no_customer": customer < 0,
            "answered_yes": reply_bits & _BIT_YES > 0,
            "answered_no": reply_bits & _BIT_NO > 0,
            "answered_number": is_number[reply_first + np.minimum(n_words[reply], 6)] > is_number[reply_first],
            "answered_question": questions[reply] | states[reply, _STATE["question"]],
            "unanswered": reply < 0,
        }
        out = np.zeros((len(agent), len(self.context)), dtype=bool)
        row = np.searchsorted(agent, hits.turn)
        out[row, self._cue_column[hits.cue]] = True
        column = self._n_cues
        pairs = (says[:, :, None] & heard[:, None, :]).reshape(len(agent), len(BEHAVIOURS) * len(STATES))
        for block in (says, said, earlier(says) > said, heard, heard_before, states[reply], pairs):
            out[:, column : column + block.shape[1]] = block
            column += block.shape[1]
        for name, edges in _COUNT_EDGES.items():
            out[number, column + np.searchsorted(edges, counts[name], side="right")] = True
            column += len(edges) + 1
        for name in _FLAGS:
            out[:, column] = flags[name]
            column += 1
        return out


NUMBERISH: Final = frozenset(
    [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
        "double",
        "triple",
        "treble",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]
)

_BIT_ACKNOWLEDGES, _BIT_ASKS, _BIT_SO, _BIT_AND, _BIT_YES, _BIT_NO, _BIT_NUMBER, _BIT_YOU = (1 << i for i in range(8))
_WORD_SETS: Final = (_ACKNOWLEDGES, _ASKS, frozenset({"so"}), frozenset({"and"}), _YES, _NO, frozenset({NUMBER}), frozenset({"you"}))
_BIT_COMMON, _BIT_NUMBERISH = 1, 2
#: More than there are words in a memory.
_MANY: Final = 1 << 31


def _word_bits(word: str) -> int:
    return sum(1 << i for i, words in enumerate(_WORD_SETS) if word in words)


def _stem_bits(stem: str) -> int:
    numberish = stem in NUMBERISH or stem[:1].isdigit() or stem[:1] == "["
    return _BIT_COMMON * (stem in _COMMON) + _BIT_NUMBERISH * numberish


class _Echo(NamedTuple):
    """What an agent's turn takes up of what the customer said; all of shape (agent turns,)."""

    content: Ints  #: words that say something
    theirs: Ints  #: the same, in the customer's turn before
    shared: Ints
    digits: Ints  #: those shared that are numbers
    earlier: Ints  #: words of an earlier turn of the customer's
    new: Ints  #: words that the customer never said
    pairs: Ints  #: shared pairs of neighbouring words of which at least one says something
    first: Flags  #: the turn's first word that says something is shared
    last: Flags  #: the last word is shared
    opening: Flags  #: one of the first four words is shared


def _content(words: Words) -> Flags:
    """Tell which words, as said, say something."""
    content: Flags = words.vocabulary.codes(_stem_bits)[words.stems] & _BIT_COMMON == 0
    return content


def _saying(words: Words) -> tuple[Ints, Ints]:
    """Return the distinct words of each turn that say something: how many, then each, ascending."""
    turn = np.repeat(np.arange(len(words)), np.diff(words.first_stem))
    place = np.flatnonzero(_content(words))
    owner, stem = split(distinct(turn[place] * _MANY + words.stems[place]), _MANY)
    return np.bincount(owner, minlength=len(words)), stem


def _neighbours(words: Words) -> tuple[Ints, Ints, Ints]:
    """Return the distinct pairs of neighbouring words of each turn of which at least one says something: how many, then first and second of each."""
    turn = np.repeat(np.arange(len(words)), np.diff(words.first_stem))
    content = _content(words)
    both = np.flatnonzero((turn[1:] == turn[:-1]) & (content[1:] | content[:-1]))
    # By turn, then by pair: both do not fit into one integer.
    pair = words.stems[both] * _MANY + words.stems[both + 1]
    by = np.lexsort((pair, turn[both]))
    owner, pair = turn[both][by], pair[by]
    new = np.append(True, (owner[1:] != owner[:-1]) | (pair[1:] != pair[:-1]))[: len(pair)]
    return np.bincount(owner[new], minlength=len(words)), *split(pair[new], _MANY)


def _echo(read: Reading, agent: Ints, customer: Ints) -> _Echo:
    words, previous, n_turns = read.words, read.previous, len(read.speaker) + 1
    memory, n = words.memory, len(words.vocabulary.words) + 1
    kind = words.vocabulary.codes(_stem_bits)
    counts, what = memory.notes(_saying, 1).of(words.number, lambda numbers: _saying(Words(memory, numbers)))
    owner = np.repeat(np.arange(len(words)), counts)
    keys = owner * n + what
    own = read.speaker[owner] == AGENT
    mine, said = owner[own], what[own]
    shared = _in(previous[mine] * n + said, keys)
    # The first turn in which a customer used each word in a call.
    uses, since = split(np.sort((read.call[owner[~own]] * n + what[~own]) * n_turns + owner[~own]), n_turns)
    new = np.flatnonzero(np.diff(uses, prepend=-1))
    heard, since = np.append(uses[new], -1), np.append(since[new], 0)
    ask = read.call[mine] * n + said
    i = np.searchsorted(heard[:-1], ask)
    earlier = (heard[i] == ask) & (since[i] < previous[mine])

    # Only where a word is shared can a pair be.
    takers = distinct(mine[shared])
    numbers = words.number[np.concatenate([previous[takers], takers])]
    counts, left, right = memory.notes(_neighbours, 2).of(numbers, lambda numbers: _neighbours(Words(memory, numbers)))
    place = np.repeat(np.tile(np.arange(len(takers)), 2), counts)
    pairs = (place * n + left) * n + right
    heard_pairs = int(counts[: len(takers)].sum())
    shared_pair = place[heard_pairs:][_in(pairs[heard_pairs:], pairs[:heard_pairs])]

    def count(turns: Ints) -> Ints:
        return np.bincount(turns, minlength=n_turns)

    begin, end = words.first_stem[agent], words.first_stem[agent + 1]
    padded = np.append(words.stems, [n - 1] * 4)  # a word that nobody says
    place = np.flatnonzero(_content(words))

    def echoed(at: Ints) -> Flags:
        return _in(customer * n + np.where(at < end, padded[at], n - 1), keys)

    first = np.append(place, len(words.stems))[np.searchsorted(place, begin)]
    return _Echo(
        content=count(owner)[agent],
        theirs=count(owner)[customer],
        shared=count(mine[shared])[agent],
        digits=count(mine[shared & (kind[said] & _BIT_NUMBERISH > 0)])[agent],
        earlier=count(mine[earlier & ~shared])[agent],
        new=count(mine[~earlier & ~shared])[agent],
        pairs=count(takers[shared_pair])[agent],
        first=echoed(first),
        last=(end > begin) & echoed(end - 1),
        opening=echoed(begin) | echoed(begin + 1) | echoed(begin + 2) | echoed(begin + 3),
    )


def _reply(read: Reading, agent: Ints, end: Ints) -> Ints:
    """Return the customer's turn among the two turns after each, or -1."""
    customer = np.append(read.speaker == CUSTOMER, [False, False])
    first, second = ((agent + i < end) & customer[agent + i] for i in (1, 2))
    return np.where(first, agent + 1, np.where(second, agent + 2, -1))


def _in(asked: Ints, keys: Ints) -> Flags:
    """Tell which of some numbers stand among others, which are ascending."""
    if not len(keys):
        return np.zeros(len(asked), dtype=bool)
    found: Flags = keys[np.minimum(np.searchsorted(keys, asked), len(keys) - 1)] == asked
    return found


def _total(values: NDArray[Any]) -> Ints:
    """Return the sums of all rows before each, and before the end."""
    out = np.zeros((len(values) + 1, *values.shape[1:]), dtype=np.int64)
    np.cumsum(values, axis=0, out=out[1:])
    return out


def _with_none(values: Flags) -> Flags:
    """Append a row for the turn that is not there."""
    return np.concatenate([values, np.zeros((1, *values.shape[1:]), dtype=bool)])


def _block(counts: Ints, columns: Ints, width: int) -> csr_matrix:
    """Return a matrix of ones where rows have so many columns each."""
    ones = np.ones(len(columns), dtype=np.float32)
    return csr_matrix((ones, columns.astype(np.int32), offsets(counts).astype(np.int32)), shape=(len(counts), width))
