"""Speed and memory of the pipeline as ratios to a baseline in the same run: `make bench`.

The baseline is what nobody can do without: reading and parsing the same lines. Files may be named
(`python -m tests.bench FILE...`); without any, the labelled pools beside the checkout are used, or generated posts.
"""

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from classifiers.label import load_labeller
from classifiers.screen import screen_many
from flows import collect, steps
from flows.files import aligned
from flows.mapping import to_report
from flows.sources import jsonl, sample
from tests.conftest import ROOT
from tests.flows.sources import bench as collecting
from warehouse import runs
from warehouse.connect import open_working
from warehouse.publish import publish

GENERATED = 20_000


def generated(folder: Path) -> Path:
    """Write seeded posts: one in fifty tells an event of the shipped record, the rest are small talk of its words."""
    rng = random.Random(0)
    entries = sample.record()
    words = sorted({word for entry in entries for word in entry["summary"].split()})
    path = folder / "generated.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(GENERATED):
            told = sample.as_post(rng.choice(entries))
            text = told["text"] if number % 50 == 0 else " ".join(rng.choices(words, k=30))
            item = {**told, "id": f"g:{number}", "url": None, "title": text[:60], "text": text}
            file.write(json.dumps(item) + "\n")
    return path


def inputs() -> list[Path]:
    """Return the files to run on."""
    if sys.argv[1:]:
        return [Path(name) for name in sys.argv[1:]]
    pools = sorted((ROOT.parent / "shared" / "real").glob("*.jsonl.gz"))
    return pools or [generated(Path(tempfile.mkdtemp()))]


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds a call took and what it gave."""
    start = time.perf_counter()
    found = function()
    return time.perf_counter() - start, found


def main() -> None:
    """Run every stage on the same posts and print posts a second, ratio to the baseline, and peak memory."""
    paths = inputs()
    parsing, lines = timed(
        lambda: [entry for path in paths for _, entry in jsonl.entries(path) if isinstance(entry, jsonl.Line)]
    )
    now = datetime.now(UTC)
    mapping, posts = timed(
        lambda: [steps.as_post(to_report(line.item, source_id="import", key=b"k", now=now)) for line in lines]
    )
    screening, verdicts = timed(lambda: list(screen_many(posts)))
    n = len(posts)
    rows = [("parse lines (baseline)", n, parsing), ("map", n, mapping), ("screen", n, screening)]
    db = Path(tempfile.mkdtemp()) / "bench.duckdb"
    loading, labeller = timed(load_labeller)

    def run() -> int:
        with open_working(db) as con:
            run_id = runs.start(con, "bench", "bench")
            collect.load_platforms(con)
            for path in paths:
                collect.import_file(con, path, coverage=None, key=b"k", run_id=run_id)
            steps.screen_pending(con, key=b"k", run_id=run_id)
            labelled = steps.label_pending(con, labeller, run_id=run_id)
            steps.link_pending(con, run_id=run_id)
            publish(con, db, version="bench")
        return labelled

    first, labelled = timed(run)
    again, _ = timed(run)
    rows += [("whole pipeline, first run", n, first), ("whole pipeline, again", n, again)]
    table = [["stage", "posts", "seconds", "posts/s", "times the baseline"]]
    table += [
        [name, f"{count:,}", f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{seconds / parsing:.1f}"]
        for name, count, seconds in rows
    ]
    kept = sum(verdict.kept for verdict in verdicts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(aligned(table))
    sys.stdout.write(
        f"kept by the screen {kept:,} of {n:,} ({kept / max(n, 1):.1%}); labelled {labelled:,}; "
        f"again / first {again / first:.3f}; instrument loaded in {loading:.2f} s; peak memory {peak:,.0f} MiB\n"
    )
    sys.stdout.write("\nposts from a stand-in into the warehouse, by what it holds already\n")
    collecting.main()


if __name__ == "__main__":
    main()
