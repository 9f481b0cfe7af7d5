"""Make the picture of the README: python -m tests.app.picture [DB] (default data/offscript.duckdb)."""

import sys
import tempfile
from pathlib import Path

from tests.app.browser import ROOT, Server, opened, serving

TARGET = ROOT / "docs" / "overview.png"


def take(server: Server, target: Path = TARGET) -> None:
    """Save the overview down to its chart by month."""
    target.parent.mkdir(exist_ok=True)
    with opened(server, 900, 2600, device_scale_factor=1.5) as (page, _):
        chart = page.locator(".stVegaLiteChart").nth(1).bounding_box()
        assert chart is not None
        page.screenshot(path=target, clip={"x": 0, "y": 0, "width": 900, "height": chart["y"] + chart["height"] + 4})


if __name__ == "__main__":
    db = Path(sys.argv[1] if len(sys.argv) > 1 else "data/offscript.duckdb")
    with tempfile.TemporaryDirectory() as folder, serving(db.resolve(), Path(folder)) as running:
        take(running)
