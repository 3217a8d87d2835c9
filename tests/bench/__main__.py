"""`make bench`: measures, and prints a table of medians and their ratios to the pass-through."""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import tools
from tests.bench.subjects import Hub, Subject, direct, passthrough

CASES = {
    "json c=1": (1, "json", "mock"),
    "json c=32": (32, "json", "mock"),
    "sse 16 streams": (16, "sse", "mock"),
    "sse 1 stream, 5 ms chunks": (1, "sse", "mock-5ms"),
}
FIGURES = {
    "json c=1": {"p50": "p50 µs", "p99": "p99 µs", "cpu": "CPU µs/request"},
    "json c=32": {"rps": "requests/s", "p99": "p99 µs", "cpu": "CPU µs/request"},
    "sse 16 streams": {
        "chps": "chunks/s",
        "ttfb50": "first chunk p50 µs",
        "cd99": "chunk delay p99 µs",
    },
    "sse 1 stream, 5 ms chunks": {"cd50": "chunk delay p50 µs", "cd99": "chunk delay p99 µs"},
}
ADDED = frozenset({"p50", "p99"})
"""Latencies at c=1 are compared by what the proxy adds to the direct call."""

Table = dict[str, dict[str, dict[str, list[float]]]]


def body_file(folder: Path, model: str, mode: str) -> Path:
    """Write a chat request of about 1 KB."""
    text = ("The quick brown fox jumps over the lazy dog. " * 20)[:850]
    body: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": text}]}
    if mode == "sse":
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    path = folder / f"{model}-{mode}.json"
    path.write_text(json.dumps(body, separators=(",", ":")))
    return path


def measure(subject: Subject, case: str, folder: Path, seconds: float) -> dict[str, float]:
    """One round of one case against one subject."""
    concurrency, mode, model = CASES[case]
    body = body_file(folder, model, mode)
    before = tools.cpu_s(subject.pid)
    figures = tools.load(subject.port, (concurrency, mode, body), seconds, subject.headers)
    used = tools.cpu_s(subject.pid) - before
    return {**figures, "cpu": used / figures["n"] * 1e6}


def collect(subjects: Sequence[Subject], folder: Path, rounds: int, seconds: float) -> Table:
    """All rounds of all cases, the subjects in turns."""
    table: Table = {}
    for case, names in FIGURES.items():
        for subject in subjects:
            measure(subject, case, folder, min(1.0, seconds))
        for _ in range(rounds):
            for subject in subjects:
                print(f"\r{case}: {subject.name}{' ' * 20}", end="", file=sys.stderr, flush=True)
                figures = measure(subject, case, folder, seconds)
                for name in names:
                    row = table.setdefault(case, {}).setdefault(name, {})
                    row.setdefault(subject.name, []).append(figures[name])
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return table


def report(table: Table) -> list[str]:
    """The table as Markdown rows."""
    lines = ["| | | direct | pass-through | TokenHub | ratio |", "|---|---|---|---|---|---|"]
    for case, rows in table.items():
        for name, values in rows.items():
            middle = {subject: statistics.median(found) for subject, found in values.items()}
            lines.append(
                _row(case, FIGURES[case][name], middle, added=name in ADDED and case == "json c=1")
            )
    return lines


def _row(case: str, label: str, middle: Mapping[str, float], *, added: bool) -> str:
    base = middle["direct"] if added else 0.0
    ratio = (middle["TokenHub"] - base) / (middle["pass-through"] - base)
    shown = " | ".join(f"{middle[name]:,.0f}" for name in ("direct", "pass-through", "TokenHub"))
    return f"| {case} | {label} | {shown} | {ratio:.2f}{' (added)' if added else ''} |"


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each case (3)")
    parser.add_argument("--seconds", type=float, default=4, help="seconds of each round (4)")
    parser.add_argument(
        "--requests", type=int, default=100_000, help="requests before memory is read"
    )
    options = parser.parse_args()
    try:
        tools.build()
        with tempfile.TemporaryDirectory() as name, direct() as upstream:
            folder = Path(name)
            hub = Hub(folder / "home", upstream)
            with passthrough(upstream) as plain, hub.running() as subject:
                table = collect((upstream, plain, subject), folder, options.rounds, options.seconds)
                body = body_file(folder, "mock", "json")
                fresh = tools.rss_mb(subject.pid)
                tools.load(subject.port, (32, "json", body), 600, subject.headers, options.requests)
                used = tools.rss_mb(subject.pid)
            starts = [hub.start_s(body) for _ in range(5)]
    except tools.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print("\n".join(report(table)))
    median_s = statistics.median(starts)
    print(f"\nstart to first served request: median {median_s:.2f} s of {len(starts)}")
    print(f"memory: {fresh:.0f} MB after the rounds,", end=" ")
    print(f"{used:.0f} MB after {options.requests:,} more requests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
