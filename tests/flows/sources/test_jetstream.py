from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from flows.collect_source import Outcome
from flows.deletions import purge
from tests.flows.sources import stand_bluesky
from tests.flows.sources.conftest import coverage, queries, read, stored
from tests.flows.sources.stand_jetstream import Host, running
from tests.flows.sources.standin import NOW, Post, Site, posts
from tests.flows.sources.standin import running as running_site

START = NOW - timedelta(hours=5)


@pytest.fixture
def host() -> Iterator[Host]:
    held = Host()
    for n in range(600):
        at = START + timedelta(seconds=29 * n + 5)
        text = f"claude code wiped disk {n}" if n % 10 == 0 else f"my cat is asleep {n}"
        held.add(Post(n, at, "", text))
    # The network goes on after the span asked for.
    held.add(Post(9000, NOW + timedelta(seconds=3), "", "later"))
    with running(held) as open_host:
        yield open_host


def collect(con: duckdb.DuckDBPyConnection, host: Host, **config: Any) -> Outcome:
    given = {"base": host.base, "patience": 1.0, "sample": 0.05, **config}
    asked = queries(controls={"names_an_agent": ("claude code",)})
    return read(con, "jetstream", given, asked=asked, since=timedelta(hours=5))


@pytest.mark.parametrize("protocol", ["v1", "v2"])
@pytest.mark.parametrize("breaks", [[], [40], [0, 3, 50], [20] * 9])
def test_no_gap_no_duplicate_however_often_the_stream_breaks(
    con: duckdb.DuckDBPyConnection, host: Host, protocol: str, breaks: list[int]
) -> None:
    host.breaks = list(breaks)
    host.junk = True
    outcome = collect(con, host, protocol=protocol, sample=0.0)
    assert (outcome.state, outcome.detail) == ("done", "")
    assert stored(con) == sorted(f"bluesky:did:plc:writer/k{n}" for n in range(0, 600, 10))
    volumes = con.execute("SELECT control, sum(posts), count(*) FROM volumes GROUP BY 1 ORDER BY 1").fetchall()
    assert volumes == [("all_posts", 600, 6), ("names_an_agent", 60, 6)]
    assert coverage(con) == {"read": 5.0}
    assert collect(con, host, protocol=protocol).served == 0


def test_a_share_of_the_others_is_kept_with_its_probability_the_same_at_every_reading(
    con: duckdb.DuckDBPyConnection, host: Host
) -> None:
    collect(con, host)
    sampled = con.execute("SELECT count(*) FROM raw_items WHERE (payload->>'sample_p')::DOUBLE = 0.05").fetchone()
    assert sampled is not None
    assert 10 <= sampled[0] <= 50, "27 of 540 are to be expected"
    before = stored(con)
    con.execute("DELETE FROM raw_items")
    con.execute("DELETE FROM cursors")
    collect(con, host)
    assert stored(con) == before


def test_what_its_author_deletes_is_deleted_here(con: duckdb.DuckDBPyConnection, host: Host) -> None:
    host.events.pop()
    gone = [event["commit"]["rkey"] for event in host.events[:200:20]]
    for n in range(0, 200, 20):
        host.add(Post(n, NOW - timedelta(seconds=n + 30), "", ""), "delete")
    host.events.sort(key=lambda event: int(event["time_us"]))
    host.add(Post(9000, NOW + timedelta(seconds=3), "", "later"))
    outcome = collect(con, host, sample=0.0)
    assert outcome.gone == len(gone) == 10
    assert len(stored(con)) == 50
    assert not {f"bluesky:did:plc:writer/{key}" for key in gone} & set(stored(con))


@pytest.mark.parametrize("protocol", ["v1", "v2"])
@pytest.mark.parametrize(("status", "left"), [("deleted", 0), ("deactivated", 0), ("throttled", 60)])
def test_posts_of_a_closed_account_go_whichever_source_brought_them(
    con: duckdb.DuckDBPyConnection, host: Host, protocol: str, status: str, left: int
) -> None:
    with running_site(Site(stand_bluesky.answer, posts(5))) as search:
        # Another account's posts, by search: they stay.
        read(con, "bluesky", {"base": search.base}, asked=queries(share_links=()))
    con.execute("UPDATE raw_items SET report_id = replace(report_id, 'writer', 'another')")
    host.events.pop()
    host.close_account(NOW - timedelta(seconds=20), status)
    host.add(Post(9000, NOW + timedelta(seconds=3), "", "later"))
    outcome = collect(con, host, protocol=protocol, sample=0.0)
    assert (outcome.state, outcome.gone) == ("done", 60 - left)
    assert len(stored(con)) == 5 + left


def test_a_deleted_post_goes_from_every_source_that_brought_it(con: duckdb.DuckDBPyConnection) -> None:
    with running_site(Site(stand_bluesky.answer, posts(5))) as search:
        read(con, "bluesky", {"base": search.base}, asked=queries(share_links=()))
    assert purge(con, ["bluesky:did:plc:writer/1002", "bluesky:did:plc:nobody/"]) == 1
    assert stored(con) == [f"bluesky:did:plc:writer/{n}" for n in (1000, 1001, 1003, 1004)]


def test_hours_the_host_no_longer_holds_are_not_taken_for_quiet_ones(
    con: duckdb.DuckDBPyConnection, host: Host
) -> None:
    host.held_from = int((START + timedelta(hours=2, minutes=40)).timestamp() * 1e6)
    collect(con, host)
    assert coverage(con) == {"capped": 3.5, "read": 1.5}, "the hours before, and the one it begins within"
    first = con.execute("SELECT min(from_at) FROM volumes").fetchone()
    assert first == (START + timedelta(hours=3, minutes=30),)


def test_a_host_that_breaks_off_again_and_again_is_missed_and_read_later(
    con: duckdb.DuckDBPyConnection, host: Host
) -> None:
    host.breaks = [0] * 40
    assert collect(con, host).state == "failed"
    assert stored(con) == []
    host.breaks = []
    assert collect(con, host, sample=0.0).state == "done"
    assert len(stored(con)) == 60
