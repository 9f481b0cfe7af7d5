"""Prefect's server on PostgreSQL with three workers in processes of their own, over two sources: one worker dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from flows.cadence import CHORES
from flows.sources.registry import SOURCES
from tests.conftest import ROOT
from tests.flows.sources import stand_discourse, stand_feeds
from tests.flows.sources.standin import Reply, Site, posts, running
from tests.flows.sources.standin import Request as Asked
from tests.postgres import USER, postgres
from warehouse.connect import open_working

pytestmark = pytest.mark.workers

POSTS = 160
LONGEST = 900.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Held:
    """A forum that answers its first page and then nothing, until it is let go."""

    def __init__(self) -> None:
        self.pages = 0
        self.waiting = threading.Event()
        self.let_go = threading.Event()

    def answer(self, site: Site, request: Asked) -> Reply:
        if request.path == "/posts.json":
            self.pages += 1
            if self.pages >= 2 and not self.let_go.is_set():
                self.waiting.set()
                self.let_go.wait(LONGEST)
        return stand_discourse.answer(site, request)


class Prefect:
    """A server, its commands and its workers, all with one environment."""

    def __init__(self, folder: Path, database: Path, settings: dict[str, str]) -> None:
        port = free_port()
        self.api = f"http://127.0.0.1:{port}/api"
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "OFFSCRIPT_"))},
            **settings,
            "PYTHONPATH": str(ROOT),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.api,
            "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{USER}@/prefect?host={database}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_CLI_PROMPT": "false",
        }
        self.start("server", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        until(self.answers, "the server answers")

    def start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                env=self.env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(child)
        return child

    def command(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], env=self.env, cwd=ROOT, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def answers(self) -> bool:
        assert self.started[0].poll() is None, (self.folder / "server.log").read_text()
        try:
            self.call("GET", "/health")
        except (URLError, OSError):
            return False
        return True

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.api}{path}", data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def run(self, deployment: str) -> str:
        held = self.call("GET", f"/deployments/name/{deployment}")
        made = self.call("POST", f"/deployments/{held['id']}/create_flow_run", {})
        return str(made["id"])

    def state(self, run: str) -> str:
        return str(self.call("GET", f"/flow_runs/{run}")["state"]["type"])

    def ended(self, run: str) -> str:
        until(lambda: self.state(run) in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}, f"run {run} ends")
        return self.state(run)

    def stop(self) -> None:
        for child in reversed(self.started):
            if child.poll() is None:
                child.terminate()
        for child in reversed(self.started):
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, f"not within {LONGEST:.0f} s: {what}"
        time.sleep(0.5)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def prefect(folder: Path, settings: dict[str, str]) -> Iterator[Prefect]:
    with postgres("prefect") as database:
        made = Prefect(folder, database, settings)
        try:
            made.command("flows.workers")
            # Once more, as after a change of the cadence.
            made.command("flows.workers")
            for held in made.call("POST", "/deployments/filter", {}):
                # Only what this test starts is to run.
                made.call("PATCH", f"/deployments/{held['id']}", {"paused": True})
            for run in made.call("POST", "/flow_runs/filter", {}):
                made.call("DELETE", f"/flow_runs/{run['id']}")
            yield made
        finally:
            made.stop()


def test_a_killed_worker_loses_nothing_and_the_next_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    db, held = tmp_path / "x.duckdb", Held()
    made = posts(POSTS, end=datetime.now(UTC) - timedelta(hours=1))
    with ExitStack() as stack:
        forum = stack.enter_context(running(Site(held.answer, made)))
        blog = stack.enter_context(running(Site(stand_feeds.answer, made[:40])))
        settings = {
            **{f"OFFSCRIPT_{name.upper()}_EVERY": "off" for name in (*SOURCES, *CHORES)},
            "OFFSCRIPT_DISCOURSE_EVERY": "6h",
            "OFFSCRIPT_FEEDS_EVERY": "1h",
            "OFFSCRIPT_DB": str(db),
            "OFFSCRIPT_ALLOW_PRIVATE": "1",
            "OFFSCRIPT_DISCOURSE_FORUMS": forum.base,
            "OFFSCRIPT_FEEDS_URLS": f"blog={blog.base}/feed.xml",
        }
        server = stack.enter_context(prefect(tmp_path, settings))
        stack.callback(held.let_go.set)
        workers = {
            child.pid: child
            for name in ("one", "two", "three")
            for child in [server.start(name, "worker", "start", "--pool", "offscript", "--name", name, "--limit", "1")]
        }

        # Two workers take the two sources; one of them writes, the other waits for its turn.
        first, other = server.run("collect/every-6h"), server.run("collect/every-1h")
        assert held.waiting.wait(LONGEST)
        writer = int(json.loads(db.with_suffix(".lock").read_text())["pid"])
        worker = writer
        while worker not in workers:
            worker = parent(worker)
        os.kill(worker, signal.SIGKILL)
        os.kill(writer, signal.SIGKILL)
        workers[worker].wait()
        held.let_go.set()

        assert server.ended(other) == "COMPLETED"
        assert server.ended(first) == "CRASHED"
        again = server.run("collect/every-6h")
        assert server.ended(again) == "COMPLETED"

    with open_working(db) as con:
        stored = con.execute(
            "SELECT source_id, count(*), count(DISTINCT given_id), count(DISTINCT run_id) FROM raw_items GROUP BY 1 ORDER BY 1"
        ).fetchall()
    # The forum's were stored by two runs: the killed one's page was kept, and not read twice.
    assert stored == [("discourse", POSTS, POSTS, 2), ("feeds", 40, 40, 1)]
