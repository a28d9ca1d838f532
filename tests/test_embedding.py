"""The library inside somebody else's program: threads, pickles, processes, and nothing changed behind its back."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import ownership_scorer as own


def test_eight_threads_give_the_same_results(tiny, transcripts):
    expected = [tiny.score(t) for t in transcripts]
    fresh = pickle.loads(pickle.dumps(tiny))
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(fresh.score, transcripts * 3)) == expected * 3


def test_a_pickled_scorer_gives_the_same_results(tiny, transcripts):
    assert pickle.loads(pickle.dumps(tiny)).score_batch(transcripts) == tiny.score_batch(transcripts)


def test_a_pickle_holds_nothing_of_what_was_scored(tiny):
    tiny.score(own.Transcript.from_text("Customer: xyzzyplugh please.\nAgent: Xyzzyplugh, certainly."))
    assert b"xyzzyplugh" not in pickle.dumps(tiny).lower()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_scorer_works_in_a_forked_and_in_a_spawned_process(tiny, transcripts, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(own.OwnershipScorer.score, (tiny, transcripts[0])) == tiny.score(transcripts[0])
        pool.close()
        pool.join()


def test_every_public_name_is_there():
    for name in own.__all__:
        assert getattr(own, name) is not None
        assert name in dir(own)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        own.nothing  # noqa: B018


STATE = """
import json, locale, logging, os, signal, sys, warnings
import numpy, pandas, scipy.sparse, scipy.special, sklearn, spacy, joblib, charset_normalizer
from spacy.lang.en import English

def state():
    known = {name: l for name, l in logging.root.manager.loggerDict.items() if isinstance(l, logging.Logger)}
    loggers = {name: (l.level, len(l.handlers), l.propagate, l.disabled) for name, l in known.items()}
    return json.dumps({
        "root": [logging.root.level, len(logging.root.handlers)],
        "loggers": {k: v for k, v in loggers.items() if v != (0, 0, True, False)},
        "warnings": [str(f) for f in warnings.filters],
        "locale": locale.setlocale(locale.LC_ALL),
        "environment": dict(os.environ),
        "signals": [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)],
        "folder": os.getcwd(),
        "hook": repr(sys.excepthook),
        "spacy": {name: sorted(getattr(spacy.registry, name).get_all()) for name in ("factories", "tokenizers", "misc", "callbacks")},
        "extensions": [sorted(vars(spacy.tokens.underscore.Underscore)[k]) for k in ("doc_extensions", "span_extensions", "token_extensions")],
        "numpy": [str(sorted(numpy.geterr().items())), str(numpy.random.get_state()[1][:5])],
        "pandas": str(pandas.get_option("display.max_rows")),
    }, sort_keys=True)

English()
# spaCy itself fills its registries when they are first asked for something.
spacy.registry.ensure_populated()
English()
before = state()
import ownership_scorer as own
for name in own.__all__:
    if name != "distributed":
        getattr(own, name)
import ownership_scorer.cli, ownership_scorer.summary
if len(sys.argv) > 1:
    own.load(sys.argv[1]).score(own.Transcript.from_text("Customer: Hi.\\nAgent: I can help you with that today, no problem.\\nCustomer: Ok.\\nAgent: Bye."))
print(json.dumps([before, state()]))
"""


def test_importing_and_scoring_change_nothing_global(model_folder):
    done = subprocess.run([sys.executable, "-c", STATE, str(model_folder)], capture_output=True, text=True, check=True)
    before, after = (json.loads(state) for state in json.loads(done.stdout))
    assert after == before
