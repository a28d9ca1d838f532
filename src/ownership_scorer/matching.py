"""Finds the cues: one spaCy PhraseMatcher over the normalised words of a whole batch of calls, then the context of each finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from ownership_scorer.cuebook import GAP, Cue, Cuebook, expand
from ownership_scorer.rubric import BEHAVIOURS
from ownership_scorer.tokenizer import COMMA, SENTENCE, Tokenizer, Tokens
from ownership_scorer.transcript import Transcript

#: Stands between turns, and for words that no cue knows (so that spaCy's string store does not grow with the data).
_BETWEEN: Final = "\n"
_UNKNOWN: Final = "\r"
#: Words that begin a new clause where speech has no comma.
_CLAUSE: Final = frozenset({"but", "because", "so", "however", "although", "though"})
#: How far before a finding a word may stand that takes it back.
_REACH: Final = 7
#: Words that do not count as the start or end of a turn.
_PREAMBLE: Final = frozenset("okay right yes oh so well now and mhm sure thanks thank you no great perfect lovely hi please sir madam then".split())


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


class _Use(NamedTuple):
    """What a phrase part is used for."""

    cue: int
    template: int
    part: int


class CueMatcher:
    """Matches a cue book against calls.

    Parameters
    ----------
    cuebook : Cuebook
        The rules.
    """

    def __init__(self, cuebook: Cuebook) -> None:
        from spacy.matcher import PhraseMatcher
        from spacy.strings import StringStore
        from spacy.vocab import Vocab

        self.cuebook = cuebook
        self.tokenizer = Tokenizer()
        self._vocab = Vocab(strings=StringStore())
        self._matcher = PhraseMatcher(self._vocab, attr="ORTH")
        self._known: set[str] = set()
        self._uses: dict[int, list[_Use]] = {}
        self._blocks: dict[int, list[tuple[int, bool]]] = {}
        parts: dict[tuple[str, ...], int] = {}
        for c, cue in enumerate(cuebook.cues):
            for t, template in enumerate(cue.phrases):
                for p, part in enumerate(expand(template, cuebook.lists)):
                    self._uses.setdefault(self._part(part, parts), []).append(_Use(c, t, p))
            for later, templates in ((False, cue.unless), (True, cue.unless_later)):
                for template in templates:
                    for part in expand(template, cuebook.lists):
                        self._blocks.setdefault(self._part(part, parts), []).append((c, later))
        self._last_part = {(c, t): len(expand(template, cuebook.lists)) - 1 for c, cue in enumerate(cuebook.cues) for t, template in enumerate(cue.phrases)}
        self._of_customer = [cue.behaviour not in BEHAVIOURS for cue in cuebook.cues]
        self._guarded = [bool(cue.unless or cue.unless_later) for cue in cuebook.cues]
        strings = self._vocab.strings
        self._key: dict[int, int] = {}
        for part, number in parts.items():
            key = f"p{number}"
            phrases = {tuple(self.tokenizer.tokens(phrase).words) for phrase in part} - {()}
            self._known.update(chain.from_iterable(phrases))
            # Lists of word ids are what PhraseMatcher itself stores and unpickles; Docs would cost ten times the start-up.
            self._matcher.add(key, [[strings.add(word) for word in phrase] for phrase in sorted(phrases)])
            self._key[strings.add(key)] = number

    def __reduce__(self) -> tuple[Any, ...]:
        return (CueMatcher, (self.cuebook,))

    @staticmethod
    def _part(part: tuple[str, ...], parts: dict[tuple[str, ...], int]) -> int:
        return parts.setdefault(part, len(parts))

    def read(self, calls: Sequence[Transcript]) -> list[list[ReadTurn]]:
        """Tokenise and match the turns of a batch of calls.

        Parameters
        ----------
        calls : sequence of Transcript
            Matched together, in one pass.

        Returns
        -------
        list of list of ReadTurn
            As ``calls`` and their ``turns``.
        """
        tokens = [self.tokenizer.tokens(turn.text) for call in calls for turn in call.turns]
        found = self._find([t.words for t in tokens])
        out: list[list[ReadTurn]] = []
        at = 0
        for call in calls:
            turns: list[ReadTurn] = []
            heard: frozenset[str] = frozenset()
            for turn in call.turns:
                here, parts = tokens[at], found.get(at)
                at += 1
                if turn.speaker == "agent":
                    turns.append(ReadTurn("agent", here, self._hits(here, parts, False, heard) if parts else [], frozenset()))
                else:
                    hits = self._hits(here, parts, True, frozenset()) if parts and turn.speaker == "customer" else []
                    heard = frozenset(self.cuebook.cues[hit.cue].behaviour for hit in hits)
                    turns.append(ReadTurn(turn.speaker, here, [], heard))
            out.append(turns)
        return out

    def _find(self, turns: list[list[str]]) -> dict[int, list[tuple[int, int, int]]]:
        """Return, a turn, the phrase parts found: (part, first word, one past the last)."""
        from spacy.tokens import Doc

        known = self._known
        words = [w if w in known else _UNKNOWN for turn in turns for w in (*turn, _BETWEEN)]
        if not words:
            return {}
        matches = self._matcher(Doc(self._vocab, words=words))
        ends = np.cumsum([len(turn) + 1 for turn in turns])
        starts = ends - [len(turn) + 1 for turn in turns]
        where = np.searchsorted(ends, [start for _, start, _ in matches], side="right").tolist()
        begins = starts.tolist()
        found: dict[int, list[tuple[int, int, int]]] = {}
        for (key, start, end), turn in zip(matches, where, strict=True):
            begin = begins[turn]
            found.setdefault(turn, []).append((self._key[key], start - begin, end - begin))
        return found

    def _hits(self, tokens: Tokens, parts: list[tuple[int, int, int]], customer: bool, heard: frozenset[str]) -> list[Hit]:
        """Put the parts found in a turn together to cues, and keep those that the context allows."""
        uses, cues = self._uses, self.cuebook.cues
        breaks = tokens.breaks
        best: dict[int, Hit] = {}
        heads: list[tuple[_Use, int, int]] = []
        tails: dict[_Use, list[tuple[int, int]]] = {}
        for part, start, end in parts:
            for use in uses.get(part, ()):
                if self._of_customer[use.cue] is not customer:
                    continue
                if end - start > 1 and max(breaks[start : end - 1]) >= SENTENCE:
                    continue
                if use.part:
                    tails.setdefault(use, []).append((start, end))
                else:
                    heads.append((use, start, end))
        for use, start, end in heads:
            last = self._last_part[use.cue, use.template]
            for part_number in range(1, last + 1):
                nearest = [e for s, e in tails.get(_Use(use.cue, use.template, part_number), ()) if 0 <= s - end <= GAP and _unbroken(breaks, end, s, SENTENCE)]
                if not nearest:
                    break
                end = min(nearest)
            else:
                cue = cues[use.cue]
                if self._allowed(cue, use.cue, tokens, start, end, parts, heard):
                    old = best.get(use.cue)
                    if old is None or end - start > old.end - old.start:
                        best[use.cue] = Hit(use.cue, start, end)
        return list(best.values())

    def _allowed(self, cue: Cue, number: int, tokens: Tokens, start: int, end: int, parts: Iterable[tuple[int, int, int]], heard: frozenset[str]) -> bool:
        words, breaks = tokens.words, tokens.breaks
        if cue.max_words is not None and len(words) > cue.max_words:
            return False
        if cue.customer and heard.isdisjoint(cue.customer):
            return False
        if cue.customer_not and not heard.isdisjoint(cue.customer_not):
            return False
        if cue.at in ("start", "whole") and any(w not in _PREAMBLE for w in words[:start]):
            return False
        if cue.at in ("end", "whole") and any(w not in _PREAMBLE for w in words[end:]):
            return False
        if self._guarded[number]:
            for part, s, e in parts:
                for blocked, later in self._blocks.get(part, ()):
                    if blocked != number:
                        continue
                    if not later and e <= start and start - s <= _REACH and _unbroken(breaks, e, start, COMMA) and _CLAUSE.isdisjoint(words[e:start]):
                        return False
                    if later and s >= end and _unbroken(breaks, end, s, SENTENCE):
                        return False
        return True


def _unbroken(breaks: list[int], end: int, start: int, strength: int) -> bool:
    """Tell whether nothing breaks the sentence between a word span that ends and one that starts."""
    return start <= end - 1 or all(b < strength for b in breaks[end - 1 : start])
