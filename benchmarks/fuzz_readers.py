"""Throw broken files at every reader, and count what comes back.

Each reader runs in a process of its own on mutations of the fixtures of its format: a JSON document is changed in its structure (values of other types,
missing and doubled keys, parts of other formats), any file in its bytes and lines. An input counts as failed where `read` raises, takes longer than
``--timeout``, or gives back something that cannot be scored or written.

    python benchmarks/fuzz_readers.py --inputs 1000000

Failing inputs are kept under ``--keep``. The table at the end gives, for each reader, inputs, calls and rejections given back, exceptions, hangs, and memory:
after the first tenth of the inputs, at the end, and at the peak.
"""

import argparse
import copy
import io
import json
import math
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

from ownership_scorer.readers import ReadOptions, Rejected, inspect_file, read, read_frame
from ownership_scorer.transcript import Transcript

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "readers" / "fixtures"
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, -1e308, 1e308, float("inf"), float("nan"), 0.1, "", " ", "0", "-1", "1e999", "NaN", "agent",
    "Customer",
    "00:00:01", "99:99:99.999", "PT5S", "PT", "2025-03-06T10:00:00Z", "0001-01-01", "9999-12-31T23:59:59+14:00", "1.5s", "\ud800", "\x00", "😀", "\u202e",
    "[noise]",
    "[PII]", "<p>x</p>", "&amp;", "Agent: hi\nCustomer: yo", "x" * 5000, "{", "[[", [], {}, [[]], [{}], [None], {"": None}, [["a", "b"]], {"text": "t",
    "speaker": "s"},
]  # fmt: skip
TOKENS = [
    b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\n\n", b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    b"\xc3", b"{", b"}",
    b"[", b"]", b":", b"-->", b"00:00:01.000 --> 00:00:02.000", b"WEBVTT\n\n", b"NOTE\n", b"<v Bo>", b"</v>", b"<c>", b"Agent: ", b"[00:01] ", b"**",
    b"null", b"1e999",
    b"\\u0000", b"\\ud800", b"\\", b"&lt;", b"<br>", b"\xe2\x80\xa8", b"9" * 400, b"&#" + b"9" * 5000, b"[" * 70, b"A" * 3000, b"-",
    b"call_id,speaker,text\n", b"PAR1",
    b"PK\x03\x04",
]  # fmt: skip
SHORT = ReadOptions(max_turns=2000, max_file_bytes=4_000_000, max_record_bytes=200_000, agent_channel="0", speaker_map={"A": "agent"})
LINES = ReadOptions(max_group_bytes=64, max_record_bytes=400)


class Hang(BaseException):
    """An input took too long."""


def mutate_json(text: str, others: list[Any], rng: random.Random) -> Any:
    doc = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        if not isinstance(doc, dict | list) or not doc:
            return rng.choice(ODD)
        node, key = doc, None
        while key is None or (isinstance(node[key], dict | list) and node[key] and rng.random() < 0.85):
            node = node if key is None else node[key]
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        what = rng.randrange(9)
        if what <= 2:
            node[key] = copy.deepcopy(rng.choice(ODD))
        elif what == 3:
            del node[key]
        elif what == 4 and isinstance(node, list):
            node.insert(rng.randrange(len(node) + 1), copy.deepcopy(node[key]))
        elif what == 4:
            node[rng.choice((str(key).upper(), str(key) + "s", "text", "speaker", "start", "role", "id", "channel"))] = node.pop(key)
        elif what == 5:
            node[key] = [node[key]]
        elif what == 6:
            node[key] = {"x": node[key]}
        elif what == 7:
            other = rng.choice(others)
            node[key] = copy.deepcopy(rng.choice(list(other.values())) if isinstance(other, dict) and other else other)
        elif isinstance(node[key], str):
            node[key] = mutate_bytes(node[key].encode("utf-8", "replace"), [], rng).decode("utf-8", "replace")
        elif isinstance(node[key], int | float):
            node[key] = node[key] * rng.choice((-1, 1000, 1e-6, 1e12)) if -1e200 < node[key] < 1e200 else 0
    return doc


def mutate_bytes(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(out) + 1)
        end = min(len(out), at + rng.choice((1, 4, 40, 400)))
        what = rng.randrange(8)
        if what == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif what == 1:
            del out[at:end]
        elif what == 2:
            out[at:at] = out[at:end] * rng.choice((1, 2, 20))
        elif what <= 5:
            out[at:at] = rng.choice(TOKENS)
        elif what == 6 and others:
            other = rng.choice(others)
            cut = rng.randrange(len(other) + 1)
            out[at:] = other[cut:]
        else:
            lines = bytes(out).split(b"\n")
            rng.shuffle(lines)
            out = bytearray(b"\n".join(lines))
    return bytes(out[:300_000])


def check(result: Any) -> None:
    if isinstance(result, Rejected):
        assert result.reason.encode()
        assert not result.reason.startswith("the reader failed"), result.reason
        (result.call_id or "").encode()
        return
    assert isinstance(result, Transcript)
    assert result.call_id
    result.call_id.encode()
    for value in (result.agent_id, result.customer_id, result.started_at, result.channel):
        assert value is None or value.encode() is not None
    for turn in result.turns:
        turn.text.encode()
        (turn.label or "").encode()
        assert turn.text.strip()
        assert turn.start is None or (math.isfinite(turn.start) and turn.start >= 0)
        assert turn.end is None or (math.isfinite(turn.end) and turn.end >= (turn.start or 0))
    assert {"format", "roles", "times", "segments", "dropped", "doubts"} <= result.metadata.keys()


def workbook(rng: random.Random) -> bytes:
    import pandas as pd

    data = io.BytesIO()
    odd = ["x", None, 1.5, True, "", "00:01", pd.Timestamp("2025-03-06"), "Agent: hi\nCustomer: yo", -3, "[{", "agent"]
    headings = ["call_id", "speaker", "text", rng.choice(["start", "turn", "role", "transcript"])]
    pd.DataFrame({h: ["a", "agent", rng.choice(odd), rng.choice(odd)] for h in headings}).to_excel(data, index=False)
    return data.getvalue()


def parquet(rng: random.Random) -> bytes:
    import pandas as pd

    data = io.BytesIO()
    turns = [[{"speaker": "agent", "text": "hi", "start": 0.5}], [{"speaker": "customer", "text": "yo", "start": 1.0}]]
    frames = ({"id": ["a", "b"], "turns": turns}, {"call_id": ["a", "a"], "speaker": ["agent", "customer"], "text": ["hi", "yo"]})
    frame = pd.DataFrame(rng.choice(frames))
    frame[rng.choice(["text", "start", "role", "messages", "channel", "x"])] = rng.choice([1, None, "Agent: hi\nCustomer: yo", 2.5, b"\xff"])
    frame.to_parquet(data)
    return data.getvalue()


def frame_of(rng: random.Random) -> Any:
    import pandas as pd

    headings = rng.sample(["call_id", "speaker", "role", "text", "transcript", "start", "end", "turn", "channel", "id", "x", "agent_id"], rng.randrange(1, 7))
    columns = {h: [copy.deepcopy(rng.choice(ODD)) if rng.random() < 0.6 else rng.choice(("agent", "c1", "hello", 1.5)) for _ in range(4)] for h in headings}
    return pd.DataFrame({h: pd.Series(values, dtype=object) for h, values in columns.items()})


def make(reader: str, seeds: list[bytes], docs: list[str], every: tuple[list[bytes], list[Any]], rng: random.Random) -> bytes:
    if reader in ("XLSX", "Parquet"):
        data = (workbook if reader == "XLSX" else parquet)(rng) if rng.random() < 0.5 else rng.choice(seeds)
        return data if rng.random() < 0.3 else mutate_bytes(data, every[0], rng)
    if docs and rng.random() < 0.75:
        return json.dumps(mutate_json(rng.choice(docs), every[1], rng), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutate_bytes(rng.choice(seeds), every[0], rng)


def run(reader: str, seeds: list[bytes], every: tuple[list[bytes], list[Any]], inputs: int, settings: argparse.Namespace, pipe: Any) -> None:
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(Hang()))
    rng = random.Random(f"{settings.seed}/{reader}")
    docs = []
    for seed in seeds:
        try:
            docs.append(json.dumps(json.loads(seed)))
        except ValueError:
            continue
    counts: dict[str, int] = defaultdict(int)
    memory = []
    folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    path = Path(folder.name) / "input"
    slowest = 0.0
    for number in range(inputs):
        frame = frame_of(rng) if reader == "DataFrame" else None
        data = b"" if frame is not None else make(reader, seeds, docs, every, rng)
        options = LINES if number % 7 == 0 else SHORT
        began = time.perf_counter()
        try:
            signal.setitimer(signal.ITIMER_REAL, settings.timeout)
            if frame is not None:
                results = read_frame(frame, options)
            else:
                path.write_bytes(data)
                results = read(path, options)
            for result in results:
                check(result)
                counts["rejected" if isinstance(result, Rejected) else "calls"] += 1
            if number % 50 == 0 and frame is None:
                inspect_file(path, options)
        except (Exception, Hang) as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            kind = "hangs" if isinstance(error, Hang) else "exceptions"
            counts[kind] += 1
            if counts[kind] <= 5:
                settings.keep.mkdir(parents=True, exist_ok=True)
                kept = settings.keep / f"{reader.replace('/', '_').replace(' ', '_')}-{kind}-{number}"
                kept.write_bytes(data if frame is None else frame.to_csv().encode("utf-8", "replace"))
                print(f"{reader}: {kept}\n{''.join(traceback.format_exception(error)[-4:])}", file=sys.stderr, flush=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.perf_counter() - began)
        if number in (inputs // 10, inputs - 1):
            memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6)
    folder.cleanup()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    pipe.send((dict(counts), memory[0], memory[-1], peak, slowest))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="in total, over all readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="readers whose name holds this")
    parser.add_argument("--start", help="the first reader to run, where a run goes on that was broken off")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds for one input")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    settings = parser.parse_args()
    rng = random.Random(settings.seed)
    seeds: dict[str, list[bytes]] = defaultdict(list)
    for fixture in sorted(FIXTURES.iterdir()):
        first = next(read(fixture))
        name = first.metadata["format"] if isinstance(first, Transcript) else "vCon, signed or encrypted (refused)"
        seeds[name].append(fixture.read_bytes())
    every_bytes = [data for group in seeds.values() for data in group]
    every_docs = []
    for data in every_bytes:
        try:
            every_docs.append(json.loads(data))
        except ValueError:
            continue
    shares = dict.fromkeys(seeds, 1.0) | {"XLSX": 0.05, "Parquet": 0.1, "DataFrame": 0.1}
    seeds["XLSX"], seeds["Parquet"], seeds["DataFrame"] = [workbook(rng) for _ in range(4)], [parquet(rng) for _ in range(4)], [b""]
    chosen = [name for name in shares if not settings.only or settings.only.lower() in name.lower()]
    chosen = chosen[chosen.index(settings.start) if settings.start else 0 :]
    unit = settings.inputs / sum(shares[name] for name in chosen)
    headings = (("inputs", 9), ("calls", 9), ("rejected", 9), ("exceptions", 11), ("hangs", 6), ("slowest s", 10), ("MB at 10%", 10), ("at end", 8))
    print("reader".ljust(44) + "".join(name.rjust(width) for name, width in (*headings, ("peak", 8))), flush=True)
    totals: dict[str, int] = defaultdict(int)
    for name in chosen:
        inputs = max(20, round(unit * shares[name]))
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=run, args=(name, seeds[name], (every_bytes, every_docs), inputs, settings, there))
        process.start()
        there.close()
        try:
            counts, early, late, peak, slowest = here.recv()
        except EOFError:
            print(f"{name:44s}{inputs:9d} the process died", flush=True)
            totals["exceptions"] += 1
            continue
        finally:
            process.join()
        for key, value in (("inputs", inputs), *counts.items()):
            totals[key] += value
        columns = "".join(f"{counts.get(key, 0):{width}d}" for key, width in headings[1:5])
        print(f"{name:44s}{inputs:9d}{columns}{slowest:10.2f}{early:10.0f}{late:8.0f}{peak:8.0f}", flush=True)
    print(f"{'all':44s}{totals['inputs']:9d}{totals['calls']:9d}{totals['rejected']:9d}{totals['exceptions']:11d}{totals['hangs']:6d}", flush=True)
    sys.exit(1 if totals["exceptions"] or totals["hangs"] else 0)


if __name__ == "__main__":
    main()
