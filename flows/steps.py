"""The steps between raw items and incidents: plain functions over an open warehouse, each resumable by itself.

What is pending is found by what is missing, so a step killed half way goes on where it stopped.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from classifiers.agents import tracked
from classifiers.heads import MODEL
from classifiers.label import Labeller
from classifiers.linking import LINKER
from classifiers.screen import SCREEN_VERSION, screen
from flows import cluster, drift, link, progress
from flows.mapping import MAPPER, to_report
from flows.sources.registry import post_of
from warehouse import labels, linking, panel, reports
from warehouse.lake import turn
from warehouse.rows import scalar, transaction
from warehouse.schema.models import LabelLine, Post, Report

LABEL_BATCH = 256


def as_post(report: Report) -> Post:
    """Return what the instrument reads of a report."""
    return Post(
        id=report.report_id, source=report.stated_source, title=report.title, text=report.text, lang=report.lang
    )


def post_of_row(report: Mapping[str, Any]) -> Post:
    """Return the same of a row of table `reports`."""
    return Post(
        id=report["report_id"],
        source=report["stated_source"] or "",
        title=report["title"] or "",
        text=report["text"] or "",
        lang=report["lang"],
    )


def screen_pending(con: duckdb.DuckDBPyConnection, *, key: bytes, run_id: str) -> int:
    """Map and screen every raw item that this mapper and screen have not seen; return how many were kept."""
    with turn(con, "screen"), reports.whole_pass(con, SCREEN_VERSION, MAPPER):
        return _screen(con, key, run_id)


def _screen(con: duckdb.DuckDBPyConnection, key: bytes, run_id: str) -> int:
    total = scalar(con, "SELECT count(*) FROM raw_items")
    done = scalar(con, "SELECT count(*) FROM screenings WHERE screen = ?", [SCREEN_VERSION])
    kept_in_all = 0
    began = datetime.now(UTC)
    with progress.step("screen", max(total - done, 0)) as advance:
        for batch in reports.unscreened(con, SCREEN_VERSION, MAPPER):
            now = datetime.now(UTC)
            screenings, kept, remapped = [], [], []
            for item in batch:
                post = post_of(item["source_id"], json.loads(item["payload"]))
                report = to_report(post, source_id=item["source_id"], key=key, now=now)
                verdict = screen(as_post(report))
                screenings.append(
                    {
                        "report_id": report.report_id,
                        "text_hash": report.text_hash,
                        "screen": SCREEN_VERSION,
                        "platform": report.platform,
                        "kept": verdict.kept,
                        "reasons": list(verdict.reasons),
                        "screened_at": now,
                        "run_id": run_id,
                    }
                )
                if item["mapper"] != MAPPER:
                    item.update(
                        report_id=report.report_id,
                        created_at=report.created_at,
                        text_hash=report.text_hash,
                        mapper=MAPPER,
                    )
                    remapped.append(item)
                if verdict.kept:
                    kept.append({**report.model_dump(), "run_id": run_id})
            with transaction(con):
                # What is mapped anew may have been screened before.
                reports.store_screened(con, screenings, kept, since=None if remapped else began)
                reports.remap(con, remapped)
            kept_in_all += len(kept)
            advance(len(batch))
    return kept_in_all


def label_pending(
    con: duckdb.DuckDBPyConnection, labeller: Labeller, *, run_id: str, judge: cluster.Judge | None = None
) -> int:
    """Judge every report whose present text this instrument has not judged; return how many were judged.

    Each batch is stored as it comes, in a transaction of its own, so that a killed run goes on where it stopped. A new
    instrument takes over at the end, in one step: until it has read every text, the one before it counts.
    """
    row = {
        "instrument": labeller.instrument,
        "registered_at": datetime.now(UTC),
        "screen": SCREEN_VERSION,
        "card": json.dumps(_card(), ensure_ascii=False),
    }
    with transaction(con):
        labels.announce(con, row)
        panel.choose(con, labels.current(con))
    done = 0
    with progress.step("label", labels.count_unlabelled(con, labeller.instrument)) as advance:
        judge = judge or cluster.judge_for(labeller, post_of_row)
        waiting = (
            batch
            for share in labels.shares(con)
            for batch in labels.unlabelled(con, labeller.instrument, LABEL_BATCH, share)
        )
        for batch, lines in judge(waiting):
            now = datetime.now(UTC)
            rows = [label_row(line, report, now, run_id) for line, report in zip(lines, batch, strict=True)]
            with transaction(con):
                labels.store(con, rows)
            done += len(batch)
            advance(len(batch))
    with transaction(con):
        before = labels.take_over(con, labeller.instrument, run_id=run_id)
        if before:
            drift.store_drift(con, labeller.instrument, before, run_id=run_id)
        panel.choose(con, labels.current(con))
    return done


def _card() -> dict[str, Any]:
    """Return the instrument's card with that of linking: both errors bear on every count of incidents."""
    found: dict[str, Any] = json.loads((MODEL / "card.json").read_text("utf-8"))
    return {**found, "linking": json.loads((MODEL / "link_card.json").read_text("utf-8"))}


def label_row(line: LabelLine, report: Mapping[str, Any], now: datetime, run_id: str) -> dict[str, Any]:
    """Return a label line as a row of table `labels`; where none is named, a tracker's own product is the agent."""
    if line.agents == []:
        line = line.model_copy(update={"agents": tracked(report["stated_source"] or "")})
    row = line.model_dump()
    for name in ("behaviours", "action_probabilities", "agents", "spans"):
        row[name] = None if row[name] is None else json.dumps(row[name])
    return {
        **row,
        "report_id": row.pop("id"),
        "label_status": row.pop("status"),
        "text_hash": report["text_hash"],
        "judged_at": now,
        "run_id": run_id,
    }


def link_pending(con: duckdb.DuckDBPyConnection, *, run_id: str) -> int:
    """Join strict reports that tell one event and give new events their numbers; return how many were given."""
    with turn(con, "link"), progress.step("link", len(linking.pending(con, LINKER))) as advance:
        return link.link(con, None, run_id=run_id, advance=advance)
