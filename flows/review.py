"""Reviews between the warehouse, the sources' mappings and the instrument: the review file, training items, kappa."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from classifiers.items import gold_of
from classifiers.metrics import Figure, cohen_kappa, measured, quadratic_kappa
from flows import steps
from flows.mapping import MappingError, to_report
from flows.settings import Settings
from flows.sources.base import BadItem
from flows.sources.registry import post_of
from warehouse import runs
from warehouse.connect import open_working
from warehouse.review.audit import draw, draw_monthly
from warehouse.review.decisions import Decision, Merged, decisions_file, merge_decisions, pending
from warehouse.review.file import write_review_file
from warehouse.review.items import both_read
from warehouse.rows import fetch
from warehouse.schema import codes


def read_raw(source_id: str, payload: str) -> dict[str, Any] | None:
    """Return a raw item as a row of table `reports`, None where it cannot be read any more."""
    try:
        post = post_of(source_id, json.loads(payload))
        report = to_report(post, source_id=source_id, key=b"", now=datetime.now(UTC))
    except (MappingError, BadItem):
        return None
    return {**report.model_dump(), "run_id": ""}


def take_in(con: duckdb.DuckDBPyConnection, db: Path, *, run_id: str) -> Merged:
    """Merge what reviewers have decided since; a step of every ingest, before linking."""
    return merge_decisions(con, decisions_file(db), run_id=run_id)


def apply_decisions(con: duckdb.DuckDBPyConnection, db: Path, *, version: str) -> Merged:
    """Take in what reviewers have decided since and let incidents follow: a publish needs no ingest before it."""
    if not pending(con, decisions_file(db)):
        return Merged(0, 0)
    run_id = runs.start(con, "review", version)
    merged = take_in(con, db, run_id=run_id)
    opened = steps.link_pending(con, run_id=run_id) if merged.new else 0
    counts = {"decisions": merged.new, "set_aside": merged.set_aside, "opened": opened}
    runs.finish(con, run_id, counts=counts, instrument=None)
    return merged


def draw_due(con: duckdb.DuckDBPyConnection, *, run_id: str) -> int:
    """Draw this month's audit if none was drawn yet; return how many posts were drawn."""
    return draw_monthly(con, Settings().audit_size, run_id=run_id)


def draw_now(db: Path, size: int, *, seed: int, version: str) -> tuple[int, int]:
    """Draw `size` posts from what no draw has seen and write the queue; return how many were drawn and wait."""
    with open_working(db) as con:
        run_id = runs.start(con, "review --draw", version)
        drawn = draw(con, size, seed=seed, run_id=run_id)
        waiting = write_queue(con, db)
        runs.finish(con, run_id, counts={"drawn": drawn}, instrument=None)
    return drawn, waiting


def write_queue(con: duckdb.DuckDBPyConnection, db: Path) -> int:
    """Write the private review file as the working file now stands; return how many questions wait in it."""
    return write_review_file(con, db, read_raw)


def kappas(decisions: Iterable[Decision]) -> dict[str, Figure]:
    """Return Cohen's kappa (1960) of what two reviewers decided on the same texts, by field; of scales quadratic.

    Intervals are bootstrapped over texts.
    """
    found = {}
    for name, pairs in both_read(decisions).items():
        values = sorted({value for pair in pairs for value in pair}, key=lambda value: (len(value), value))
        first, second = (np.array([values.index(pair[side]) for pair in pairs]) for side in (0, 1))
        if name in {"evidence", "gravity", "score"}:
            first, second = (np.array([int(pair[side]) for pair in pairs]) for side in (0, 1))
        measure = quadratic_kappa if name in {"evidence", "gravity", "score"} else cohen_kappa
        found[name] = measured(measure, first, second, np.ones(len(pairs)))
    return found


def gold_items(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Yield what people decided as gold items: texts that may train models only, and none of an audit draw.

    Only fields that were decided are given; an item needs a decided kind. A text two people differ on is left out.
    """
    rows = fetch(
        con,
        """
        SELECT r.report_id, r.stated_source, r.url, r.title, r.text, r.lang, l.* EXCLUDE (report_id)
        FROM current_labels l JOIN reports r USING (report_id) JOIN platforms p USING (platform)
        WHERE list_contains(l.decided, 'kind') AND p.train = 'yes' AND (r.title <> '' OR r.text <> '')
          AND l.report_id NOT IN (SELECT report_id FROM audit_draws)
          AND l.report_id NOT IN (SELECT review_of FROM decision_outcomes WHERE outcome = 'disputed')
        ORDER BY r.report_id
        """,
    )
    for row in rows:
        decided = set(row["decided"])
        item = {"id": row["report_id"], "source": row["stated_source"], "annotators": 1, "kind": row["kind"]}
        item |= {name: row[name] for name in ("url", "title", "text", "lang")}
        item |= {name: row[name] for name in ("actions", "evidence", "gravity", "score") if name in decided}
        if "behaviours" in decided:
            item["behaviours"] = row["behaviours_present"]
        if row["is_strict"]:
            item["gold"] = "positive"
        elif "score" in decided:
            item["gold"] = gold_of(row["kind"], row["score"])
        else:
            item["gold"] = "grey" if row["kind"] in codes.INCIDENT_KINDS else "negative"
        yield item


@contextmanager
def reviewed_gold(db: Path | None) -> Iterator[tuple[Path, ...]]:
    """Give a warehouse's reviewed texts as a private gold file named `reviews.jsonl`, gone afterwards; none if none."""
    if db is None:
        yield ()
        return
    with open_working(db) as con:
        lines = [json.dumps(item) + "\n" for item in gold_items(con)]
    with tempfile.TemporaryDirectory(prefix="offscript-") as folder:
        path = Path(folder) / "reviews.jsonl"
        path.write_text("".join(lines), "utf-8")
        yield (path,) if lines else ()
