"""How fast linking is and how much memory its index takes, on generated reports, the encoder left out."""

import random
import resource
import time
from datetime import UTC, datetime, timedelta

from classifiers.linking.clues import read
from classifiers.linking.gold import load_gold
from classifiers.linking.index import Lists, copy_keys, event_keys, nearest_anchors
from classifiers.linking.pairs import default_weights, features, log_odds, profile
from warehouse.schema.models import Linkable

SAMPLE = 2000
CHUNK = 1000
DAYS = 540
START = datetime(2025, 4, 1, tzinfo=UTC)


def generated(count: int, seed: int) -> list[Linkable]:
    """Return reports made of sentences of the shipped gold texts, with some words and figures drawn anew."""
    draw = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
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


def measure_speed(count: int, *, seed: int = 20261121) -> dict[str, float]:
    """File `count` reports and compare the last `SAMPLE` with their candidates; rates per processor second, MiB.

    Vectors are drawn around the shipped anchors. `keys`: reading a report and making its keys. `candidates`: looking up
    and ranking candidates and filing the report. `scored`: comparing a report with all of its candidates.
    """
    import numpy as np

    weights, lists = default_weights(), Lists()
    anchors, draw = weights.anchor_vectors(), np.random.default_rng(seed)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = {"keys": 0.0, "candidates": 0.0, "scored": 0.0}
    compared = timed = 0
    profiles = {}
    # Generated in chunks, so that what is measured is the index and not the benchmark's own texts.
    reports = generated(min(count, 20 * CHUNK), seed)
    for first in range(0, count, CHUNK):
        rows = draw.integers(0, len(anchors), CHUNK)
        vectors = anchors[rows] + 0.6 / np.sqrt(384) * draw.standard_normal((CHUNK, 384)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        nearest = nearest_anchors(vectors, weights)
        for number in range(first, min(first + CHUNK, count)):
            sampled = number >= count - SAMPLE
            moment = time.process_time()
            report = reports[number % len(reports)]
            shift = timedelta(days=DAYS * number / count)
            report = report.model_copy(update={"created_at": START + shift})
            clues = read(report)
            keys = event_keys(clues, nearest[number - first], weights)
            copy_keys(clues)
            seconds["keys"] += (time.process_time() - moment) * sampled
            moment = time.process_time()
            found = lists.best(keys)
            lists.add(number, keys)
            seconds["candidates"] += (time.process_time() - moment) * sampled
            if number >= count - 2 * SAMPLE:
                profiles[number] = profile(clues, vectors[number - first], weights)
            if sampled:
                timed += 1
                known = [profiles[other] for other in found if other in profiles]
                moment = time.process_time()
                for other in known:
                    log_odds(features(profiles[number], other), weights)
                seconds["scored"] += time.process_time() - moment
                compared += len(known)
    return {
        "reports": count,
        "keys_per_second": round(timed / seconds["keys"]),
        "candidates_per_second": round(timed / seconds["candidates"]),
        "pairs_scored_per_second": round(compared / seconds["scored"]),
        "candidates_per_report": round(compared / timed, 1),
        "process_mib_grown": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024, 1),
    }
