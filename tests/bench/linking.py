"""What one more report costs linking, by how many the index holds, against comparing it with every report held."""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from classifiers.linking.clues import read
from classifiers.linking.index import Filing, candidates, copy_keys, event_keys, key_hash, nearest_anchors
from classifiers.linking.pairs import default_weights
from classifiers.linking.speed import generated
from tests.bench.frame import Row, Spent, clocked, held_against, peak, rate
from warehouse import linking
from warehouse.connect import open_working

TITLE: Final = "Finding what tells the same event"
ABOUT: Final = (
    "The index is filled with the keys of generated reports, then a batch of new ones asks it on one processor: candidates "
    "found and ranked, the encoder left out. A report's keys of near copies and figures are its own; words and anchors are "
    "shared by many, as in life. The notebook compares each new report with every one held: cosine of TF-IDF vectors in "
    "scikit-learn, the fitting left out. Its cost grows with what is held; what the index pays for a thousand times more "
    "is the ratio of the last row."
)
POOL = 10_000
BATCH = 1000
SIZES = (10_000, 100_000, 1_000_000)
# Beyond, the notebook's comparison takes minutes and tens of gigabytes.
NOTEBOOK = 100_000
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


def _asked(size: int, pool: list[Filing], new: list[Filing]) -> tuple[Spent, int, float]:
    """Fill an index and ask it; return what that took, its rows and how many candidates a report got."""
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "x.duckdb"
        fill(db, pool, size)
        with open_working(db) as con:
            con.execute("SET threads = 1")
            held_rows = con.execute("SELECT count(*) FROM blocking_keys").fetchall()[0][0]
            linking.under(con, new[0].keys)

            def ask() -> list[Any]:
                held = linking.under(con, [key for filing in new for key in filing.keys])
                return [candidates(filing, held) for filing in new]

            spent, found = clocked(ask)
    return spent, held_rows, sum(map(len, found)) / len(found)


def _notebook(size: int, batch: int) -> Spent:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import linear_kernel

    texts = [report.text for report in generated(size, SEED)]
    new = [report.text for report in generated(batch, SEED + 1)]
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2)
    held = vectors.fit_transform(texts)

    def compare() -> None:
        for first in range(0, batch, 100):
            linear_kernel(vectors.transform(new[first : first + 100]), held).argsort(axis=1)[:, -20:]

    return clocked(compare)[0]


def rows(*, small: bool) -> list[Row]:
    """Measure each size of the index."""
    sizes, pool_size, batch, widest = ((2000, 4000), 2000, 100, 2000) if small else (SIZES, POOL, BATCH, NOTEBOOK)
    pool, new = filings(pool_size, SEED), filings(batch, SEED + 1)
    found: list[Row] = []
    indexed: list[Row] = []
    for size in sizes:
        notebook = None
        if size <= widest:
            notebook = rate(f"notebook, {size:,} held", batch, _notebook(size, batch), "reports/s")
            found.append(notebook)
        spent, held_rows, mean = _asked(size, pool, new)
        indexed.append(rate(f"index, {size:,} held", batch, spent, "reports/s", against=notebook))
        found += [indexed[-1], Row(f"candidates a report, {size:,} held", mean, "reports", batch)]
        found.append(Row(f"rows of the index, {size:,} held", held_rows, "rows", size))
    first, last = indexed[0], indexed[-1]
    grown = Row("cost of one more report, largest index", 1 / last.value, "s", batch)
    least = Row("cost of one more report, smallest index", 1 / first.value, "s", batch)
    return [*found, least, held_against(grown, least), peak()]
