"""Everything from a file of posts to a published snapshot, and the same again with nothing new."""

import tempfile
from pathlib import Path
from typing import Final

from classifiers.encoder import default_encoder
from classifiers.label import load_labeller
from flows import collect, steps
from tests.bench import posts
from tests.bench.frame import Row, clocked, held_against, peak, rate
from warehouse import runs
from warehouse.connect import open_working
from warehouse.publish import publish

TITLE: Final = "From a file to a snapshot"
ABOUT: Final = (
    "Posts are imported, screened, labelled, linked and published, each step clocked; then the same command runs again. "
    "The second run is what an hour without news costs, and what resuming after a crash adds. Bytes are those of the "
    "working file, texts and raw payloads included."
)


def rows(*, small: bool) -> list[Row]:
    """Run the steps on drawn posts, twice."""
    lines = posts.drawn(60 if small else 4000)
    n = len(lines)
    labeller = load_labeller()
    default_encoder()
    with tempfile.TemporaryDirectory() as name:
        db, file = Path(name) / "x.duckdb", Path(name) / "posts.jsonl"
        file.write_bytes(b"\n".join(lines) + b"\n")

        def once() -> list[Row]:
            with open_working(db) as con:
                run = runs.start(con, "bench", "bench")
                collect.load_platforms(con)
                work = {
                    "import": lambda: collect.import_file(con, file, coverage=None, key=b"k", run_id=run),
                    "screen": lambda: steps.screen_pending(con, key=b"k", run_id=run),
                    "label": lambda: steps.label_pending(con, labeller, run_id=run),
                    "link": lambda: steps.link_pending(con, run_id=run),
                    "publish": lambda: publish(con, db, version="bench"),
                }
                return [rate(step, n, clocked(do)[0]) for step, do in work.items()]

        spent, found = clocked(once)
        first = Row("all steps", spent.wall, "s", n, spent.wall, spent.cpu)
        spent, _ = clocked(once)
        again = held_against(Row("all steps, nothing new", spent.wall, "s", n, spent.wall, spent.cpu), first)
        size = db.stat().st_size
    return [*found, first, again, Row("working file", size / n, "bytes/post", n), peak()]
