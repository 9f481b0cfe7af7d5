"""What a click costs the server on a large snapshot: `make bench`, or `python -m tests.app.bench [POSTS INCIDENTS]`.

Each line is read once on a cold cache, as for the first reader of a snapshot; the next reader is given the kept answer.
The baseline is one pass over all reports, which nobody can do without. Wall clock and processor seconds are both told:
the second does not grow when others use the machine.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.keep import reading
from app.queries import behaviours, data, incident, incidents, methods, overview, sources, trends
from app.queries.incidents import Wanted
from flows.files import aligned
from tests.app.large import publish_large
from warehouse.connect import Snapshot, find_snapshot

PAGES = ("overview", "trends", "behaviours", "incidents", "incident", "sources", "methods", "data")


def _baseline(snapshot: Snapshot) -> object:
    with reading(snapshot) as con:
        return con.execute("SELECT count(*), max(created_at), count(DISTINCT platform) FROM reports").fetchone()


def _page(name: str) -> None:
    """Run a page's script as the server does for one click: the queries, the charts, the text."""
    script = f"from app.frame import framed\nfrom app.views import {name}\nframed({name}.show)()"
    page = AppTest.from_string(script, default_timeout=600)
    page.query_params["incident"] = "777"
    page.run()
    if page.exception:
        raise RuntimeError(page.exception[0].message)


def main() -> None:
    """Print what each view reads and how long it takes."""
    posts, incidents_made = (int(number) for number in (sys.argv[1:3] or (10_000_000, 100_000)))
    with tempfile.TemporaryDirectory() as folder:
        db = publish_large(Path(folder), posts=posts, incidents=incidents_made)
        snapshot = find_snapshot(db)
        _baseline(snapshot)
        views: dict[str, Callable[[], object]] = {
            "one pass over the reports (baseline)": lambda: _baseline(snapshot),
            "overview": lambda: overview.load(snapshot),
            "trends, all": lambda: trends.series(snapshot, None, "normal", None, None),
            "trends, by agent, one year": lambda: trends.series(snapshot, "agent", "normal", "2025-01", "2025-12"),
            "trends, by source, tight": lambda: trends.series(snapshot, "source", "tight", None, None),
            "coverage strip": lambda: trends.coverage(snapshot, "0001-01", "9999-12"),
            "behaviours, agents": lambda: behaviours.matrix(snapshot, "agent", None),
            "behaviours, vendors on one source": lambda: behaviours.matrix(snapshot, "vendor", "github"),
            "incidents, newest": lambda: incidents.page(snapshot, Wanted(), "newest", 1),
            "incidents, page 3000 by gravity": lambda: incidents.page(snapshot, Wanted(), "gravity", 3000),
            "incidents, two words": lambda: incidents.page(snapshot, Wanted(words="folder 77"), "newest", 1),
            "incidents, one source and behaviour": lambda: incidents.page(
                snapshot, Wanted(source="github", behaviour="alignment_faking"), "evidence", 1
            ),
            "incidents, echo": lambda: incidents.echo(snapshot, Wanted()),
            "one incident": lambda: incident.read(snapshot, 777),
            "sources": lambda: sources.platforms(snapshot),
            "methods": lambda: methods.funnel(snapshot),
            "data": lambda: data.sizes(snapshot),
            **{f"page {name}, its answers kept": partial(_page, name) for name in PAGES},
        }
        os.environ["OFFSCRIPT_DB"] = str(db)
        table = [["view", "seconds", "processor", "times the baseline"]]
        baseline = 0.0
        for name, read in views.items():
            wall, used = time.perf_counter(), time.process_time()
            read()
            wall, used = time.perf_counter() - wall, time.process_time() - used
            baseline = baseline or used
            table.append([name, f"{wall:.3f}", f"{used:.3f}", f"{used / baseline:.1f}"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(aligned(table))
    sys.stdout.write(
        f"{posts:,} posts, a tenth of them kept, {incidents_made:,} incidents; peak memory {peak:,.0f} MiB\n"
    )


if __name__ == "__main__":
    main()
