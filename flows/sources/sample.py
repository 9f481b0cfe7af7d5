"""The shipped record of real, publicly reported events, in our own words: read like any import.

Its labels are not read here: the pipeline labels from the text, and `agreement` compares afterwards.
"""

import json
from importlib.resources import files
from typing import Any

NAME = "record.jsonl"


def record() -> list[dict[str, Any]]:
    """Return the record's entries, with their labels."""
    text = (files("warehouse") / "sample" / NAME).read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def as_post(entry: dict[str, Any]) -> dict[str, Any]:
    """Return one entry as an imported post: summary is the text, reported_on the date."""
    return {
        "id": entry["id"],
        "source": "record",
        "url": entry["url"],
        "created_at": entry["reported_on"],
        "title": entry["title"],
        "text": entry["summary"],
        "lang": "en",
    }
