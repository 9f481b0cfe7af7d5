"""Short evidence spans: what a rule found, with a little around it, as far as the platform's terms allow."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from warehouse.rows import batches

AROUND = 60
LONGEST = 240
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # e-mail addresses
    r"|(?<![\w/])@\w[\w.-]+"  # account handles
    r"|(?<=/Users/)[^/\s]+|(?<=/home/)[^/\s]+|(?<=\\Users\\)[^\\\s]+"  # account names in paths
)


def mask(text: str) -> str:
    """Cover addresses, handles and account names; the length stays, so that spans keep their place."""
    return _PERSONAL.sub(lambda found: "•" * len(found[0]), text)


def evidence_spans(con: duckdb.DuckDBPyConnection) -> Iterator[list[dict[str, Any]]]:
    """Yield rows of table `evidence_spans` for every strict report whose platform lets spans be published."""
    sql = """
        SELECT r.report_id, r.title, r.text, r.publish_text, l.spans
        FROM current_labels l JOIN reports r USING (report_id)
        WHERE l.is_strict AND r.publish_text <> 'none'
        ORDER BY r.report_id
    """
    for batch in batches(con, sql, size=500):
        yield [row for report in batch for row in of_report(report)]


def of_report(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rows of `evidence_spans` for one report: `title`, `text`, `publish_text` and its label's `spans`."""
    rows = []
    seen = set()
    for span in json.loads(report["spans"] or "[]"):
        field = mask(report[span["field"]])
        start, end = span["start"], min(span["end"], span["start"] + LONGEST)
        if not 0 <= start < end <= len(field):
            continue
        if report["publish_text"] == "full":
            left, right = 0, len(field)
        else:
            left, right = _word_start(field, max(0, start - AROUND)), _word_end(field, min(len(field), end + AROUND))
        key = (span["rule"], span["field"], start)
        if key in seen:
            continue
        seen.add(key)
        rows.append(
            {
                "report_id": report["report_id"],
                "span_rule": span["rule"],
                "span_field": span["field"],
                "span_start": start - left,
                "span_end": end - left,
                "excerpt": field[left:right],
            }
        )
    return rows


def _word_start(text: str, at: int) -> int:
    if at == 0:
        return 0
    space = text.find(" ", at, at + 20)
    return space + 1 if space >= 0 else at


def _word_end(text: str, at: int) -> int:
    if at == len(text):
        return at
    space = text.rfind(" ", max(0, at - 20), at)
    return space if space >= 0 else at
