"""What the tagger looks at in an agent turn: its words, the cues found in it, and how it stands to what the customer just said."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ownership_scorer.cuebook import STATES, Cuebook
from ownership_scorer.lexicon import STOPWORDS
from ownership_scorer.matching import ReadTurn
from ownership_scorer.rubric import BEHAVIOURS
from ownership_scorer.tokenizer import NUMBER, QUESTION

#: Longest run of words that is a feature.
LONGEST_RUN: Final = 2
#: Stands before the first and after the last word of a turn.
EDGE: Final = "^"

_ACKNOWLEDGES: Final = frozenset(
    "okay right yes sure mhm certainly absolutely course fine lovely great thanks thank sorry no oh perfect understood brilliant excellent good i'm".split()
)
_ASKS: Final = frozenset("what which who where when why how is are do does did can could would will have has may shall any".split())
_HEARING: Final = frozenset({"assure", "empathy", "take_action", "reflect"})
_YES: Final = frozenset("yes correct right sure mhm exactly okay".split())
_NO: Final = frozenset("no not never".split())
_COMMON: Final = STOPWORDS | {"s", "ll", "ve", "re", "d", "m", "t"}


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
    "echo_and_short", "echo_and_ack", "echo_and_question", "echo_opening", "demand_unheard", "demand_after_question", "demand_heard", "demand_later", "demand_repeated", "demand_first", "starts_and", "ask_need", "ask_no_need", "no_customer",
    "answered_yes", "answered_no", "answered_number", "answered_question", "unanswered",
)  # fmt: skip


class Rows(NamedTuple):
    """Features of agent turns."""

    matrix: csr_matrix  #: shape (agent turns, features), float32
    call: NDArray[np.int64]  #: position of each row's call in the batch
    turn: NDArray[np.int64]  #: turn index of each row within its call


class FeatureSpace:
    """Named columns, and how a batch of read calls fills them.

    Parameters
    ----------
    cuebook : Cuebook
        Its cues are features, one each and one a behaviour, so that a cue added later still counts for its behaviour.
    ngrams : sequence of str
        Runs of words of the agent's turn; `EDGE` stands for the turn's start and end.
    """

    def __init__(self, cuebook: Cuebook, ngrams: Sequence[str]) -> None:
        self.cuebook = cuebook
        self.ngrams = tuple(ngrams)
        dense = [f"cue:{cue.id}" for cue in cuebook.cues if cue.behaviour in BEHAVIOURS]
        dense += [f"{when}:{b}" for when in ("says", "said", "said_before") for b in BEHAVIOURS]
        dense += [f"{when}:{s}" for when in ("heard", "heard_before", "then") for s in STATES]
        dense += [f"says:{b}&heard:{s}" for b in BEHAVIOURS for s in STATES]
        for name, edges in _COUNT_EDGES.items():
            dense += _bins(name, edges)
        dense += list(_FLAGS)
        self.dense = tuple(dense)
        self.names = (*dense, *(f"w:{n}" for n in self.ngrams))
        column = {name: i for i, name in enumerate(dense)}
        self._cue_column = [column.get(f"cue:{cue.id}", -1) for cue in cuebook.cues]
        self._of_behaviour = {(when, b): column[f"{when}:{b}"] for when in ("says", "said", "said_before") for b in BEHAVIOURS}
        self._of_state = {(when, s): column[f"{when}:{s}"] for when in ("heard", "heard_before", "then") for s in STATES}
        self._of_pair = {(b, s): column[f"says:{b}&heard:{s}"] for b in BEHAVIOURS for s in STATES}
        self._of_flag = {name: column[name] for name in _FLAGS}
        self._of_bin = {name: (column[f"{name}<{edges[0]:g}"], edges) for name, edges in _COUNT_EDGES.items()}
        # Cues meant as a mere feature (any demand, any question) do not count as their behaviour.
        self._behaviour = [None if ".any_" in cue.id else cue.behaviour for cue in cuebook.cues]
        self._demand = {i for i, cue in enumerate(cuebook.cues) if cue.behaviour == "bare_demand"}
        self._ngram_column = {name: len(dense) + i for i, name in enumerate(self.ngrams)}
        self._table = _table(self.ngrams, len(dense))

    @classmethod
    def fit(cls, cuebook: Cuebook, calls: Iterable[Sequence[ReadTurn]], min_calls: int) -> FeatureSpace:
        """Choose the runs of words that at least ``min_calls`` calls hold."""
        agent: Counter[str] = Counter()
        for turns in calls:
            agent.update({gram for turn in turns if turn.speaker == "agent" for gram in _grams(turn.tokens.words, LONGEST_RUN)})
        return cls(cuebook, sorted(gram for gram, n in agent.items() if n >= min_calls))

    def rows(self, calls: Sequence[Sequence[ReadTurn]]) -> Rows:
        """Fill the columns for every agent turn of a batch.

        Parameters
        ----------
        calls : sequence of sequence of ReadTurn
            As `matching.CueMatcher.read` returns them.

        Returns
        -------
        Rows
            Binary features; each row in the order of the calls and their turns.
        """
        call_of: list[int] = []
        turn_of: list[int] = []
        columns: list[int] = []
        lengths: list[int] = []
        agent_words: list[list[str]] = []
        for c, turns in enumerate(calls):
            context = _Context(turns)
            for t, turn in enumerate(turns):
                if turn.speaker != "agent":
                    context.hear(turn)
                    continue
                reply = next((later for later in turns[t + 1 : t + 3] if later.speaker == "customer"), None)
                found = self._dense(turn, context, reply, t, len(turns))
                columns += found
                lengths.append(len(found))
                agent_words.append(turn.tokens.words)
                call_of.append(c)
                turn_of.append(t)
                context.say(turn, self._said(turn), any(hit.cue in self._demand for hit in turn.hits))
        n = len(call_of)
        parts = [(np.repeat(np.arange(n), lengths), np.asarray(columns, dtype=np.int64)), _look_up(agent_words, self._table)]
        flat = np.unique(np.concatenate([row * len(self.names) + column for row, column in parts]))
        row, column = np.divmod(flat, len(self.names))
        pointers = np.searchsorted(row, np.arange(n + 1))
        matrix = csr_matrix((np.ones(len(column), dtype=np.float32), column, pointers), shape=(n, len(self.names)))
        return Rows(matrix, np.asarray(call_of, dtype=np.int64), np.asarray(turn_of, dtype=np.int64))

    def word_weights(self, words: Sequence[str], weights: dict[int, float]) -> NDArray[np.float64]:
        """Share the weights of a turn's columns out over its words.

        Parameters
        ----------
        words : sequence of str
            The turn's words.
        weights : dict of int to float
            Column to weight.

        Returns
        -------
        array, shape (words,)
        """
        out = np.zeros(len(words))
        framed = [EDGE, *words, EDGE]
        for n in range(1, LONGEST_RUN + 1):
            for i in range(len(framed) - n + 1):
                weight = weights.get(self._ngram_column.get(" ".join(framed[i : i + n]), -1))
                if weight:
                    inside = [j - 1 for j in range(i, i + n) if 0 < j <= len(words)]
                    out[inside] += weight / max(1, len(inside))
        return out

    def _bin(self, name: str, value: float) -> int:
        base, edges = self._of_bin[name]
        return base + bisect_right(edges, value)

    def _said(self, turn: ReadTurn) -> set[str]:
        return {b for hit in turn.hits if (b := self._behaviour[hit.cue])}

    def _dense(self, turn: ReadTurn, context: _Context, reply: ReadTurn | None, index: int, n_turns: int) -> list[int]:
        words, breaks = turn.tokens.words, turn.tokens.breaks
        of_behaviour, of_state = self._of_behaviour, self._of_state
        cues = self._said(turn)
        found = [self._cue_column[hit.cue] for hit in turn.hits]
        found += [of_behaviour["says", b] for b in cues]
        found += [of_behaviour["said", b] for b in context.said]
        found += [of_behaviour["said_before", b] for b in context.said_before]
        customer = context.customer
        heard = customer.states if customer else frozenset()
        found += [of_state["heard", s] for s in heard]
        found += [of_state["heard_before", s] for s in context.heard_before]
        found += [self._of_pair[b, s] for b in cues for s in heard]

        content = set(turn.tokens.stems) - _COMMON
        theirs = context.content
        shared = content & theirs
        earlier = content & context.earlier
        pairs = _pairs(turn.tokens.stems)
        digits = sum(s in NUMBERISH or s[:1].isdigit() or s[:1] == "[" for s in shared)
        bin_ = self._bin
        found += [
            bin_("words", len(words)),
            bin_("customer_words", len(customer.tokens.words) if customer else 0),
            bin_("shared", len(shared)),
            bin_("shared_pairs", len(pairs & context.pairs)),
            bin_("shared_digits", digits),
            bin_("shared_earlier", len(earlier - theirs)),
            bin_("new", len(content - theirs - context.earlier)),
            bin_("share_of_agent", len(shared) / len(content) if content else 0),
            bin_("share_of_customer", len(shared) / len(theirs) if theirs else 0),
            bin_("agent_turn", context.agent_turns),
            bin_("turns_left", n_turns - 1 - index),
            bin_("reply_words", len(reply.tokens.words) if reply else 0),
        ]
        first = words[0] if words else ""
        acknowledges = first in _ACKNOWLEDGES
        question = QUESTION in breaks
        asks_first = first in _ASKS or (len(words) > 1 and words[1] in _ASKS and acknowledges)
        need = bool(heard & {"request", "problem"})
        demand = any(hit.cue in self._demand for hit in turn.hits)
        first_demand = min((hit.start for hit in turn.hits if hit.cue in self._demand), default=0)
        acknowledged = acknowledges or bool(cues & _HEARING) or not _ACKNOWLEDGES.isdisjoint(words[:first_demand])
        asks = question or asks_first
        flags = {
            "acknowledges": acknowledges,
            "asks_first": asks_first,
            "question_mark": question,
            "ends_question": bool(breaks) and breaks[-1] == QUESTION,
            "number": NUMBER in words,
            "starts_so": first == "so" or (len(words) > 1 and words[1] == "so"),
            "asks_you": asks and "you" in words,
            "first_agent_turn": context.agent_turns == 0,
            "last_turn": index == n_turns - 1,
            "opens_call": index == 0,
            "customer_number": bool(customer) and NUMBER in customer.tokens.words if customer else False,
            "customer_asks": bool(customer) and QUESTION in customer.tokens.breaks if customer else False,
            "after_question": context.agent_asked,
            "after_demand": context.demanded,
            "first_answer": need and not context.answered,
            "need_stated": context.answered or need,
            "echo_first": next((s for s in turn.tokens.stems if s not in _COMMON), None) in theirs,
            "echo_last": bool(turn.tokens.stems) and turn.tokens.stems[-1] in theirs and turn.tokens.stems[-1] not in _COMMON,
            "echo_and_short": bool(shared) and len(words) <= 8,
            "echo_and_ack": bool(shared) and acknowledges,
            "echo_and_question": bool(shared) and question,
            "echo_opening": not theirs.isdisjoint(turn.tokens.stems[:4]),
            "demand_unheard": demand and need and not acknowledged and not shared,
            "demand_after_question": demand and "question" in heard and not acknowledged,
            "demand_heard": demand and acknowledged,
            "demand_later": demand and context.answered and not need,
            "demand_repeated": demand and context.demands > 0,
            "demand_first": demand and context.demands == 0,
            "starts_and": first == "and" or (acknowledges and len(words) > 1 and words[1] == "and"),
            "ask_need": asks and need,
            "ask_no_need": asks and not need,
            "no_customer": customer is None,
            "answered_yes": reply is not None and _opens(reply, _YES),
            "answered_no": reply is not None and _opens(reply, _NO),
            "answered_number": reply is not None and NUMBER in reply.tokens.words[:6],
            "answered_question": reply is not None and (QUESTION in reply.tokens.breaks or "question" in reply.states),
            "unanswered": reply is None,
        }
        if reply is not None:
            found += [of_state["then", s] for s in reply.states]
        found += [self._of_flag[name] for name, value in flags.items() if value]
        return found


NUMBERISH: Final = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty "
    "fifty sixty seventy eighty ninety hundred double triple treble monday tuesday wednesday thursday friday saturday sunday".split()
)


class _Context:
    """What was said in the call so far, as an agent's turn finds it."""

    __slots__ = ("agent_asked", "agent_turns", "answered", "content", "customer", "demanded", "demands", "earlier", "heard_before", "pairs", "said", "said_before")

    def __init__(self, turns: Sequence[ReadTurn]) -> None:
        self.customer: ReadTurn | None = None
        self.content: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.earlier: set[str] = set()
        self.heard_before: set[str] = set()
        self.said: set[str] = set()
        self.said_before: set[str] = set()
        self.agent_asked = False
        self.answered = False
        self.agent_turns = 0
        self.demanded = False
        self.demands = 0

    def hear(self, turn: ReadTurn) -> None:
        self.earlier |= self.content
        if self.customer:
            self.heard_before |= self.customer.states
        self.customer = turn
        self.content = set(turn.tokens.stems) - _COMMON
        self.pairs = _pairs(turn.tokens.stems)

    def say(self, turn: ReadTurn, cues: set[str], demanded: bool) -> None:
        self.agent_turns += 1
        self.demanded = demanded
        self.demands += demanded
        self.said_before |= self.said
        self.said = cues
        self.agent_asked = QUESTION in turn.tokens.breaks
        self.answered = self.answered or bool(self.customer and self.customer.states & {"request", "problem"})


def _opens(turn: ReadTurn, words: frozenset[str]) -> bool:
    return bool(turn.tokens.words) and turn.tokens.words[0] in words


def _pairs(stems: list[str]) -> set[tuple[str, str]]:
    """Pairs of neighbouring words of which at least one says something."""
    return {(a, b) for a, b in zip(stems, stems[1:], strict=False) if a not in _COMMON or b not in _COMMON}


def _grams(words: Sequence[str], longest: int) -> Iterable[str]:
    framed = [EDGE, *words, EDGE]
    for n in range(1, longest + 1):
        for i in range(len(framed) - n + 1):
            if n > 1 or framed[i] != EDGE:
                yield " ".join(framed[i : i + n])


class _Table(NamedTuple):
    words: dict[str, int]  #: number of each word that a run holds; 0 is any other word
    keys: NDArray[np.int64]  #: number of each run, ascending
    columns: NDArray[np.int64]


def _table(grams: Sequence[str], base: int) -> _Table:
    words = {word: i for i, word in enumerate(sorted({word for gram in grams for word in gram.split(" ")} | {EDGE}), start=1)}
    keys = np.array([_number([words[word] for word in gram.split(" ")]) for gram in grams], dtype=np.int64)
    order = np.argsort(keys)
    return _Table(words, keys[order], base + order.astype(np.int64))


def _number(words: Sequence[int]) -> int:
    """One number for a run of words; runs of up to three words of a vocabulary below two millions are told apart."""
    number = 0
    for word in words:
        number = (number << 21) + word
    return number


def _look_up(turns: Sequence[list[str]], table: _Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (row, column) of every known run of words in the turns."""
    if not len(table.keys) or not turns:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    known, edge = table.words.get, table.words[EDGE]
    flat = [edge]
    for words in turns:
        flat += [known(word, 0) for word in words]
        flat.append(edge)
    stream = np.array(flat, dtype=np.int64)
    # The edge before a turn and the turn's words belong to it; the edge after it opens the next.
    row = np.repeat(np.arange(len(turns) + 1), [*(len(words) + 1 for words in turns), 1])
    rows, columns = [], []
    run = np.zeros(len(stream), dtype=np.int64)
    for n in range(1, LONGEST_RUN + 1):
        run = (run[: len(stream) - n + 1] << 21) + stream[n - 1 :]
        at = np.searchsorted(table.keys, run)
        at[at == len(table.keys)] = 0
        hit = np.flatnonzero((table.keys[at] == run) & (stream[: len(run)] > 0))
        rows.append(row[hit])
        columns.append(table.columns[at[hit]])
    return np.concatenate(rows), np.concatenate(columns)
