"""Rule files: phrases that speak for a behaviour, in their context, each with examples; and classes of words, for the patterns that a model looks at.

A phrase is a small template: ``(a|b c)`` for alternatives, ``[x]`` for optional words, ``@name`` for a list defined in a rule file, ``..`` for a gap of up to
`GAP` words within the sentence. Templates are expanded to plain phrases when the file is read.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from pathlib import Path
from typing import Any, Final

from ownership_scorer.lexicon import STOPWORDS
from ownership_scorer.rubric import BEHAVIOURS

#: What a customer's turn may be heard to hold.
STATES: Final = ("request", "problem", "upset", "question", "thanks", "declines", "repair", "gives")

#: Most words that ``..`` stands for.
GAP: Final = 6
#: A template that expands to more than this is a mistake.
_MOST: Final = 5_000

_KEYS: Final = {"id", "behaviour", "state", "phrases", "unless", "unless_later", "customer", "customer_not", "at", "max_words", "matches", "rejects"}
_PLACES: Final = ("start", "end", "whole")


class CueError(ValueError):
    """A rule file is wrong; the message names the file, the cue, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Example:
    """A turn that a cue must find, or must not, after what the customer said."""

    agent: str
    customer: str = ""


@dataclass(frozen=True, slots=True)
class Cue:
    """One rule.

    Parameters
    ----------
    id : str
        ``behaviour.name``; stands in the ``source`` column of the evidence.
    behaviour : str
        One of `rubric.BEHAVIOURS` for an agent's turn, or one of `STATES` for a customer's.
    phrases : tuple of str
        Templates, any of which may be found.
    unless : tuple of str
        Templates that, standing earlier in the same clause, take the finding back.
    unless_later : tuple of str
        The same, standing later in the same sentence.
    customer, customer_not : tuple of str
        The customer's turn before must hold one of these states, or none of these.
    at : str or None
        ``"start"`` or ``"end"`` of the turn (a word of acknowledgement aside), or ``"whole"`` turn.
    max_words : int or None
        Only in turns of at most so many words.
    matches, rejects : tuple of Example
        Turns that must and must not be found.
    """

    id: str
    behaviour: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    unless_later: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    customer_not: tuple[str, ...] = ()
    at: str | None = None
    max_words: int | None = None
    matches: tuple[Example, ...] = ()
    rejects: tuple[Example, ...] = ()
    file: str = ""

    @property
    def counts(self) -> bool:
        """Whether a finding speaks for the behaviour; a cue named ``behaviour.any_...`` is a feature only (a look-alike, or too broad)."""
        return self.behaviour in BEHAVIOURS and ".any_" not in self.id


@dataclass(frozen=True, slots=True)
class Cuebook:
    """All cues of a model, and what goes with them.

    Parameters
    ----------
    cues : tuple of Cue
    lists : dict of str to tuple of str
        Word lists that templates name.
    sources : dict of str to str
        Names and texts of the rule files.
    classes : dict of str to str
        Class of each word, for the patterns that are features.
    """

    cues: tuple[Cue, ...]
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    _expanded: dict[str, list[tuple[str, ...]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Cuebook, (self.cues, self.lists, self.sources, self.classes))

    def expand(self, template: str) -> list[tuple[str, ...]]:
        """Write a template out, as `expand` does; each is written out once."""
        if template not in self._expanded:
            self._expanded[template] = expand(template, self.lists)
        return self._expanded[template]

    def symbol(self, word: str) -> str:
        """Return what a word stands for in a pattern: itself where it is a function word, a number or a mark, otherwise its class; ``*`` where it has none."""
        if word[:1] == "@":
            return f"@{word}"  # a name in social media, not the sign of a class
        if word in STOPWORDS or not word[:1].isalpha():
            return word
        kind = self.classes.get(word)
        return f"@{kind}" if kind else "*"

    @classmethod
    def read(cls, *folders: Path | Traversable | None) -> Cuebook:
        """Read the rule files of one or more folders; None stands for the ones shipped with the package.

        Raises
        ------
        CueError
            Naming file and cue, for an unknown key, a blank or too wide template, a repeated id, an unknown list, behaviour or state; naming file, class and
            word, for a word of two classes or none; for two files of one name, which a model folder could not hold.
        """
        sources: dict[str, str] = {}
        for folder in folders or (None,):
            place = files("ownership_scorer") / "cues" if folder is None else folder
            if not place.is_dir():
                raise CueError(f"{place}: no such folder of rule files")
            for file in sorted((f for f in place.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name):
                name = file.name if folder is None else str(file)
                other = next((known for known in sources if Path(known).name == file.name), None)
                if other is not None:
                    raise CueError(f"{name}: {other} has the same name; rename one of the two")
                sources[name] = file.read_text(encoding="utf-8")
        return cls.parse(sources)

    @classmethod
    def parse(cls, sources: dict[str, str]) -> Cuebook:
        """Build a cue book from file names and their texts; errors as in `read`."""
        tables: dict[str, dict[str, Any]] = {}
        lists: dict[str, tuple[str, ...]] = {}
        classes: dict[str, str] = {}
        for name, text in sources.items():
            try:
                tables[name] = tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                raise CueError(f"{name}: not valid TOML: {error}") from None
            unknown = set(tables[name]) - {"cue", "lists", "classes"}
            if unknown:
                raise CueError(f"{name}: unknown table {sorted(unknown)[0]!r}; allowed are 'cue', 'lists' and 'classes'")
            for key in ("lists", "classes"):
                if not isinstance(tables[name].get(key, {}), dict):
                    raise CueError(f"{name}: {key!r} is {tables[name][key]!r}; it has to be a table, [{key}]")
            for key, phrases in tables[name].get("lists", {}).items():
                if key in lists:
                    raise CueError(f"{name}: list {key!r} is defined twice")
                lists[key] = tuple(phrases)
            for key, words in tables[name].get("classes", {}).items():
                if not key.isidentifier():
                    raise CueError(f"{name}: class {key!r}: the name of a class is made of letters, digits and '_'")
                if not isinstance(words, str):
                    raise CueError(f"{name}: class {key!r}: give its words in one string, with blanks between them")
                for word in words.split():
                    if word in STOPWORDS or word != word.lower() or not word[0].isalpha():
                        raise CueError(f"{name}: class {key!r}: {word!r} is no word in lower case, or a function word, which stands for itself")
                    if classes.setdefault(word, key) != key:
                        raise CueError(f"{name}: class {key!r}: {word!r} is of class {classes[word]!r} already")
        cues: dict[str, Cue] = {}
        expanded: dict[str, list[tuple[str, ...]]] = {}
        for name, table in tables.items():
            for row in table.get("cue", []):
                cue = _cue(name, row)
                if cue.id in cues:
                    raise CueError(f"{name}: cue {cue.id!r} stands twice, also in {cues[cue.id].file}")
                for template in [t for t in (*cue.phrases, *cue.unless, *cue.unless_later) if t not in expanded]:
                    try:
                        expanded[template] = expand(template, lists)
                    except CueError as error:
                        raise CueError(f"{name}: cue {cue.id!r}: {error}") from None
                cues[cue.id] = cue
        book = cls(tuple(cues.values()), lists, dict(sources), classes)
        book._expanded.update(expanded)
        return book

    @property
    def digest(self) -> str:
        """SHA-256 over what the cues and classes say, whatever the order of the files."""
        said = [[c.id, c.behaviour, c.phrases, c.unless, c.unless_later, c.customer, c.customer_not, c.at, c.max_words] for c in self.cues]
        return hashlib.sha256(json.dumps([sorted(said), sorted(self.lists.items()), sorted(self.classes.items())]).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the rule files as they were read, so that a model carries the cues it was trained with."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.sources.items():
            (folder / Path(name).name).write_text(text, encoding="utf-8")


def _cue(file: str, row: dict[str, Any]) -> Cue:
    name = row.get("id")
    if not isinstance(name, str) or not name.strip():
        raise CueError(f"{file}: a cue without an id")
    where = f"{file}: cue {name!r}"
    unknown = set(row) - _KEYS
    if unknown:
        raise CueError(f"{where}: unknown key {sorted(unknown)[0]!r}; allowed are {', '.join(sorted(_KEYS))}")
    if ("behaviour" in row) == ("state" in row):
        raise CueError(f"{where}: give either 'behaviour' (agent's turn) or 'state' (customer's turn)")
    behaviour, allowed = (row["behaviour"], BEHAVIOURS) if "behaviour" in row else (row["state"], STATES)
    if behaviour not in allowed:
        raise CueError(f"{where}: {behaviour!r} is not known; allowed are {', '.join(allowed)}")
    for key in ("customer", "customer_not"):
        for state in row.get(key, ()):
            if state not in STATES:
                raise CueError(f"{where}: {key} {state!r} is not known; allowed are {', '.join(STATES)}")
    if row.get("at") not in (None, *_PLACES):
        raise CueError(f"{where}: at = {row['at']!r}; allowed are {', '.join(_PLACES)}")
    if not row.get("phrases"):
        raise CueError(f"{where}: no phrases")
    if "behaviour" in row and not (row.get("matches") and row.get("rejects")):
        raise CueError(f"{where}: give examples, in 'matches' and in 'rejects'")
    return Cue(
        id=name,
        behaviour=behaviour,
        phrases=tuple(row["phrases"]),
        unless=tuple(row.get("unless", ())),
        unless_later=tuple(row.get("unless_later", ())),
        customer=tuple(row.get("customer", ())),
        customer_not=tuple(row.get("customer_not", ())),
        at=row.get("at"),
        max_words=row.get("max_words"),
        matches=tuple(_examples(where, row.get("matches", ()))),
        rejects=tuple(_examples(where, row.get("rejects", ()))),
        file=file,
    )


def _examples(where: str, rows: Iterable[Any]) -> Iterator[Example]:
    for row in rows:
        if isinstance(row, str):
            yield Example(row)
        elif isinstance(row, dict) and set(row) <= {"agent", "customer"} and "agent" in row:
            yield Example(**row)
        else:
            raise CueError(f"{where}: an example is a text or {{customer = ..., agent = ...}}, not {row!r}")


def expand(template: str, lists: dict[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Write a template out.

    Parameters
    ----------
    template : str
        As in a rule file.
    lists : dict
        What ``@name`` stands for.

    Returns
    -------
    list of tuple of str
        One tuple a gap-free part of the template, in order: the plain phrases it stands for, each without repetition.
        (A template without ``..`` has one part.)

    Raises
    ------
    CueError
        For a blank part, unbalanced brackets, an unknown list, or more than 5,000 phrases in a part.
    """
    parts = [tuple(dict.fromkeys(_plain(part, template, lists))) for part in _split_gaps(template)]
    for part in parts:
        if not part or "" in part:
            raise CueError(f"phrase {template!r} has a part that can be empty")
        if len(part) > _MOST:
            raise CueError(f"phrase {template!r} stands for {len(part)} phrases; at most {_MOST} are allowed, use '..' or split it")
    return parts


def _split_gaps(template: str) -> list[str]:
    return [part.strip() for part in template.split("..")]


def _plain(part: str, template: str, lists: dict[str, tuple[str, ...]], seen: tuple[str, ...] = ()) -> list[str]:
    options, end = _alternatives(part, 0, template, lists, seen)
    if end != len(part):
        raise CueError(f"phrase {template!r} has a bracket too many")
    return [" ".join(option.split()) for option in options]


def _alternatives(text: str, at: int, template: str, lists: dict[str, tuple[str, ...]], seen: tuple[str, ...]) -> tuple[list[str], int]:
    """Read ``a|b ...`` up to a closing bracket or the end; return the options and where it stopped."""
    options: list[str] = []
    sequence: list[list[str]] = [[""]]
    while at < len(text):
        char = text[at]
        if char in "([":
            inner, at = _alternatives(text, at + 1, template, lists, seen)
            if at >= len(text) or text[at] != {"(": ")", "[": "]"}[char]:
                raise CueError(f"phrase {template!r} has an open {char!r}")
            sequence.append([*inner, ""] if char == "[" else inner)
            at += 1
        elif char in ")]":
            break
        elif char == "|":
            options += _sequences(sequence, template)
            sequence = [[""]]
            at += 1
        elif char == "@":
            end = at + 1
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            name = text[at + 1 : end]
            if name not in lists:
                raise CueError(f"phrase {template!r} names the list {name!r}, which no rule file defines")
            if name in seen:
                raise CueError(f"list {name!r} contains itself")
            sequence.append([plain for item in lists[name] for plain in _plain(item, template, lists, (*seen, name))])
            at = end
        else:
            end = at
            while end < len(text) and text[end] not in "()[]|@":
                end += 1
            sequence.append([text[at:end]])
            at = end
    return options + _sequences(sequence, template), at


def _sequences(sequence: list[list[str]], template: str) -> list[str]:
    size = 1
    for options in sequence:
        size *= len(options)
    if size > _MOST * 4:
        raise CueError(f"phrase {template!r} stands for {size} phrases; at most {_MOST} are allowed, use '..' or split it")
    return [" ".join(choice) for choice in product(*sequence)]
