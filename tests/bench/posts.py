"""The posts that are measured on: a seeded sample of real ones where they are at hand, generated ones elsewhere."""

import json
import os
import random
from functools import cache
from pathlib import Path
from typing import Any, Final

from flows.sources import jsonl, sample
from tests.conftest import ROOT

SEED: Final = 20261121
GENERATED: Final = 60_000
_ONE_IN: Final = 50


def _pools() -> list[Path]:
    folder = Path(os.environ.get("OFFSCRIPT_SHARED", ROOT.parent / "shared"))
    return sorted((folder / "real").glob("*.jsonl.gz"))


def kind() -> str:
    """Say which posts are used."""
    return "real posts" if _pools() else "generated posts"


def generated(count: int, seed: int = SEED) -> list[dict[str, Any]]:
    """Return seeded posts: one in fifty tells an event of the shipped record, the rest are small talk of its words."""
    rng = random.Random(seed)
    entries = sample.record()
    words = sorted({word for entry in entries for word in entry["summary"].split()})
    found = []
    for number in range(count):
        told = sample.as_post(rng.choice(entries))
        text = told["text"] if number % _ONE_IN == 0 else " ".join(rng.choices(words, k=55))
        found.append({**told, "id": f"g:{number}", "url": None, "title": text[:60], "text": text})
    return found


@cache
def drawn(count: int) -> tuple[bytes, ...]:
    """Return `count` posts as lines of JSON, drawn at random with a seed."""
    pools = _pools()
    if pools:
        lines = [json.dumps(e.item) for path in pools for _, e in jsonl.entries(path) if isinstance(e, jsonl.Line)]
    else:
        lines = [json.dumps(item) for item in generated(max(count, GENERATED if count > _ONE_IN else count))]
    chosen = random.Random(SEED).sample(lines, min(count, len(lines)))
    return tuple(line.encode() for line in chosen)


def text_of(item: dict[str, Any]) -> str:
    """Return title and text as a notebook would join them."""
    return f"{item.get('title') or ''}\n{item.get('text') or ''}"
