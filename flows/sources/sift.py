"""What is stored of a stream too large to keep: every post looked at in memory, few kept, all counted.

Kept are the posts that name an agent or show a conversation, and a fixed share of the others (a seeded sample with
known probability, by which it can be measured what the choice leaves out). How many posts of each control kind there
were is counted for every hour.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from ahocorasick_rs import BytesAhoCorasick, Implementation

from flows.queries import Queries
from flows.slices import Window
from flows.sources.base import Count

ALL_POSTS = "all_posts"
SAMPLE = 0.0005
HOUR = 3600


class Sift:
    """Says of a text whether it is kept and which control kinds it is of."""

    def __init__(self, queries: Queries) -> None:
        terms = (*queries.agents, *queries.share_links)
        self.keeps = _any(terms)
        self._kinds = {name: _any(of_kind) for name, of_kind in queries.controls.items()}
        self.controls = (ALL_POSTS, *self._kinds)
        listed = {term.lower().encode() for group in (terms, *queries.controls.values()) for term in group}
        self._quick = BytesAhoCorasick(sorted(listed), implementation=Implementation.DFA) if listed else None

    def kinds(self, text: str) -> list[str]:
        """Return the control kinds of a text."""
        return [name for name, matches in self._kinds.items() if matches(text)]

    def may_hold(self, data: bytes) -> bool:
        """Return False for JSON, not read yet, that holds none of the terms: many times faster than reading it."""
        if self._quick is None:
            return False
        folded = data.lower()
        if b"\\/" in folded:
            folded = folded.replace(b"\\/", b"/")
        return next(iter(self._quick.find_matches_as_indexes(folded)), None) is not None


def share(name: bytes) -> float:
    """Return a number from 0 to 1 that depends on the post alone: the same sample at every reading."""
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") / 2**64


def hourly(counts: Counter[tuple[str, int]], method: str) -> list[Count]:
    """Return counts by control kind and hour since the epoch as counts of spans of an hour."""
    return [
        Count(control, Window(at, at + timedelta(hours=1)), posts, method)
        for (control, hour), posts in sorted(counts.items())
        if (at := datetime.fromtimestamp(hour * HOUR, UTC))
    ]


def _any(terms: Iterable[str]) -> Callable[[str], bool]:
    """Return a test for texts in which one of the terms stands as whole words."""
    alternatives = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    if not alternatives:
        return lambda _text: False
    pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
    return lambda text: pattern.search(text) is not None
