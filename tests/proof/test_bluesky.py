"""Bluesky's own servers: what is written there is stored here, once, until it is deleted there."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows import steps
from flows.collect import load_platforms
from flows.collectors import run_sources
from flows.http import Client
from flows.slices import Window
from flows.source_reader import Outcome
from flows.sources import bluesky
from tests.flows.sources.standin import Reply, Request, Site, reset, running, status, truncated
from tests.proof.between import Line, Search, opened
from tests.proof.conftest import proven, utc
from tests.proof.network import Account, People, Written
from tests.proof.peers import Bluesky
from warehouse.connect import open_working

pytestmark = pytest.mark.proof

KEY = b"proof"
EACH = 400
# Bytes after which the line is reset, connection by connection; a batch of posts is 50,000 to 75,000.
RESETS = (1_500, 130_000, 0, 130_000, 130_000, 0, 130_000)


def whole(_request: Request, reply: Reply) -> Reply:
    """No fault."""
    return reply


class Town:
    """Three people who write of agents and cats, one who hides from those not logged in, and the observatory."""

    def __init__(self, servers: Bluesky) -> None:
        self.servers = servers
        self.people = People(servers)
        self.began = utc() - timedelta(seconds=1)
        self.posts: dict[str, list[Written]] = {}
        self.writers = [self.people.join(name) for name in ("ada", "ben", "cho")]
        self.shy = self.people.join("shy")
        self.people.hide(self.shy)
        self.observatory = self.people.join("observatory")
        self.password = self.people.app_password(self.observatory)
        for account in (*self.writers, self.shy):
            count = EACH if account is not self.shy else 30
            end = utc() - timedelta(hours=1)
            self.posts[account.did] = self.people.write(account, count, end=end, gap=timedelta(days=4) / (EACH + 1))

    def ids(self, *accounts: Account) -> set[str]:
        """The ids of the posts that stand and name an agent."""
        return {
            f"bluesky:{account.did}/{post.key}"
            for account in accounts
            for post in self.posts[account.did]
            if post.names
        }

    def delete(self, account: Account, count: int) -> set[str]:
        """Delete some posts that name an agent; return their ids."""
        gone = [post for post in self.posts[account.did] if post.names][:count]
        self.posts[account.did] = [post for post in self.posts[account.did] if post not in gone]
        self.people.delete(account, [post.key for post in gone])
        return {f"bluesky:{account.did}/{post.key}" for post in gone}

    def go_on(self) -> None:
        """Somebody writes on: a stream read up to a moment ends with the first event after it."""
        self.people.write(self.observatory, 1, end=utc(), gap=timedelta(0))


@pytest.fixture(scope="module")
def town(bluesky: Bluesky) -> Town:
    return Town(bluesky)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_working(tmp_path / "proof.duckdb") as opened_:
        load_platforms(opened_)
        yield opened_


def log_in(monkeypatch: pytest.MonkeyPatch, town: Town, base: str) -> None:
    settings = {"HANDLE": town.observatory.handle, "APP_PASSWORD": town.password, "LOGIN_BASE": base}
    for name, value in settings.items():
        monkeypatch.setenv(f"OFFSCRIPT_BLUESKY_{name}", value)


def run(con: duckdb.DuckDBPyConnection, source: str, window: Window, http: Client) -> Outcome:
    return run_sources(con, [source], window, key=KEY, run_id="proof", http=http)[0]


def held(con: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    rows = con.execute("SELECT given_id FROM raw_items WHERE source_id = ? ORDER BY 1", [source]).fetchall()
    return [given for (given,) in rows]


def four_days(now: datetime) -> Window:
    return Window(now - timedelta(days=4, hours=2), now)


def test_search_with_a_login_reads_every_page(
    town: Town, con: duckdb.DuckDBPyConnection, patient: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(Search(town.servers.pds, logged_in=True))
    with running(site):
        log_in(monkeypatch, town, site.base)
        # The first answers of the real servers are cut off, reset, refused.
        site.faults = [status(503), whole, reset, truncated, whole, status(429, retry_after="2"), whole, reset]
        outcome = run(con, "bluesky", four_days(utc()), patient)
        assert (outcome.state, outcome.detail) == ("done", "")
        assert held(con, "bluesky") == sorted(town.ids(*town.writers)), "shy posts are left out even with a login"
        paged = sum("cursor" in request.query for request in site.log)
        assert paged > 0
        again = run(con, "bluesky", four_days(utc()), patient)
        assert (again.state, again.new) == ("done", 0)
        written = sum(len(posts) for posts in town.posts.values())
        proven("Bluesky, search with a login", "posts written, by 4 accounts over 4 days", written)
        named = len(town.ids(*town.writers, town.shy))
        proven("Bluesky, search with a login", "of them naming an agent", named)
        hidden = len(town.ids(town.shy))
        proven("Bluesky, search with a login", "of these by an account hidden from those not logged in", hidden)
        proven("Bluesky, search with a login", "posts stored", len(held(con, "bluesky")))
        lost = losses(con, "bluesky", town.ids(*town.writers))
        proven(
            "Bluesky, search with a login", "missing, more than once, stored by a second run", f"{lost}, {again.new}"
        )
        proven("Bluesky, search with a login", "faults between", "503, 429, a cut answer, 2 resets in an answer")

        # What is deleted there is found out by asking, and goes here.
        steps.screen_pending(con, key=KEY, run_id="proof")
        gone = town.delete(town.writers[0], 40)
        monkeypatch.setattr(bluesky.Bluesky, "recheck_limit", 10_000)
        assert run(con, "bluesky", four_days(utc()), patient).gone == len(gone)
        assert held(con, "bluesky") == sorted(town.ids(*town.writers))
        assert emptied(con) == gone
        proven("Bluesky, search with a login", "deleted there, found by asking, emptied here", len(gone))


def test_search_without_a_login_halves_its_spans(
    town: Town, con: duckdb.DuckDBPyConnection, patient: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(Search(town.servers.appview, logged_in=False))
    with running(site):
        monkeypatch.setenv("OFFSCRIPT_BLUESKY_BASE", site.base)
        monkeypatch.delenv("OFFSCRIPT_BLUESKY_HANDLE", raising=False)
        site.faults = [status(503), reset, whole, truncated]
        outcome = run(con, "bluesky", four_days(utc()), patient)
        assert (outcome.state, outcome.detail) == ("done", "")
        assert not any("cursor" in request.query for request in site.log)
        assert held(con, "bluesky") == sorted(town.ids(*town.writers))
        again = run(con, "bluesky", four_days(utc()), patient)
        assert again.new == 0
    lost = losses(con, "bluesky", town.ids(*town.writers))
    proven(
        "Bluesky, search without a login",
        "posts stored, by halved spans, no page after the first",
        len(held(con, "bluesky")),
    )
    proven("Bluesky, search without a login", "missing, more than once, stored by a second run", f"{lost}, {again.new}")


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_the_firehose_breaks_off_and_nothing_is_lost(
    town: Town, con: duckdb.DuckDBPyConnection, patient: Client, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    peer = f"Bluesky, firehose (Jetstream {protocol})"
    line = Line(town.servers.jetstream, RESETS)
    site = Site(Search(town.servers.pds, logged_in=True))
    writer = town.people.join(f"dan-{protocol}")
    town.posts[writer.did] = town.people.write(writer, 60, end=utc(), gap=timedelta(minutes=2))
    everyone = (*town.writers, town.shy, writer)
    with opened(line) as address, running(site):
        monkeypatch.setenv("OFFSCRIPT_JETSTREAM_BASE", f"ws://{address}")
        monkeypatch.setenv("OFFSCRIPT_JETSTREAM_PROTOCOL", protocol)
        monkeypatch.setenv("OFFSCRIPT_JETSTREAM_SAMPLE", "0")
        log_in(monkeypatch, town, site.base)
        now = utc()
        town.go_on()
        outcome = run(con, "jetstream", Window(town.began, now), patient)
        assert (outcome.state, outcome.detail) == ("done", "")
        assert line.resets == len(RESETS)
        stored = [given for given in held(con, "jetstream") if town.observatory.did not in given]
        assert stored == sorted(town.ids(*everyone)), "what was deleted before is not kept"
        proven(peer, "posts on the stream, deleted ones too", counted(con, "all_posts"))
        proven(peer, "posts stored: all that name an agent and stand", len(stored))
        proven(peer, "TCP resets of the line", line.resets)
        proven(peer, "missing, more than once", losses(con, "jetstream", town.ids(*everyone)))

        # The search brings the same posts: one report each, of the same words.
        run(con, "bluesky", four_days(utc()), patient)
        assert set(held(con, "bluesky")) <= set(held(con, "jetstream"))
        assert con.execute(
            "SELECT count(*) FROM (SELECT report_id FROM raw_items GROUP BY 1 HAVING count(DISTINCT text_hash) > 1)"
        ).fetchone() == (0,)
        steps.screen_pending(con, key=KEY, run_id="proof")

        # Deleted posts and a closed account, heard on the stream, go from what both sources brought.
        gone = town.delete(town.writers[1], 30) | town.ids(writer)
        town.people.close(writer)
        del town.posts[writer.did]
        line.plan = [2_000, 0]
        # What is written after it is in the AppView: so the stream has brought all of it.
        town.go_on()
        later = utc()
        town.go_on()
        heard = run(con, "jetstream", Window(town.began, later), patient)
        assert (heard.state, heard.gone) == ("done", len(gone))
        assert line.resets == len(RESETS) + 2
        assert not gone & {*held(con, "jetstream"), *held(con, "bluesky")}
        assert set(held(con, "jetstream")) >= town.ids(*town.writers, town.shy)
        assert emptied(con) == gone
        proven(peer, "deleted there, heard on the stream, emptied here", 30)
        proven(peer, "posts of an account closed there, emptied here", len(gone) - 30)


def losses(con: duckdb.DuckDBPyConnection, source: str, expected: set[str]) -> str:
    """How many posts are missing, and how many are there more than once."""
    stored = held(con, source)
    return f"{len(expected - set(stored))}, {len(stored) - len(set(stored))}"


def counted(con: duckdb.DuckDBPyConnection, control: str) -> int:
    row = con.execute("SELECT sum(posts)::BIGINT FROM volumes WHERE control = ?", [control]).fetchone()
    assert row is not None
    return int(row[0])


def emptied(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The reports of which nothing is left but that there was one."""
    sql = "SELECT report_id FROM reports WHERE text = '' AND title = '' AND url IS NULL AND author_key IS NULL"
    return {report for (report,) in con.execute(sql).fetchall()}
