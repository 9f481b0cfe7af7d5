"""A week that leaves its band is told once, over a real webhook and a real mail server; quiet otherwise."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from flows.alerts import AlertSettings, alert
from tests.flows.sources.standin import Reply, Site, running, status
from tests.warehouse.builders import warehouse
from tests.warehouse.trend_builders import add, cover
from warehouse.present.wording import faults
from warehouse.trends.expectations import expect, untold

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
QUIET = [3, 2, 4, 3, 2, 3, 4, 2, 3]


@contextmanager
def weeks(path: Path, counts: list[int], state: str = "read") -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(path) as con:
        for week, count in enumerate(counts):
            for number in range(count):
                add(con, f"github:{week}-{number}", f"{MONDAY + timedelta(weeks=week):%Y-%m-%d}")
        last = MONDAY + timedelta(weeks=len(counts))
        cover(con, "github", f"{MONDAY:%Y-%m-%d}", f"{last:%Y-%m-%d}", state)
        yield con


def hook() -> Site:
    return Site(lambda _site, _request: Reply({"ok": True}))


def settings(site: Site) -> AlertSettings:
    return AlertSettings(webhook=SecretStr(f"{site.base}/secret-path"))


def test_a_jump_is_told_once_with_interval_and_rule(tmp_path: Path) -> None:
    site = hook()
    with weeks(tmp_path / "x.duckdb", [*QUIET, 20]) as con, running(site):
        assert alert(con, settings(site)) == []
        assert alert(con, settings(site)) == []
        assert untold(con) == []
    (request,) = site.log
    sent = json.loads(request.body)
    assert "Holm" in sent["rule"]
    alerts = {one["series"]: one for one in sent["alerts"]}
    assert alerts["all strict incidents"]["n"] == 20
    assert alerts["all strict incidents"]["week"] == "2026-03-09"
    assert alerts["all strict incidents"]["tests"] >= 3
    assert "20 strict incidents in the week from 2026-03-09, more than expected" in sent["text"]
    assert faults(sent["text"]) == []


def test_an_ordinary_week_is_quiet_and_kept(tmp_path: Path) -> None:
    site = hook()
    with weeks(tmp_path / "x.duckdb", [*QUIET, 4]) as con, running(site):
        assert alert(con, settings(site)) == []
        held = con.execute("SELECT n, is_unexpected FROM expectations WHERE expected_series = 'all strict incidents'")
        assert held.fetchall() == [(4, False)]
    assert site.log == []


@pytest.mark.parametrize("state", ["unknown", "curated", "capped"])
def test_nothing_is_expected_where_it_is_not_known_what_was_read(tmp_path: Path, state: str) -> None:
    with weeks(tmp_path / "x.duckdb", [*QUIET, 20], state) as con:
        assert expect(con) == 0


def test_a_webhook_that_fails_is_tried_again_and_its_address_stays_secret(tmp_path: Path) -> None:
    site = hook()
    with weeks(tmp_path / "x.duckdb", [*QUIET, 20]) as con, running(site):
        site.faults = [status(404)]
        failures = alert(con, settings(site))
        assert failures == ["webhook: Refused"]
        assert untold(con)
        assert alert(con, settings(site)) == []
        assert untold(con) == []
    assert len(site.log) == 2


class _Mail(socketserver.StreamRequestHandler):
    """As much SMTP as it takes to hand over one message."""

    def handle(self) -> None:
        box: list[str] = self.server.box  # type: ignore[attr-defined]
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                body = []
                while (part := self.rfile.readline().decode()) != ".\r\n":
                    body.append(part)
                box.append("".join(body))
            elif word == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


def test_mail_goes_out_and_a_dead_server_stops_nothing(tmp_path: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        server.box = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = server.server_address[1]
        to = AlertSettings(email="desk@example.org", smtp_host="127.0.0.1", smtp_port=port, smtp_tls=False)
        with weeks(tmp_path / "x.duckdb", [*QUIET, 20]) as con:
            dead = to.model_copy(update={"smtp_port": 1})
            assert alert(con, dead) == ["e-mail by 127.0.0.1:1: ConnectionRefusedError"]
            assert alert(con, to) == []
        server.shutdown()
        (message,) = server.box  # type: ignore[attr-defined]
    assert "To: desk@example.org" in message
    assert "more than expected" in message.replace("=\r\n", "").replace("\r\n", " ")
