"""What one more report costs linking, by how many the index holds: `make bench` (or `python -m tests.bench_linking`).

The index is filled with keys of generated reports, then a batch of new ones asks it. A report's own keys of near copies
and figures are its own; words and anchors are shared by many, as in life. The encoder is left out.
"""

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from classifiers.linking.clues import read
from classifiers.linking.index import Filing, candidates, copy_keys, event_keys, key_hash, nearest_anchors
from classifiers.linking.pairs import default_weights
from classifiers.linking.speed import generated
from flows.files import aligned
from warehouse import linking
from warehouse.connect import open_working

POOL = 10_000
BATCH = 1000
SIZES = (10_000, 100_000, 1_000_000)
SEED = 20261121


def filings(count: int, seed: int) -> list[Filing]:
    """Return generated reports with vectors drawn around the shipped anchors."""
    weights, draw = default_weights(), np.random.default_rng(seed)
    anchors = weights.anchor_vectors()
    vectors = anchors[draw.integers(0, len(anchors), count)] + 0.6 / np.sqrt(384) * draw.standard_normal(
        (count, 384)
    ).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = []
    for report, vector, nearest in zip(generated(count, seed), vectors, nearest_anchors(vectors, weights), strict=True):
        clues = read(report)
        event = {key_hash(key): weight for key, weight in event_keys(clues, nearest, weights).items()}
        found.append(Filing(report, vector, (), tuple(map(key_hash, copy_keys(clues))), event))
    return found


def fill(db: Path, pool: list[Filing], size: int) -> None:
    """Put the keys of `size` reports into the index: the pool over and over, each time with near keys of its own."""
    near = np.array([key for filing in pool for key in filing.near])
    near_of = np.array([number for number, filing in enumerate(pool) for _ in filing.near])
    shared: dict[int, list[int]] = defaultdict(list)
    for number, filing in enumerate(pool):
        for key in filing.event:
            shared[key].append(number)
    # A key that n reports of the pool share is full after PER_KEY / n rounds: earlier ones have dropped out of it.
    rounds = [
        (key, number, -(-linking.PER_KEY // len(numbers)))
        for key, numbers in shared.items()
        for number in numbers[-linking.PER_KEY :]
    ]
    event, event_of, lasts = (np.array(column) for column in zip(*rounds, strict=True))
    whole = size // len(pool)
    with open_working(db) as con:
        for again in range(whole):
            stays = lasts >= whole - again
            keys = np.concatenate([near ^ (again * 7_919_000_003), event[stays]])
            numbers = again * len(pool) + np.concatenate([near_of, event_of[stays]])
            rows = pa.table({"block_key": keys, "report_id": pa.array([f"g:{n}" for n in numbers]), "filed": numbers})
            con.register("rows", rows)
            con.execute("INSERT INTO blocking_keys SELECT * FROM rows")
            con.unregister("rows")


def main() -> None:
    """Print, for each size of the index, what finding candidates for one batch costs and how many each report gets."""
    pool, new = filings(POOL, SEED), filings(BATCH, SEED + 1)
    rows = [["reports in the index", "rows", "candidates a second", "of it in the index", "candidates a report"]]
    rates = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            db = Path(folder) / "x.duckdb"
            fill(db, pool, size)
            with open_working(db) as con:
                con.execute("SET threads = 1")
                held_rows = con.execute("SELECT count(*) FROM blocking_keys").fetchall()[0][0]
                linking.under(con, new[0].keys)
                start = time.process_time()
                held = linking.under(con, [key for filing in new for key in filing.keys])
                asked = time.process_time() - start
                found = [candidates(filing, held) for filing in new]
                whole = time.process_time() - start
        rates.append(BATCH / whole)
        mean = sum(map(len, found)) / len(found)
        rows.append([f"{size:,}", f"{held_rows:,}", f"{BATCH / whole:,.0f}", f"{asked / whole:.0%}", f"{mean:.1f}"])
    sys.stdout.write(aligned(rows))
    sys.stdout.write(
        f"batches of {BATCH:,} on one processor; from {SIZES[0]:,} to {SIZES[-1]:,} reports the cost of one more "
        f"grows by a factor of {rates[0] / rates[-1]:.2f}\n"
    )


if __name__ == "__main__":
    main()
