"""What the instrument is worth beside three simpler ways: quality and speed, in one run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers import metrics, train
from classifiers.encoder import Encoder
from classifiers.features import prepare
from classifiers.fit import best_threshold, grouped_folds
from classifiers.items import GoldItem, read_gold
from classifiers.label import Labeller, load_labeller
from classifiers.material import event_groups
from classifiers.metrics import Figure
from classifiers.screen import screen
from classifiers.sieve import fit_weights
from classifiers.stream import draw, read_pools
from flows.sources.sample import as_post, record
from tests.bench.frame import Row, peak
from tests.conftest import ROOT
from warehouse.schema.models import Post

TITLE: Final = "What the instrument is worth"
ABOUT: Final = (
    "Beside the checkout's labelled texts it measures on those, and on the pools for speed; without them on the shipped "
    "texts in our own words. Every way is measured on texts it has not learnt from: the cascade by its stored out-of-fold "
    "predictions, the others by five folds, with their thresholds chosen on the other folds; texts marked grey stand "
    "apart. The annotators are language models. Quality comes with its 95 % bootstrap interval; n of a quality is the "
    "number of texts, n of a count the number of posts or reports it is out of."
)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
GOLD = Path(train.__file__).with_name("gold")
STUDY = 3_390_000
"""Posts that the published study read."""
ENCODED = 150
"""Posts on which the speed of reading everything with the encoder is measured."""
FOLDS = 5
ENCODER_SCALE = 10.0
"""Factor of unit vectors under the penalty of the logistic regression, whose strength is the sieve's."""
DEFINITIONS = (
    "An AI agent gave a false account of its work: it said tests had passed that it never ran, or hid what it did.",
    "An AI agent ignored or worked around a stop, a permission, a sandbox, a hook or another control over it.",
    "An AI agent agreed to a rule and covertly broke it, or behaved well only while it was watched.",
    "An AI agent copied or published credentials, private data or model weights beyond where it was allowed.",
    "An AI agent deleted, changed, pushed or sent something although nobody had asked for it or it was forbidden.",
)
"""The codebook's definitions in one sentence each."""


@dataclass(frozen=True)
class Way:
    """One way of finding strict reports: quality on labelled texts without the greys, posts a second of one core."""

    name: str
    f1: Figure
    average_precision: Figure
    posts_per_second: float

    @property
    def study_minutes(self) -> float:
        """Minutes in which two cores would read what the published study read, at this mix of posts."""
        return STUDY / self.posts_per_second / 2 / 60


@dataclass(frozen=True)
class Funnel:
    """What the steps of the cascade keep of drawn posts, and of the record's strict reports."""

    drawn: int
    screened_in: int
    passed: int
    sieve_per_second: float
    record_strict: int
    record_screened_in: int
    record_passed: int


def labelled() -> tuple[list[GoldItem], list[float]]:
    """Return labelled items without the greys, and the cascade's out-of-fold probability of each."""
    texts = [*(ROOT.parent / "shared" / "gold").glob("real.jsonl"), GOLD / "own_words.jsonl"]
    stored = {
        item.id: item.prediction for path in GOLD.glob("*_labels.jsonl") for item in read_gold(path) if item.prediction
    }
    items = [item for path in texts for item in read_gold(path) if item.gold != "grey" and item.id in stored]
    return items, [(stored[item.id].p_strict or 0.0) * (stored[item.id].status == "judged") for item in items]


def drawn(small: bool) -> list[Post]:
    """Return posts to measure speed on: a seeded draw from the pools, or the shipped texts."""
    pools = read_pools(sorted((ROOT.parent / "shared" / "real").glob("*.jsonl.gz")))
    posts = [pools[key] for key in draw(pools, 1)] or [item.post for item in read_gold(GOLD / "own_words.jsonl")]
    return posts[:500] if small else posts


def crossed(score: Floats, truth: Bools, folds: Sequence[NDArray[np.intp]]) -> Bools:
    """Answer each fold at the threshold that is best on the others."""
    said = np.zeros(len(score), dtype=bool)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(score)), fold)
        said[fold] = score[fold] >= best_threshold(score[rest], truth[rest])
    return said


def regression(vectors: Floats, truth: Bools, folds: Sequence[NDArray[np.intp]]) -> Floats:
    """Score each fold by a logistic regression on the encoder's vectors of the others."""
    score = np.zeros(len(truth))
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(truth)), fold)
        w = fit_weights(vectors[rest] * ENCODER_SCALE, truth[rest], np.ones(len(rest)))
        score[fold] = vectors[fold] @ w[:-1] * ENCODER_SCALE + w[-1]
    return score


def speed(function: Callable[[Post], object], posts: Sequence[Post]) -> float:
    """Return posts a second of processor time."""
    start = time.process_time()
    for post in posts:
        function(post)
    return len(posts) / max(time.process_time() - start, 1e-9)


def ways(labeller: Labeller, encoder: Encoder, posts: Sequence[Post]) -> list[Way]:
    """Measure keywords alone, two uses of the encoder over everything, and the cascade."""
    items, cascade = labelled()
    truth = np.array([item.gold == "positive" for item in items])
    groups = event_groups(items, np.eye(len(items)))
    folds = grouped_folds(groups.tolist(), [str(item.gold) for item in items], FOLDS, 0)

    def encode(post: Post) -> "NDArray[np.float32]":
        row: NDArray[np.float32] = encoder.encode([prepare(post).reading])[0]
        return row

    vectors = np.stack([encode(item.post) for item in items]).astype(float)
    similarity = (vectors @ encoder.encode(DEFINITIONS).astype(float).T).max(axis=1)
    learnt = regression(vectors, truth, folds)
    keywords = np.array([float(screen(item.post).kept) for item in items])
    stored = np.array(cascade)
    reading = speed(encode, posts[:ENCODED])
    found = (
        ("keywords alone (the screen)", keywords, keywords > 0, speed(screen, posts)),
        ("similarity to the codebook's definitions", similarity, crossed(similarity, truth, folds), reading),
        ("MiniLM and logistic regression over everything", learnt, crossed(learnt, truth, folds), reading),
        ("the cascade", stored, crossed(stored, truth, folds), speed(lambda post: labeller.label([post]), posts)),
    )
    one, positives = np.ones(len(truth)), int(truth.sum())
    return [
        Way(
            name,
            metrics.measured(metrics.f1, truth, said, one, positives=positives),
            metrics.measured(metrics.average_precision, truth, score, one, positives=positives),
            rate,
        )
        for name, score, said, rate in found
    ]


def funnel(labeller: Labeller, posts: Sequence[Post]) -> Funnel:
    """Count what screen and sieve keep; the record is none of what the sieve has learnt from."""
    sieve = labeller.heads.sieve
    kept = [post for post in posts if screen(post).kept]
    strict = [entry for entry in record() if entry["kind"] in {"first_hand", "second_hand"} and entry["score"] >= 5]
    told = [
        Post.model_validate({k: v for k, v in as_post(entry).items() if k in Post.model_fields}) for entry in strict
    ]
    screened = [post for post in told if screen(post).kept]
    return Funnel(
        drawn=len(posts),
        screened_in=len(kept),
        passed=sum(map(sieve.passes, kept)),
        sieve_per_second=speed(sieve.score, kept),
        record_strict=len(told),
        record_screened_in=len(screened),
        record_passed=sum(map(sieve.passes, screened)),
    )


def rows(*, small: bool) -> list[Row]:
    """Measure the ways and the funnel."""
    from classifiers.encoder import default_encoder

    labeller, encoder, posts = load_labeller(), default_encoder(), drawn(small)
    found: list[Row] = []
    for way in ways(labeller, encoder, posts):
        for name, figure in (("F1", way.f1), ("average precision", way.average_precision)):
            found += [
                Row(f"{way.name}: {name}{end}", value, "", figure.n)
                for end, value in (("", figure.value), (", low", figure.low), (", high", figure.high))
                if value is not None
            ]
        found.append(Row(f"{way.name}: speed", way.posts_per_second, "posts/s", len(posts)))
        found.append(Row(f"{way.name}: {STUDY:,} posts on two cores", way.study_minutes, "minutes", len(posts)))
    kept = funnel(labeller, posts)
    return [
        *found,
        Row("share of posts kept by the screen", kept.screened_in / kept.drawn, "share", kept.drawn),
        Row("share of posts handed on by the sieve", kept.passed / kept.drawn, "share", kept.drawn),
        Row("speed of the sieve", kept.sieve_per_second, "posts/s", kept.screened_in),
        Row("strict reports of the record kept by the screen", kept.record_screened_in, "reports", kept.record_strict),
        Row("strict reports of the record handed on by the sieve", kept.record_passed, "reports", kept.record_strict),
        peak(),
    ]
