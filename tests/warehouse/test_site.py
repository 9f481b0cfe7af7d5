"""The static site: whole or not at all, every link leads somewhere, every number keeps its page."""

import re
from pathlib import Path

import duckdb
import pytest

from tests.app.snapshots import CASES, publish
from warehouse.connect import WarehouseError, find_snapshot, open_snapshot
from warehouse.present import site as module
from warehouse.present.site import write_site


def written(folder: Path) -> Path:
    with open_snapshot(publish(folder)) as (con, _):
        write_site(con, folder / "site")
    return folder / "site"


def test_every_link_within_the_site_leads_to_a_file(tmp_path: Path) -> None:
    site = written(tmp_path)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 2 + len(CASES) + 3
    for page in pages:
        for address in re.findall(r'(?:href|src)="([^"]+)"', page.read_text()):
            if not address.startswith("http"):
                assert (page.parent / address).resolve().is_file(), (page, address)


def test_no_script_and_no_address_but_http_gets_through(tmp_path: Path) -> None:
    for page in written(tmp_path).rglob("*.html"):
        text = page.read_text()
        assert "<script" not in text
        assert "<img src=x" not in text
        assert 'href="javascript' not in text


def test_a_merged_number_leads_on(tmp_path: Path) -> None:
    db = publish(tmp_path)
    with duckdb.connect(str(find_snapshot(db).path)) as con:
        con.execute("INSERT INTO merges (from_incident, into_incident) VALUES (99, 1)")
    with open_snapshot(db) as (con, _):
        write_site(con, tmp_path / "site")
    assert 'content="0; url=1.html"' in (tmp_path / "site" / "incident" / "99.html").read_text()


def test_a_site_is_replaced_whole_and_nothing_else_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = written(tmp_path)
    (site / "stale.html").write_text("old")

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken, open_snapshot(tmp_path / "offscript.duckdb") as (con, _):
        broken.setattr(module, "incidents_feed", full)
        with pytest.raises(OSError, match="No space"):
            write_site(con, site)
    assert (site / "stale.html").is_file()
    written(tmp_path)
    assert not (site / "stale.html").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".site")] == []


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.txt").write_text("mine")
    with pytest.raises(WarehouseError, match="not empty"):
        written(tmp_path)
    assert (tmp_path / "site" / "thesis.txt").read_text() == "mine"
