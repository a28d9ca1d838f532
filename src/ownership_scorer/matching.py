"""Finds the cues: one spaCy PhraseMatcher over the normalised words of a whole batch of calls, then the context of each finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ownership_scorer.cuebook import GAP, STATES, Cue, Cuebook, expand
from ownership_scorer.lexicon import STOPWORDS
from ownership_scorer.tokenizer import COMMA, NUMBER, SENTENCE, Tokenizer, Tokens
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


class _Phrases:
    """One gap-free part of a template: the plain phrases it stands for, looked up by their first or last word."""

    __slots__ = ("by_first", "by_last", "phrases")

    def __init__(self, phrases: Iterable[tuple[str, ...]]) -> None:
        self.phrases = sorted(set(phrases) - {()}, key=lambda phrase: (len(phrase), phrase))
        self.by_first: dict[str, list[tuple[str, ...]]] = {}
        self.by_last: dict[str, list[tuple[str, ...]]] = {}
        for phrase in self.phrases:
            self.by_first.setdefault(phrase[0], []).append(phrase)
            self.by_last.setdefault(phrase[-1], []).append(phrase)

    def after(self, words: list[str], breaks: list[int], end: int, reach: int) -> int | None:
        """Return where the nearest phrase ends that begins at most ``reach`` words after ``end`` in the same sentence."""
        for start in range(end, min(end + reach + 1, len(words))):
            if breaks[start - 1] >= SENTENCE:
                return None
            for phrase in self.by_first.get(words[start], ()):
                stop = start + len(phrase)
                if stop <= len(words) and tuple(words[start:stop]) == phrase and _whole(breaks, start, stop):
                    return stop
        return None

    def before(self, words: list[str], breaks: list[int], start: int, reach: int, strength: int = SENTENCE, bounds: frozenset[str] = frozenset()) -> int | None:
        """Return where the nearest phrase begins that ends at most ``reach`` words before ``start``, nothing breaking or bounding in between."""
        for stop in range(start, max(start - reach - 1, 0), -1):
            if breaks[stop - 1] >= strength or (stop < start and words[stop] in bounds):
                return None
            for phrase in self.by_last.get(words[stop - 1], ()):
                begin = stop - len(phrase)
                if begin >= 0 and tuple(words[begin:stop]) == phrase and _whole(breaks, begin, stop):
                    return begin
        return None

    @property
    def commonness(self) -> float:
        """A guess how often one of the phrases stands at a place, to choose the rarest part of a template."""
        return sum(float(np.prod([_COMMON if word in STOPWORDS or word == NUMBER else _RARE for word in phrase])) for phrase in self.phrases)


class _Template(NamedTuple):
    """A phrase of a cue: its parts, and the one by which it is found."""

    cue: int
    parts: tuple[_Phrases, ...]
    anchor: int


#: Rough shares of a common and of any other word in speech.
_COMMON: Final = 0.02
_RARE: Final = 0.0005


class CueMatcher:
    """Matches a cue book against calls.

    Each template is looked for by its rarest part, all of them in one pass of a PhraseMatcher; the other parts and the context are checked where that is found.

    Parameters
    ----------
    cuebook : Cuebook
        The rules.
    """

    def __init__(self, cuebook: Cuebook) -> None:
        from spacy.strings import StringStore
        from spacy.vocab import Vocab

        self.cuebook = cuebook
        self.tokenizer = Tokenizer()
        self._vocab = Vocab(strings=StringStore())
        self._phrases: dict[tuple[str, ...], _Phrases] = {}
        self._unless = [self._flat(cue.unless) for cue in cuebook.cues]
        self._unless_later = [self._flat(cue.unless_later) for cue in cuebook.cues]
        self._agent = self._search(cue.behaviour not in STATES for cue in cuebook.cues)
        self._customer = self._search(cue.behaviour in STATES for cue in cuebook.cues)

    def _part(self, plain: tuple[str, ...]) -> _Phrases:
        if plain not in self._phrases:
            self._phrases[plain] = _Phrases(tuple(self.tokenizer.tokens(phrase).words) for phrase in plain)
        return self._phrases[plain]

    def _flat(self, templates: tuple[str, ...]) -> _Phrases | None:
        parts = [part for template in templates for part in expand(template, self.cuebook.lists)]
        return self._part(tuple(plain for part in parts for plain in part)) if parts else None

    def _search(self, wanted: Iterable[bool]) -> _Search:
        from spacy.matcher import PhraseMatcher

        matcher = PhraseMatcher(self._vocab, attr="ORTH")
        strings = self._vocab.strings
        found_by: dict[int, list[_Template]] = {}
        keys: dict[int, int] = {}
        for number, (cue, mine) in enumerate(zip(self.cuebook.cues, wanted, strict=True)):
            for template in cue.phrases if mine else ():
                parts = tuple(self._part(plain) for plain in expand(template, self.cuebook.lists))
                anchor = min(range(len(parts)), key=lambda i: parts[i].commonness)
                part = parts[anchor]
                if id(part) not in keys:
                    keys[id(part)] = strings.add(f"part {len(keys)}")
                    # Lists of word ids are what PhraseMatcher itself stores and unpickles; Docs would cost ten times the start-up.
                    matcher.add(f"part {len(keys) - 1}", [[strings.add(word) for word in phrase] for phrase in part.phrases])
                found_by.setdefault(keys[id(part)], []).append(_Template(number, parts, anchor))
        known = frozenset(word for templates in found_by.values() for phrase in templates[0].parts[templates[0].anchor].phrases for word in phrase)
        return _Search(matcher, found_by, known)

    def __reduce__(self) -> tuple[Any, ...]:
        return (CueMatcher, (self.cuebook,))

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
        tokens = [[self.tokenizer.tokens(turn.text) for turn in call.turns] for call in calls]
        agent = [t.words for call, turns in zip(calls, tokens, strict=True) for turn, t in zip(call.turns, turns, strict=True) if turn.speaker == "agent"]
        customer = [t.words for call, turns in zip(calls, tokens, strict=True) for turn, t in zip(call.turns, turns, strict=True) if turn.speaker == "customer"]
        said, heard = iter(self._find(agent, self._agent)), iter(self._find(customer, self._customer))
        out: list[list[ReadTurn]] = []
        for call, turns in zip(calls, tokens, strict=True):
            read: list[ReadTurn] = []
            states = _NOTHING
            for turn, words in zip(call.turns, turns, strict=True):
                if turn.speaker == "agent":
                    read.append(ReadTurn("agent", words, self._hits(words, next(said), states), _NOTHING))
                else:
                    hits = self._hits(words, next(heard), _NOTHING) if turn.speaker == "customer" else ()
                    states = frozenset(self.cuebook.cues[hit.cue].behaviour for hit in hits) if hits else _NOTHING
                    read.append(ReadTurn(turn.speaker, words, [], states))
            out.append(read)
        return out

    def _find(self, turns: list[list[str]], search: _Search) -> list[list[tuple[_Template, int, int]]]:
        """Return, a turn, the templates whose anchor is found: (template, first word, one past the last)."""
        from spacy.tokens import Doc

        found: list[list[tuple[_Template, int, int]]] = [[] for _ in turns]
        if not turns:
            return found
        known = search.known
        words = [w if w in known else _UNKNOWN for turn in turns for w in (*turn, _BETWEEN)]
        matches = search.matcher(Doc(self._vocab, words=words))
        ends = np.cumsum([len(turn) + 1 for turn in turns])
        where = np.searchsorted(ends, [start for _, start, _ in matches], side="right").tolist()
        begins = (ends - [len(turn) + 1 for turn in turns]).tolist()
        for (key, start, end), turn in zip(matches, where, strict=True):
            begin = begins[turn]
            found[turn] += [(template, start - begin, end - begin) for template in search.found_by[key]]
        return found

    def _hits(self, tokens: Tokens, found: list[tuple[_Template, int, int]], heard: frozenset[str]) -> list[Hit]:
        """Keep what is found whole and in its context; the longest finding of each cue."""
        if not found:
            return []
        words, breaks = tokens.words, tokens.breaks
        best: dict[int, Hit] = {}
        fits: dict[int, bool] = {}
        for template, start, end in found:
            number = template.cue
            fit = fits.get(number)
            if fit is None:
                fit = fits[number] = _fits(self.cuebook.cues[number], words, heard)
            if not fit or not _whole(breaks, start, end):
                continue
            for part in template.parts[template.anchor + 1 :]:
                stop = part.after(words, breaks, end, GAP)
                if stop is None:
                    break
                end = stop
            else:
                for part in template.parts[template.anchor - 1 :: -1] if template.anchor else ():
                    begin = part.before(words, breaks, start, GAP)
                    if begin is None:
                        break
                    start = begin
                else:
                    old = best.get(number)
                    if (old is None or end - start > old.end - old.start) and self._stands(number, tokens, start, end):
                        best[number] = Hit(number, start, end)
        return list(best.values())

    def _stands(self, number: int, tokens: Tokens, start: int, end: int) -> bool:
        """Tell whether place and context allow a finding."""
        words, breaks, cue = tokens.words, tokens.breaks, self.cuebook.cues[number]
        if cue.at in ("start", "whole") and any(w not in _PREAMBLE for w in words[:start]):
            return False
        if cue.at in ("end", "whole") and any(w not in _PREAMBLE for w in words[end:]):
            return False
        unless, later = self._unless[number], self._unless_later[number]
        if unless is not None and start and unless.before(words, breaks, start, _REACH, COMMA, _CLAUSE) is not None:
            return False
        return later is None or later.after(words, breaks, end, len(words)) is None


def _fits(cue: Cue, words: list[str], heard: frozenset[str]) -> bool:
    """Tell whether the turn's length and what the customer said allow a cue at all."""
    if cue.max_words is not None and len(words) > cue.max_words:
        return False
    if cue.customer and heard.isdisjoint(cue.customer):
        return False
    return not cue.customer_not or heard.isdisjoint(cue.customer_not)


def _whole(breaks: list[int], start: int, end: int) -> bool:
    """Tell whether no sentence ends within a span of words."""
    return end - start < 2 or max(breaks[start : end - 1]) < SENTENCE


class _Search(NamedTuple):
    """A PhraseMatcher over the anchors of one side's templates."""

    matcher: Any
    found_by: dict[int, list[_Template]]
    known: frozenset[str]


_NOTHING: Final[frozenset[str]] = frozenset()
