"""A reader's way through the page in headless Chromium; pictures are kept in tests/artefacts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.queries.overview import load
from tests.app.browser import CHROMIUM, ROOT, Server, drawn, opened, serving, whole
from tests.app.picture import take
from tests.app.snapshots import CASES, publish
from warehouse.connect import find_snapshot
from warehouse.present.charts import monthly_by_behaviour

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]
ARTEFACTS = ROOT / "tests" / "artefacts"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ARTEFACTS.mkdir(exist_ok=True)
    return publish(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def server(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(db, tmp_path_factory.mktemp("elsewhere")) as running:
        yield running
    assert not [line for line in running.log if "Traceback" in line]


def test_a_reader_finds_the_figures(server: Server) -> None:
    with opened(server, 1200) as (page, seen):
        body = page.locator(".stMainBlockContainer").inner_text()
        assert "7 public reports tell of 6 incidents" in body
        assert "A collection, not a measurement" in body
        assert "95 % exact interval 3.75–6.51; n = 65 and 319 incidents" in body
        assert "1.7 and 1.3" in body
        charts = page.locator(".stVegaLiteChart")
        assert charts.count() == 3
        assert "All strict incidents: 6 in all" in (charts.nth(1).get_attribute("aria-label") or "")
        # Three months with incidents, as three bars of the first panel.
        assert charts.nth(1).locator(".concat_0_group .mark-rect path").count() == 3
        assert page.locator("mark", has_text="deleted").first.is_visible()
        assert page.locator(".os-cases img").count() == 0
        assert page.locator("a[href^='javascript']").count() == 0
        assert page.locator(".stException").count() == 0
        assert page.locator("[data-testid=stSidebar]").count() == 0
        whole(page, ARTEFACTS / "overview-desktop.png")
        assert (seen.errors, seen.elsewhere) == ([], [])


def test_the_data_of_a_chart_by_keyboard(server: Server, db: Path, tmp_path: Path) -> None:
    with opened(server, 1200) as (page, seen):
        panel = page.get_by_test_id("stExpander").nth(1)
        panel.locator("summary").focus()
        page.keyboard.press("Enter")
        table = panel.get_by_role("region", name="Data of the chart monthly-incidents")
        table.wait_for()
        page.keyboard.press("Tab")
        with page.expect_download() as waiting:
            page.keyboard.press("Enter")
        waiting.value.save_as(tmp_path / "data.csv")
        found = load(find_snapshot(db))
        figure = monthly_by_behaviour(found.series, snapshot=found.snapshot)
        assert figure is not None
        assert (tmp_path / "data.csv").read_text("utf-8") == figure.csv()
        assert waiting.value.suggested_filename == f"offscript-monthly-incidents-{found.snapshot}.csv"
        assert seen.errors == []


def test_a_phone_shows_all_of_it(server: Server) -> None:
    with opened(server, 390, 844, has_touch=True, is_mobile=True) as (page, seen):
        wide = page.evaluate(
            "() => [...document.querySelectorAll('.stMainBlockContainer *:not(.os-scroll *)')]"
            ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName)"
        )
        assert wide == []
        whole(page, ARTEFACTS / "overview-phone.png")
        assert seen.errors == []


def test_dark_mode_is_drawn_too(server: Server) -> None:
    with opened(server, 1200, color_scheme="dark") as (page, seen):
        ink = page.locator(".stVegaLiteChart").first.locator(".role-mark text").first
        red = int(ink.evaluate("e => getComputedStyle(e).fill").split("(")[1].split(",")[0])
        assert red > 200
        whole(page, ARTEFACTS / "overview-dark.png")
        assert seen.errors == []


def test_a_new_snapshot_is_there_after_a_reload(tmp_path: Path) -> None:
    db = publish(tmp_path)
    with serving(db, tmp_path) as server, opened(server, 1200) as (page, _):
        publish(tmp_path, CASES[:2], snapshot="20260402T000000Z-bbbbbbbb")
        page.reload()
        drawn(page)
        body = page.locator(".stMainBlockContainer").inner_text()
        assert "tell of 2 incidents" in body
        assert "20260401T000000Z-aaaaaaaa" not in body


def test_the_readme_picture_can_be_made(db: Path, tmp_path: Path) -> None:
    take(db, tmp_path / "overview.png")
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")
