"""What the product costs, against what a user would otherwise do, in one run: `make bench`.

Each part is a module with a title, what it measures (`ABOUT`) and one function `rows(small)`; `PARTS` names them.
"""

from typing import Final

PARTS: Final = {
    "screen": "tests.bench.screening",
    "cascade": "tests.bench.cascade",
    "instrument": "tests.bench.instrument",
    "link": "tests.bench.linking",
    "ingest": "tests.bench.collecting",
    "pipeline": "tests.bench.pipeline",
    "publish": "tests.bench.publishing",
    "headline": "tests.bench.headline",
    "dashboard": "tests.bench.dashboard",
    "lake": "tests.bench.lake",
    "writers": "tests.bench.writing",
    "cluster": "tests.bench.spreading",
}
