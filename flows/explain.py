"""One report explained: what is held of it, what the instrument says and why, what others and people said."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from classifiers.explain import Explanation, explain
from classifiers.label import Labeller
from flows.errors import InputError
from flows.identity import identify
from flows.steps import post_of_row
from warehouse.connect import WarehouseError, lake_at, open_lake
from warehouse.review.decisions import Decision, decisions_file, in_force, read, stored, together
from warehouse.review.file import open_review, review_file
from warehouse.rows import fetch


@dataclass(frozen=True)
class Told:
    """Everything `explain` prints; `found` is None where the text is no longer held."""

    report: dict[str, Any]
    labels: list[dict[str, Any]]
    current: dict[str, Any] | None
    outcomes: list[dict[str, Any]]
    others: list[Decision]
    found: Explanation | None
    place: Path


@contextmanager
def _reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    lake = lake_at(path)
    if lake:
        with open_lake(lake, read_only=True) as con:
            yield con
        return
    con = duckdb.connect(str(path), read_only=True)
    try:
        con.execute("SET TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


def explained(db: Path, name: str, labeller: Labeller) -> Told:
    """Look a report up by id or address in the working file, or in the review file, and explain its label.

    Raises:
        InputError: neither holds it.
        WarehouseError: neither can be read.
    """
    tried: list[str] = []
    if db.is_file() or lake_at(db):
        try:
            with _reading(db) as con:
                told = _told(con, db, db, name, labeller)
            if told:
                return told
            tried.append(str(db))
        except duckdb.Error as error:
            # While it is written nobody can read it: the review file has the texts of the queue.
            tried.append(f"{db} ({str(error).splitlines()[0][:120]})")
    if review_file(db).is_file():
        with open_review(db) as con:
            told = _told(con, db, review_file(db), name, labeller)
        if told:
            return told
        tried.append(str(review_file(db)))
    if not tried:
        msg = f"{db}: there is no working file and no review file"
        raise WarehouseError(msg)
    msg = f"no report {name!r} in {' or '.join(tried)}"
    raise InputError(msg)


def _told(con: duckdb.DuckDBPyConnection, db: Path, place: Path, name: str, labeller: Labeller) -> Told | None:
    rows = fetch(
        con,
        "SELECT * FROM reports WHERE report_id = ? OR url = ? OR report_id = ? LIMIT 1",
        [name, name, _by_url(name)],
    )
    if not rows:
        return None
    report = rows[0]
    named = [report["report_id"]]
    labels = fetch(
        con,
        "SELECT l.*, i.ordinal, l.text_hash = r.text_hash AS present FROM labels l JOIN reports r USING (report_id) "
        "LEFT JOIN instruments i USING (instrument) WHERE report_id = ? ORDER BY i.ordinal, l.judged_at",
        named,
    )
    current = fetch(con, "SELECT * FROM current_labels WHERE report_id = ?", named)
    outcomes = fetch(con, "SELECT * FROM decision_outcomes WHERE review_of = ? ORDER BY reviewed_at, review_id", named)
    post = post_of_row(report)
    return Told(
        report=report,
        labels=labels,
        current=current[0] if current else None,
        outcomes=outcomes,
        others=_others(con, db, report["report_id"], {row["review_id"] for row in outcomes}),
        found=explain(labeller, post) if (post.title + post.text).strip() else None,
        place=place,
    )


def _others(con: duckdb.DuckDBPyConnection, db: Path, report_id: str, known: set[str]) -> list[Decision]:
    """Return decisions in force about the report that are no label decision, or not taken in yet."""
    held: Sequence[Decision] = in_force(together(stored(con), read(decisions_file(db))[0]))
    return [one for one in held if report_id in (one.review_of, one.decided_value) and one.review_id not in known]


def _by_url(name: str) -> str:
    return identify(name, "", name).report_id if name.startswith(("http://", "https://")) else name
