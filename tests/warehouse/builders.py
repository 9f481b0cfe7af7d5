"""Small warehouses for the tests: a few reports with the labels one wants them to have."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.connect import open_working
from warehouse.rows import merge
from warehouse.schema.tables import TABLES

RUN = "run"
INSTRUMENT = "test-1"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@contextmanager
def warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty warehouse with one instrument and the platforms the tests use."""
    with open_working(path) as con:
        merge(
            con,
            TABLES["instruments"],
            [{"instrument": INSTRUMENT, "ordinal": 1, "registered_at": NOW, "screen": "s", "card": "{}"}],
        )
        for platform, publish_text in (("github", "span"), ("reddit", "none"), ("record", "full")):
            merge(
                con,
                TABLES["platforms"],
                [
                    {
                        "platform": platform,
                        "platform_name": platform,
                        "publish_text": publish_text,
                        "train": "no",
                        "licence": "",
                        "cannot_see": "",
                    }
                ],
            )
        yield con


def add_report(
    con: duckdb.DuckDBPyConnection,
    report_id: str,
    *,
    title: str = "",
    text: str = "",
    at: datetime | None = NOW,
    precision: str = "day",
    publish_text: str = "span",
    **label: Any,
) -> None:
    """Store a report and its label; keyword arguments are label columns, `is_strict` true by default."""
    platform = report_id.split(":", 1)[0]
    merge(
        con,
        TABLES["reports"],
        [
            {
                "report_id": report_id,
                "source_id": "import",
                "stated_source": platform,
                "platform": platform,
                "native_id": report_id,
                "url": f"https://example.org/{report_id}",
                "created_at": at,
                "created_precision": precision if at else "unknown",
                "zone_assumed": False,
                "title": title,
                "text": text,
                "author_key": "authorkey",
                "text_hash": "h",
                "publish_text": publish_text,
                "run_id": RUN,
            }
        ],
    )
    judged: Mapping[str, Any] = {
        "kind": "first_hand",
        "p_strict": 0.9,
        "is_strict": True,
        "behaviours": json.dumps({"shutdown_tampering": 0.8}),
        "behaviours_present": ["shutdown_tampering"],
        "behaviours_unsure": [],
        "actions": ["data_deletion"],
        "action_probabilities": json.dumps({"data_deletion": 0.7, "message": 0.1}),
        "evidence": 2,
        "gravity": 2,
        "score": 6,
        "subject": "unknown",
        "agents": json.dumps([{"name": "codex", "family": "codex", "vendor": "OpenAI"}]),
        "spans": "[]",
        "judged_at": NOW,
        "run_id": RUN,
        **label,
    }
    row = {"report_id": report_id, "text_hash": "h", "instrument": INSTRUMENT, "label_status": "judged", **judged}
    merge(con, TABLES["labels"], [row])
