"""Tell from what is said who is the agent, where a file does not.

Every word, and every two words in a row, speaks for the agent or for the customer ("how can i help", "your account number" for the one, "my bill",
"i have been waiting" for the other). A speaker's score is the mean of their weights over the whole call; the two speakers who differ most are the agent
and the customer. How sure that is depends on how far they differ and on how much they said. Only comparisons count, so it matters neither how speakers
are called nor who begins.

The weights lie in ``roles.json`` beside this file. They are fitted on the project's own calls alone, and come out the same every time::

    python -m ownership_scorer.roles data
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import chain, pairwise, permutations
from pathlib import Path
from typing import Any, Final, NamedTuple

from ownership_scorer.readers import ReadError, Rejected, find_files, read
from ownership_scorer.tokenizer import Tokenizer
from ownership_scorer.transcript import Transcript, Turn

__all__ = ["RoleModel", "fit_roles", "infer_roles", "load_roles"]

SHIPPED: Final = Path(__file__).with_name("roles.json")
_LAYOUT: Final = 1

#: What must hold, in cross-validation, of the calls that are given roles; see `_threshold`.
RIGHT: Final = 0.98
_THRESHOLDS: Final = tuple(step / 100 for step in range(50, 100, 5))

#: Calls in which a word must stand to get a weight, and the smallest weight that is kept.
_CALLS_A_WORD: Final = 3
_LEAST_WEIGHT: Final = 0.02
#: Inverse strength of the pull of weights towards zero; between 1 and 100 it hardly matters.
_FREEDOM: Final = 10.0
_FOLDS: Final = 6
#: Turns of the parts of calls that stand for short calls.
_SHORT: Final = (2, 3, 4, 6)
_PUNCTUATION: Final = re.compile(r"[.,!?;:…–—\"“”]+")

_BEGIN, _END = "^", "$"


#: Role and, where that is unknown, label.
_Speaker = tuple[str, str]


class _Said(NamedTuple):
    """What one speaker said in a call."""

    features: dict[str, float]  #: of length 1 (Euclidean)
    words: int
    turns: int


@dataclass(frozen=True, slots=True)
class RoleModel:
    """What words say about roles.

    Parameters
    ----------
    weights : dict of str to float
        A word, or two in a row (``^`` begins a turn, ``$`` ends it), to how far it speaks for the agent (above zero) or the customer (below).
    slope : float
        From the difference of two speakers, times the logarithm of what the more silent one said, to the log-odds of their roles.
    threshold : float
        Least confidence at which roles are given, 0.5 to 1.
    figures : dict
        What cross-validation found: calls, share right, and coverage, for whole calls, unpunctuated ones, and parts of two to six turns.
    """

    weights: Mapping[str, float]
    slope: float
    threshold: float
    figures: Mapping[str, Any] = field(default_factory=dict)

    def infer(self, call: Transcript) -> tuple[dict[str, str], float]:
        """Guess the roles of the speakers whose role is unknown.

        Parameters
        ----------
        call : Transcript
            Speakers are told apart by the labels of their turns.

        Returns
        -------
        roles : dict of str to str
            Label to ``agent``, ``customer`` or, for one who is clearly neither, ``other``; labels that cannot be told are left out. Empty where the
            confidence is below the threshold (of three and more speakers, where more is doubtful than a share of what two may leave in doubt), where nobody
            is there to compare with, and where both agent and customer are known.
        confidence : float
            Probability that neither the agent is the customer nor the customer the agent, 0 to 1.

        Notes
        -----
        Of three and more speakers, the two who can be told apart best are agent and customer. Whoever speaks only once, as a recorded greeting or the
        slip of a diarizer does, is neither where two others speak more.
        """
        said = _said(call.turns)
        agents, customers, unknown = ([speaker for speaker in said if speaker[0] == role] for role in ("agent", "customer", "unknown"))
        if not unknown or (agents and customers):
            return {}, 0.0
        known = agents + customers
        talking = [speaker for speaker in unknown if said[speaker].turns > 1]
        candidates = talking if len(known + talking) > 1 else unknown
        scores = {speaker: self._score(what) for speaker, what in said.items()}

        def odds(one: _Speaker, two: _Speaker) -> float:
            return self.slope * math.log1p(min(said[one].words, said[two].words)) * (scores[one] - scores[two])

        # Half of the odds, since every pair stands here both ways round.
        chances = {pair: math.exp(odds(*pair) / 2) for pair in permutations(known + candidates, 2)}
        pairs = [(a, c) for a, c in chances if a in (agents or candidates) and c in (customers or candidates)]
        if not pairs:
            return {}, 0.0
        agent, customer = max(pairs, key=chances.__getitem__)
        contrary = math.fsum(chance for (a, c), chance in chances.items() if a == customer or c == agent)
        confidence = 1 - contrary / math.fsum(chances.values())
        # Each speaker more is one more who can be mistaken.
        if 1 - confidence > (1 - self.threshold) / (len(known + candidates) - 1):
            return {}, confidence
        roles = {agent: "agent", customer: "customer"}
        clear = math.log(self.threshold / (1 - self.threshold))
        for speaker in unknown:
            if speaker not in roles and min(odds(agent, speaker), odds(speaker, customer)) >= clear:
                roles[speaker] = "other"
        return {speaker[1]: role for speaker, role in roles.items() if speaker[0] == "unknown"}, confidence

    def _score(self, said: _Said) -> float:
        weights = self.weights
        return sum(weights[name] * value for name, value in said.features.items() if name in weights)

    def save(self, path: Path) -> None:
        """Write the model as JSON, a weight a line.

        Parameters
        ----------
        path : Path
            The file.
        """
        path.write_text(json.dumps({"layout": _LAYOUT, **asdict(self)}, indent=0, sort_keys=True) + "\n", encoding="ascii")


def load_roles(path: Path = SHIPPED) -> RoleModel:
    """Read a model.

    Parameters
    ----------
    path : Path
        The file; the shipped one where left out.

    Returns
    -------
    RoleModel

    Raises
    ------
    ValueError
        Where the file has another layout than this version writes.
    """
    found = json.loads(path.read_text(encoding="ascii"))
    layout = found.pop("layout", None)
    if layout != _LAYOUT:
        raise ValueError(f"{path}: the layout is {layout!r}; allowed is {_LAYOUT}")
    return RoleModel(**found)


def infer_roles(call: Transcript) -> tuple[dict[str, str], float]:
    """Guess roles with the shipped model; what `readers.read` takes as ``infer``.

    Parameters
    ----------
    call : Transcript
        A call with speakers whose role is unknown.

    Returns
    -------
    roles : dict of str to str
        Label to role; see `RoleModel.infer`.
    confidence : float
        0 to 1.
    """
    return _shipped().infer(call)


@cache
def _shipped() -> RoleModel:
    return load_roles()


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer()


def _said(turns: Iterable[Turn]) -> dict[_Speaker, _Said]:
    """Gather what each speaker said, by role and, where that is unknown, label; in order of appearance.

    In how many turns a word stands counts, on a logarithmic scale. Others, and turns that name no speaker, are left out.
    """
    counts: dict[_Speaker, Counter[str]] = {}
    words: Counter[_Speaker] = Counter()
    times: Counter[_Speaker] = Counter()
    told = [turn for turn in turns if turn.speaker != "other" and (turn.speaker != "unknown" or turn.label)]
    read = _tokenizer().read([turn.text for turn in told])
    for number, turn in enumerate(told):
        speaker = (turn.speaker, (turn.label or "") if turn.speaker == "unknown" else "")
        spoken = read.tokens(number).words
        words[speaker] += len(spoken)
        times[speaker] += 1
        pairs = (f"{one} {next_}" for one, next_ in pairwise([_BEGIN, *spoken, _END]))
        counts.setdefault(speaker, Counter()).update(set(chain(spoken, pairs)))
    said = {}
    for speaker, found in counts.items():
        values = {name: math.log1p(number) for name, number in found.items()}
        length = math.sqrt(math.fsum(value * value for value in values.values()))
        # Sums of floats depend on their order; sets of words have none.
        said[speaker] = _Said({name: values[name] / length for name in sorted(values)}, words[speaker], times[speaker])
    return said


# --- fitting ---------------------------------------------------------------------------------------------------------


class _Example(NamedTuple):
    """A call, or what was made of it, with known roles."""

    difference: dict[str, float]  #: the agent's features less the customer's
    evidence: float  #: logarithm of the words of the more silent one


def fit_roles(calls: Iterable[Transcript]) -> RoleModel:
    """Fit a model on calls whose roles are known.

    Parameters
    ----------
    calls : iterable of Transcript
        Those in which not both agent and customer speak are passed over. Calls with the same ``slice`` in their metadata are never split in
        cross-validation, so that what is measured holds for kinds of calls that were not seen.

    Returns
    -------
    RoleModel
        The same, to the last digit, for the same calls in whatever order.

    Raises
    ------
    ValueError
        Where there are too few calls, or all are of one slice.
    """
    import numpy as np

    usable = sorted((call for call in calls if {"agent", "customer"} <= {turn.speaker for turn in call.turns}), key=lambda call: call.call_id)
    kinds = {
        "whole": [_example(call.turns) for call in usable],
        "unpunctuated": [_example(_plain(call.turns)) for call in usable],
        "parts": [_example(_part(_plain(call.turns), number)) for number, call in enumerate(usable)],
    }
    groups = np.array([str(call.metadata.get("slice") or call.call_id) for call in usable])
    if len(set(groups)) < 2:
        raise ValueError(f"{len(usable)} calls of {len(set(groups))} slices with both agent and customer; at least two slices are needed")
    seen = Counter(name for example in kinds["whole"] for name in example.difference)
    names = sorted(name for name, number in seen.items() if number >= _CALLS_A_WORD)
    rows = [_rows(examples, names) for examples in kinds.values()]
    evidence = np.array([[example.evidence for example in examples] for examples in kinds.values()])

    held_out = np.zeros_like(evidence)
    for fold in np.array_split(np.unique(groups), min(_FOLDS, len(set(groups)))):
        out = np.isin(groups, fold)
        weights = _weights([matrix[~out] for matrix in rows])
        for kind, matrix in enumerate(rows):
            held_out[kind, out] = matrix[out] @ weights
    slope = round(float(_regress((held_out * evidence).reshape(-1, 1), 1e6)[0]), 4)
    odds = slope * held_out * evidence
    threshold = _threshold(odds)

    weights = np.round(_weights(rows), 3)
    figures = {
        kind: {
            "calls": len(usable),
            "right": round(float((found > 0).mean()), 4),
            "coverage": round(float(_kept(found, threshold).mean()), 4),
            "right_where_covered": round(float((found[_kept(found, threshold)] > 0).mean()), 4) if _kept(found, threshold).any() else None,
        }
        for kind, found in zip(kinds, odds, strict=True)
    }
    kept = {name: float(weight) for name, weight in zip(names, weights, strict=True) if abs(weight) >= _LEAST_WEIGHT}
    return RoleModel(kept, slope, threshold, figures)


def _threshold(odds: Any) -> float:
    """Return the least confidence at which `RIGHT` of the calls of every kind, short ones too, come out right.

    Parameters
    ----------
    odds : ndarray of shape (n_kinds, n_calls)
        Log-odds of what is right, of calls held out.
    """
    for threshold in _THRESHOLDS:
        if all((found[_kept(found, threshold)] > 0).mean() >= RIGHT for found in odds if _kept(found, threshold).any()):
            return threshold
    return _THRESHOLDS[-1]


def _kept(odds: Any, threshold: float) -> Any:
    return abs(odds) >= math.log(threshold / (1 - threshold))


def _plain(turns: Sequence[Turn]) -> list[Turn]:
    """Return turns as a recogniser without punctuation has them."""
    return [Turn(turn.speaker, _PUNCTUATION.sub(" ", turn.text.lower())) for turn in turns]


def _part(turns: list[Turn], number: int) -> list[Turn]:
    """Return a few turns, every other time out of the middle."""
    start = len(turns) // 2 if number // len(_SHORT) % 2 else 0
    return turns[start : start + _SHORT[number % len(_SHORT)]]


def _example(turns: Sequence[Turn]) -> _Example:
    said = _said(turns)
    nothing = _Said({}, 0, 0)
    agent, customer = said.get(("agent", ""), nothing), said.get(("customer", ""), nothing)
    difference = dict(agent.features)
    for name, value in customer.features.items():
        difference[name] = difference.get(name, 0.0) - value
    return _Example(difference, math.log1p(min(agent.words, customer.words)))


def _rows(examples: Sequence[_Example], names: Sequence[str]) -> Any:
    from scipy.sparse import csr_array

    at = {name: column for column, name in enumerate(names)}
    cells = [(row, at[name], value) for row, example in enumerate(examples) for name, value in sorted(example.difference.items()) if name in at]
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    return csr_array((values, (rows, columns)), shape=(len(examples), len(names)))


def _weights(matrices: Any) -> Any:
    from scipy.sparse import vstack

    return _regress(vstack(matrices, format="csr"), _FREEDOM)


def _regress(differences: Any, freedom: float) -> Any:
    """Fit a logistic regression on differences seen from both sides, so that neither side is preferred."""
    import numpy as np
    from scipy.sparse import issparse, vstack
    from sklearn.linear_model import LogisticRegression

    contrary = differences * -1
    blocks: Any = [differences, contrary]
    both = vstack(blocks, format="csr") if issparse(differences) else np.vstack(blocks)
    first = np.repeat([1, 0], differences.shape[0])
    return LogisticRegression(C=freedom, fit_intercept=False, max_iter=2000).fit(both, first).coef_[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit on the calls of files and folders, and write the model.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process where left out.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m ownership_scorer.roles", description="Fit the model that infers roles.")
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help="files or folders of calls whose roles are known")
    parser.add_argument("--out", type=Path, default=SHIPPED, metavar="FILE", help="the model (default: the one in the package)")
    given = parser.parse_args(arguments)
    calls = []
    try:
        for file in find_files(given.data):
            for record in read(file):
                if isinstance(record, Rejected):
                    raise ReadError(f"{record.file}, line {record.line}: {record.reason}")
                calls.append(record)
        model = fit_roles(calls)
    except ValueError as error:
        parser.error(str(error))
    model.save(given.out)
    sys.stdout.write(f"{given.out}: {len(model.weights):,} weights, threshold {model.threshold}; by cross-validation over slices:\n")
    for kind, found in model.figures.items():
        sys.stdout.write(f"  {kind}: {json.dumps(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
