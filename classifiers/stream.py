"""What the instrument does to a stream: a seeded draw from pools of unlabelled posts goes down the whole cascade."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from classifiers.items import GoldItem
from classifiers.label import Labeller, strip_title
from classifiers.language import is_readable
from classifiers.screen import screen
from warehouse.schema.models import LabelLine, Post

DRAW: Final = 20_000
TRUE_RATIO: Final = 4.9
REPORTS_PER_10K: Final = 2.6
"""What the published study kept of 10,000 posts it read; the base rate used to say what a ratio would show as."""


def read_posts(path: Path) -> list[Post]:
    """Read a pool of posts (JSON lines, gzipped or not)."""
    data = path.read_bytes()
    rows = [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]
    return [
        Post(
            id=row["id"],
            source=row.get("source") or "",
            title=row.get("title") or "",
            text=strip_title(row.get("title") or "", row.get("text") or ""),
            lang=row.get("lang"),
        )
        for row in rows
    ]


def read_pools(pools: Sequence[Path]) -> dict[str, Post]:
    """Read all pools; a post that stands in two is taken once."""
    return {post.id: post for path in pools for post in read_posts(path)}


def draw(posts: Mapping[str, Post], seed: int) -> list[str]:
    """Draw ids at random, without replacement."""
    ids = sorted(posts)
    generator = np.random.default_rng(seed)
    return [ids[row] for row in generator.choice(len(ids), size=min(DRAW, len(ids)), replace=False)] if ids else []


def stream(
    drawn: Sequence[Post],
    labeller: Labeller,
    items: Sequence[GoldItem],
    lines: Sequence[LabelLine],
    recall: float,
    seed: int,
) -> dict[str, Any]:
    """Count what each step of the cascade keeps of the drawn posts, and what is known of those flagged.

    Posts among `items` answer by their out-of-fold line; a flagged post with no label counts as a false alarm.
    """
    held_out = {line.id: line for line in lines}
    judged = [held_out.get(post.id) or labeller.label([post])[0] for post in drawn]
    readable = [post for post in drawn if is_readable(post)]
    kept = sum(screen(post).kept for post in readable)
    flagged = [line.id for line in judged if line.is_strict]
    truth = {item.id: item.gold or "unread" for item in items}
    read = Counter(truth.get(one, "unread") for one in flagged)
    n = max(len(drawn), 1)
    wrong = read["negative"] + read["unread"]
    plain = {item.id for item in items if item.gold == "negative" and (item.stratum or "").endswith("_random")}
    plain_flagged = sum(line.is_strict for line in lines if line.id in plain)
    passed = sum(line.status == "judged" for line in judged)
    return {
        "drawn": len(drawn),
        "seed": seed,
        "funnel": {
            "drawn": len(drawn),
            "in_a_language_that_is_read": len(readable),
            "kept_by_the_screen": kept,
            "passed_by_the_sieve_and_judged": passed,
            "flagged": len(flagged),
        },
        "share_kept_by_the_screen": round(kept / n, 4),
        "share_judged": round(passed / n, 4),
        "flagged": len(flagged),
        "flagged_per_10000": round(1e4 * len(flagged) / n, 2),
        "flagged_by_label": {name: read[name] for name in ("positive", "grey", "negative", "unread")},
        "false_alarms_per_10000": round(1e4 * wrong / n, 2),
        "false_alarms_in_plain_random_draws": {"flagged": plain_flagged, "n": len(plain)},
        "recall_used": round(recall, 3),
        "a_true_4.9_would_show_as": round(ratio_shown(recall, 1e4 * wrong / n), 2),
        "a_true_4.9_would_show_as_if_every_flagged_post_were_false": round(
            ratio_shown(recall, 1e4 * len(flagged) / n), 2
        ),
        "flagged_ids": sorted(flagged),
        "note": "The pools were gathered with AI systems in view and are far richer in events than a stream. Flagged "
        "posts were read by language models working from the codebook, most by two, and are grey where these differ; "
        "flagged negatives and unread ones count as false alarms, grey ones do not.",
    }


def ratio_shown(recall: float, false_per_10k: float, base: float = REPORTS_PER_10K, ratio: float = TRUE_RATIO) -> float:
    """Return the ratio that a true rise by `ratio` from `base` reports per 10,000 would show as."""
    return (recall * base * ratio + false_per_10k) / (recall * base + false_per_10k)
