"""A frozen panel of reports: drawn once, the same for every instrument to come, so that drift can be measured.

Half of it are reports that the instrument of the day held to be strict, half others; what a drift measured on it says
is therefore about the panel, not about the stream.
"""

from datetime import UTC, datetime
from typing import Any, Final

import duckdb

from warehouse.rows import fetch, merge, scalar
from warehouse.schema.tables import TABLES

SIZE: Final = 400
SEED: Final = 0


def choose(con: duckdb.DuckDBPyConnection, instrument: str | None, *, size: int = SIZE, seed: int = SEED) -> int:
    """Draw the panel from what an instrument has judged, unless there is one; return how many reports it got.

    Nothing is drawn before there are enough judged reports. The caller owns the transaction.
    """
    if scalar(con, "SELECT count(*) FROM panel_posts"):
        return 0
    rows = fetch(
        con,
        """
        SELECT l.report_id, l.text_hash FROM labels l JOIN reports r USING (report_id, text_hash)
        WHERE l.instrument = $1 AND l.label_status = 'judged' AND (r.title <> '' OR r.text <> '')
        QUALIFY row_number() OVER (PARTITION BY l.is_strict ORDER BY sha256($2 || l.report_id)) <= $3
        """,
        [instrument, f"{seed}\n", size // 2],
    )
    if len(rows) < size // 2:
        return 0
    now = datetime.now(UTC)
    name = f"{now:%Y-%m-%d}/{seed}"
    return merge(con, TABLES["panel_posts"], [{**row, "panel": name, "drawn_at": now} for row in rows]).inserted


def both_judged(con: duckdb.DuckDBPyConnection, instrument: str, before: str) -> list[dict[str, Any]]:
    """Return the panel's reports that both instruments have read, with both strict judgements and probabilities."""
    return fetch(
        con,
        """
        SELECT p.panel, n.is_strict, o.is_strict AS was_strict,
            coalesce(n.p_strict, 0) AS p, coalesce(o.p_strict, 0) AS was_p
        FROM panel_posts p
        JOIN labels n ON n.report_id = p.report_id AND n.text_hash = p.text_hash AND n.instrument = ?
        JOIN labels o ON o.report_id = p.report_id AND o.text_hash = p.text_hash AND o.instrument = ?
        ORDER BY p.report_id
        """,
        [instrument, before],
    )
