"""What a click costs the server on a large snapshot, read on a cold cache as for the first reader."""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final
from unittest import mock

from streamlit.testing.v1 import AppTest

from app.keep import reading
from app.queries import behaviours, data, incident, incidents, methods, overview, sources, trends
from app.queries.incidents import Wanted
from tests.app.large import publish_large
from tests.bench.frame import Row, clocked, held_against, peak
from warehouse.connect import Snapshot, find_snapshot

TITLE: Final = "Pages of the dashboard"
ABOUT: Final = (
    "What the server reads for each view of a snapshot of ten million posts, a tenth of them kept, with 100,000 incidents. "
    "Each is read once on a cold cache, as for the first reader of a snapshot; the next one is given the kept answer: "
    "for it, a page's whole script is run, with its charts and its text. "
    "The baseline is one pass over all reports, which a notebook cannot do without."
)

PAGES: Final = ("overview", "trends", "behaviours", "incidents", "incident", "sources", "methods", "data")


def _baseline(snapshot: Snapshot) -> object:
    with reading(snapshot) as con:
        return con.execute("SELECT count(*), max(created_at), count(DISTINCT platform) FROM reports").fetchone()


def rows(*, small: bool) -> list[Row]:
    """Publish the snapshot and read each view once."""
    posts, made = (30_000, 1000) if small else (10_000_000, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        db = publish_large(Path(folder), posts=posts, incidents=made)
        snapshot = find_snapshot(db)
        _baseline(snapshot)
        found = [_row("one pass over the reports", lambda: _baseline(snapshot))]
        found += [held_against(_row(name, read), found[0]) for name, read in _views(snapshot).items()]
        with mock.patch.dict(os.environ, OFFSCRIPT_DB=str(db)):
            # A server has shown each page before: what is imported at the first is not counted.
            for name in PAGES:
                _page(name)
            run = ((f"page {name}, its answers kept", partial(_page, name)) for name in PAGES)
            found += [held_against(_row(*each), found[0]) for each in run]
    return [*found, peak()]


def _page(name: str) -> None:
    """Run a page's script as the server does for one click."""
    script = f"from app.frame import framed\nfrom app.views import {name}\nframed({name}.show)()"
    page = AppTest.from_string(script, default_timeout=600)
    page.query_params["incident"] = "777"
    page.run()
    if page.exception:
        raise RuntimeError(page.exception[0].message)


def _row(name: str, read: Callable[[], object]) -> Row:
    spent, _ = clocked(read)
    return Row(name, 1000 * spent.wall, "ms", 1, spent.wall, spent.cpu)


def _views(snapshot: Snapshot) -> dict[str, Callable[[], object]]:
    return {
        "overview": lambda: overview.load(snapshot),
        "trends, all": lambda: trends.series(snapshot, None, "normal", None, None),
        "trends, by agent, one year": lambda: trends.series(snapshot, "agent", "normal", "2025-01", "2025-12"),
        "trends, by source, tight": lambda: trends.series(snapshot, "source", "tight", None, None),
        "coverage strip": lambda: trends.coverage(snapshot, "0001-01", "9999-12"),
        "behaviours, agents": lambda: behaviours.matrix(snapshot, "agent", None),
        "behaviours, vendors on one source": lambda: behaviours.matrix(snapshot, "vendor", "github"),
        "incidents, newest": lambda: incidents.page(snapshot, Wanted(), "newest", 1),
        "incidents, a late page by gravity": lambda: incidents.page(snapshot, Wanted(), "gravity", 3000),
        "incidents, two words": lambda: incidents.page(snapshot, Wanted(words="folder 77"), "newest", 1),
        "incidents, one source and behaviour": lambda: incidents.page(
            snapshot, Wanted(source="github", behaviour="alignment_faking"), "evidence", 1
        ),
        "incidents, echo": lambda: incidents.echo(snapshot, Wanted()),
        "one incident": lambda: incident.read(snapshot, 777),
        "sources": lambda: sources.platforms(snapshot),
        "methods": lambda: methods.funnel(snapshot),
        "data": lambda: data.sizes(snapshot),
    }
