"""Word classes that together tell an event from talk about events; the heads weigh which ones meet in a sentence.

A cue alone proves nothing: "deleted" beside "without permission" does, beside "feature request" it does not. Names are
masked before cues are read. Every pattern is bounded, so that reading takes time linear in the length of the text.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

CUES_FILE: Final = Path(__file__).with_name("rules") / "cues.toml"
CUES_VERSION: Final = f"cues-{hashlib.sha256(CUES_FILE.read_bytes()).hexdigest()[:8]}"
MAX_SENTENCES: Final = 16

_EVENTS: Final = ("destroy", "publish", "message", "money", "secret", "act", "false", "break")
_AGAINST: Final = ("unasked", "limit", "break", "false")
_FRAMES: Final = ("told", "agent", "question", "promotion", "hypothesis", "request", "harness", "attack", "study")
_SENTENCE = re.compile(r"[.!?\n]+")


def cue_grams(title: str, lead: str) -> Iterator[str]:
    """Yield the cues of title and lead and their pairs, those of one sentence apart."""
    for field, text in (("title", title), ("lead", lead)):
        found = _found(text)
        yield from (f"{field}:{name}" for name in sorted(found))
        if "?" in text:
            yield f"{field}:?"
        yield from (f"{field}:{pair}" for pair in _pairs(found, (*_AGAINST, *_FRAMES)))
        near = {pair for part in sentences(text) for pair in _pairs(_found(part), _AGAINST)}
        yield from (f"{field}:near:{pair}" for pair in sorted(near))


def sentences(text: str) -> list[str]:
    """Return the first sentences of a text, without what ends them."""
    return _SENTENCE.split(text)[:MAX_SENTENCES]


@cache
def _cues() -> dict[str, re.Pattern[str]]:
    classes: dict[str, list[str]] = tomllib.loads(CUES_FILE.read_text(encoding="utf-8"))
    return {
        name: re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE) for name, patterns in classes.items()
    }


@lru_cache(maxsize=1 << 12)
def _found(text: str) -> frozenset[str]:
    """Return the classes found; kept, since a sentence is read alone, in its text, and in the text without another."""
    return frozenset(name for name, pattern in _cues().items() if pattern.search(text))


def _pairs(found: frozenset[str], others: tuple[str, ...]) -> list[str]:
    return [f"{event}&{other}" for event in _EVENTS for other in others if {event, other} <= found and event != other]
