"""What one more report costs linking, by how many the index holds, against comparing it with every report held."""

import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from classifiers.linking.gold import load_gold
from classifiers.linking.index import CANDIDATES, COPIES, Filing, Held, candidates, event_keys, filing, nearest_anchors
from classifiers.linking.pairs import Profile, default_weights, features, log_odds, profile
from flows.link import batch_size
from tests.bench.frame import Row, Spent, clocked, held_against, peak, rate
from warehouse import linking
from warehouse.connect import open_working
from warehouse.schema.models import Linkable

TITLE: Final = "Finding what tells the same event"
ABOUT: Final = (
    "The index is filled with the keys of generated reports, then a batch of new ones, as many as the run takes at that "
    "size, asks it on one processor: copies and candidates found and ranked, the encoder left out. A report's keys of "
    "near copies and figures are its own; words and anchors are shared by many, as in life. Then some of them are compared "
    "with all of their candidates. The notebook compares each new report with every one held: cosine of TF-IDF vectors in "
    "scikit-learn, the fitting left out. Its cost grows with what is held; what the index pays for a hundred times more "
    "is the ratio of the last rows."
)
POOL = 10_000
BATCH = 1000
COMPARED = 300
SIZES = (10_000, 100_000, 1_000_000)
# Beyond, the notebook's comparison takes minutes and tens of gigabytes.
NOTEBOOK = 100_000
SEED = 20261121
DAYS = 540
START = datetime(2025, 4, 1, tzinfo=UTC)


def generated(count: int, seed: int) -> list[Linkable]:
    """Return reports made of sentences of the shipped gold texts, with some words and figures drawn anew."""
    draw = random.Random(seed)
    sentences = [s for text in load_gold("retellings") for s in text.report.text.split(". ") if len(s) > 30]
    vocabulary = sorted({word for sentence in sentences for word in sentence.split()})
    return [
        Linkable(
            id=f"g{number}",
            title="",
            text=". ".join(draw.sample(sentences, 2))
            + f" {draw.choice(vocabulary)} {draw.choice(vocabulary)}x{draw.randrange(10**6)} {draw.randrange(5000)}",
            created_at=START + timedelta(days=DAYS * number / max(count, 1)),
        )
        for number in range(count)
    ]


@dataclass(frozen=True)
class Drawn:
    """A generated report as the index knows it, and ready for comparison."""

    filing: Filing
    events: Mapping[int, float]
    profile: Profile


def drawn(count: int, seed: int) -> list[Drawn]:
    """Return generated reports with vectors drawn around the shipped anchors."""
    weights, draw = default_weights(), np.random.default_rng(seed)
    anchors = weights.anchor_vectors()
    vectors = anchors[draw.integers(0, len(anchors), count)] + 0.6 / np.sqrt(384) * draw.standard_normal(
        (count, 384)
    ).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = []
    for report, vector, nearest in zip(generated(count, seed), vectors, nearest_anchors(vectors, weights), strict=True):
        one = filing(report)
        found.append(Drawn(one, event_keys(one.clues, nearest, weights), profile(one.clues, vector, weights)))
    return found


def fill(db: Path, pool: list[Drawn], size: int) -> None:
    """Put the keys of `size` reports into the index: the pool over and over, each time with copy keys of its own."""
    near = np.array([key for one in pool for key in one.filing.near])
    near_of = np.array([number for number, one in enumerate(pool) for _ in one.filing.near])
    shared: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(pool):
        for key in one.events:
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
            added = {
                "copy_keys": (near ^ (again * 7_919_000_003), near_of),
                "blocking_keys": (event[stays], event_of[stays]),
            }
            for index, (keys, of) in added.items():
                numbers = again * len(pool) + of
                names = pa.array([f"g:{n}" for n in numbers])
                con.register("rows", pa.table({"block_key": keys, "report_id": names, "filed": numbers}))
                con.execute(f"INSERT INTO {index} SELECT * FROM rows")
                con.unregister("rows")


def _asked(size: int, pool: list[Drawn], new: Sequence[Drawn]) -> tuple[Spent, int, dict[int, list[int]]]:
    """Fill an index and ask it; return what that took, its rows, and the candidates of each new report."""
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "x.duckdb"
        fill(db, pool, size)
        with open_working(db) as con:
            con.execute("SET threads = 1")
            held_rows = sum(con.execute(f"SELECT count(*) FROM {index}").fetchall()[0][0] for index in linking.INDEXES)

            def ask() -> dict[int, list[int]]:
                found = {}
                for index, count in (("copy_keys", COPIES), ("blocking_keys", CANDIDATES)):
                    asking: dict[int, Mapping[int, float]] = {
                        size + at: dict.fromkeys(one.filing.near, 1.0) if index == "copy_keys" else one.events
                        for at, one in enumerate(new)
                    }
                    keys = {key for own in asking.values() for key in own}
                    found = candidates(asking, Held(*linking.under(con, index, keys)), count)
                return found

            ask()
            spent, found = clocked(ask)
    return spent, held_rows, found


def _compared(
    size: int, pool: list[Drawn], new: Sequence[Drawn], found: Mapping[int, Sequence[int]]
) -> tuple[Spent, int]:
    """Compare some of the new reports with all their candidates; return what that took and how many pairs they were."""
    weights = default_weights()
    some = list(found)[:: max(1, len(found) // COMPARED)][:COMPARED]
    pairs = [
        (new[number - size].profile, pool[other % len(pool)].profile if other < size else new[other - size].profile)
        for number in some
        for other in found[number]
    ]
    spent, _ = clocked(lambda: [log_odds(features(one, other), weights) for one, other in pairs])
    return spent, len(some)


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
    sizes, pool_size, widest = ((2000, 4000), 2000, 2000) if small else (SIZES, POOL, NOTEBOOK)
    pool, every = drawn(pool_size, SEED), drawn(200 if small else max(map(batch_size, sizes)), SEED + 1)
    found: list[Row] = []
    indexed: list[Row] = []
    scored: list[Row] = []
    for size in sizes:
        new = every[: batch_size(size)]
        notebook = None
        if size <= widest:
            batch = min(BATCH, len(new))
            notebook = rate(f"notebook, {size:,} held", batch, _notebook(size, batch), "reports/s")
            found.append(notebook)
        spent, held_rows, candidates_of = _asked(size, pool, new)
        indexed.append(rate(f"index, {size:,} held", len(new), spent, "reports/s", against=notebook))
        mean = sum(map(len, candidates_of.values())) / len(new)
        found += [indexed[-1], Row(f"candidates a report, {size:,} held", mean, "reports", len(new))]
        spent, n = _compared(size, pool, new, candidates_of)
        scored.append(rate(f"compared with all candidates, {size:,} held", n, spent, "reports/s"))
        found += [scored[-1], Row(f"rows of the index, {size:,} held", held_rows, "rows", size)]
    for name, measured in (("finding", indexed), ("comparing", scored)):
        least, most = (
            Row(f"{name}, one more report, {which} index", 1 / row.value, "s", row.n)
            for which, row in (("smallest", measured[0]), ("largest", measured[-1]))
        )
        found += [least, held_against(most, least)]
    return [*found, peak()]
