"""Denominators: counted by the platform, on days drawn by their dates, or over what was read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from flows.counting import drawn
from flows.slices import Window
from tests.flows.sources import stand_discourse, stand_lemmy, stand_reddit, stand_stackexchange
from tests.flows.sources.conftest import queries, read
from tests.flows.sources.standin import NOW, Post, Site, posts, running
from warehouse import volumes

DAY = timedelta(days=1)
CONTROLS = {"names_an_agent": ("claude code",)}


def rows(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "SELECT control, from_at::DATE::VARCHAR, posts, inclusion_p FROM volumes ORDER BY 1, 2"
    ).fetchall()


@pytest.mark.parametrize("source", ["stackexchange", "lemmy"])
def test_where_all_is_too_much_days_are_drawn_and_the_total_is_estimated(
    con: duckdb.DuckDBPyConnection, source: str
) -> None:
    stand: Any = {"stackexchange": stand_stackexchange, "lemmy": stand_lemmy}[source]
    held = posts(800, gap=timedelta(hours=1))
    asked = queries(controls=CONTROLS, agents=("claude code",), **stand.ASKED)
    with running(Site(stand.answer, held)) as site:
        read(con, source, stand.config(site.base), asked=asked, since=timedelta(days=30))
        found = rows(con)
        assert len(found) == 29, "every whole day stands there, drawn or not"
        assert {p for *_, p in found} == {1 / 7}
        counted = {day: number for _, day, number, _ in found if number is not None}
        assert 1 <= len(counted) <= 10
        assert set(counted.values()) == {24}
        assert set(counted) == {
            f"{day:%Y-%m-%d}"
            for n in range(31)
            if drawn(source, Window(day := (NOW - n * DAY).replace(hour=0, minute=0), day + DAY), 1 / 7)
            and f"{day:%Y-%m-%d}" in {row[1] for row in found}
        }
        site.log.clear()
        read(con, source, stand.config(site.base), asked=asked, since=timedelta(days=30))
        assert rows(con) == found
    (total,) = volumes.totals(con, NOW - timedelta(days=40), NOW)
    assert total.posts == pytest.approx(len(counted) * 24 * 7)
    assert total.error == pytest.approx((len(counted) * 24**2 * (6 / 7) * 49) ** 0.5)
    assert total.hours == 29 * 24


def test_the_draw_depends_on_the_day_alone_and_keeps_its_share() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [Window(start + n * DAY, start + (n + 1) * DAY) for n in range(2000)]
    chosen = [day for day in days if drawn("lemmy", day, 1 / 7)]
    assert 230 <= len(chosen) <= 340, "286 are to be expected"
    assert all(drawn("lemmy", day, 1.0) for day in days)


@pytest.mark.parametrize("source", ["reddit", "discourse"])
def test_where_everything_is_read_what_was_read_is_counted(con: duckdb.DuckDBPyConnection, source: str) -> None:
    stand: Any = {"reddit": stand_reddit, "discourse": stand_discourse}[source]
    held = [
        Post(post.n, post.at, *(("t", "my cat") if post.n % 4 else (post.title, post.text)), post.author)
        for post in posts(150, gap=timedelta(minutes=40))
    ]
    asked = queries(controls=CONTROLS, **stand.ASKED)
    with running(Site(stand.answer, held)) as site:
        read(con, source, stand.config(site.base), asked=asked, since=timedelta(days=4))
        found = {(control, day): number for control, day, number, _ in rows(con)}
        days = {f"{post.at:%Y-%m-%d}" for post in held} - {"2026-11-16", "2026-11-20"}
        assert {day for _, day in found} == {"2026-11-17", "2026-11-18", "2026-11-19"}
        for day in days:
            of_day = [post for post in held if f"{post.at:%Y-%m-%d}" == day]
            assert found["all_posts", day] == len(of_day)
            assert found["names_an_agent", day] == sum("claude" in post.text for post in of_day)
        read(con, source, stand.config(site.base), asked=asked, since=timedelta(days=4))
        assert len(rows(con)) == len(found)


def test_a_day_whose_list_was_not_read_whole_is_not_counted(con: duckdb.DuckDBPyConnection) -> None:
    # A thousand posts are all that a listing hands over: they reach back to the 19th.
    held = posts(1500, gap=timedelta(minutes=1))
    asked = queries(controls=CONTROLS, **stand_reddit.ASKED)
    with running(Site(stand_reddit.answer, held)) as site:
        outcome = read(con, "reddit", stand_reddit.config(site.base), asked=asked)
    assert rows(con) == []
    assert outcome.state == "done"
    assert "not read whole" in outcome.detail
