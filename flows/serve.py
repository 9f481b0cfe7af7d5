"""`offscript serve`: Prefect's server, the schedule and the dashboard as children of one process that watches them.

The children die with this process, however it dies. Health and figures for monitoring are answered on loopback.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files as resource_files
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from flows import vitals
from flows.children import Child
from flows.errors import InputError
from flows.settings import quiet_prefect

LOOPBACK = "127.0.0.1"
SERVER_START = 600.0
# A run that is told to stop finishes the page it stores; a writer needs no longer than this.
PATIENCE = 60.0


@dataclass(frozen=True)
class Ports:
    """Where things are answered; a port of 0 leaves that part out.

    Attributes:
        bind: the address of dashboard and health; Prefect's server, which takes orders, stays on loopback.
    """

    dashboard: int = 8501
    health: int = 8502
    prefect: int = 4200
    bind: str = LOOPBACK


def serve(db: Path, ports: Ports, say: Callable[[str], None]) -> int:
    """Run until told to stop (SIGTERM, SIGINT); return the exit code.

    Args:
        db: the working file.
        ports: where the dashboard, the health endpoint and Prefect answer.
        say: tells the operator what happens.

    Raises:
        InputError: a port is taken, or Prefect's server does not start.
    """
    db = db.resolve()
    for name, port in (("dashboard", ports.dashboard), ("health", ports.health), ("prefect", ports.prefect)):
        _free(name, port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    env = environment(db, ports)
    children = _children(db, ports, env)
    watch = vitals.Watch(db, children)
    endpoint = vitals.listen(watch, ports.bind, ports.health) if ports.health else None
    try:
        if "server" in children:
            children["server"].start()
            _await_server(env["PREFECT_API_URL"], children["server"], stop)
        for child in children.values():
            if not child.running and not stop.is_set():
                child.start()
        say(_addresses(ports, env))
        while not stop.wait(1.0):
            for child in children.values():
                code = child.keep()
                if code is not None:
                    say(f"{child.name} ended with {code}, see {child.log}; starting it again")
    finally:
        say("stopping")
        # The schedule first, while the server it reports to still answers.
        for name in ("schedule", "dashboard", "server"):
            if name in children:
                children[name].stop(PATIENCE)
        if endpoint is not None:
            endpoint.shutdown()
    return 0


def environment(db: Path, ports: Ports) -> dict[str, str]:
    """Return the environment of the children: an own Prefect server, unless PREFECT_API_URL names another."""
    quiet_prefect()
    home = db.with_suffix(".prefect")
    own = {
        "OFFSCRIPT_DB": str(db),
        "PREFECT_HOME": os.environ.get("PREFECT_HOME", str(home)),
        "PREFECT_API_URL": os.environ.get("PREFECT_API_URL", f"http://{LOOPBACK}:{ports.prefect}/api"),
        # The writer's limit renews a lease; a run that was killed gives its turn back when the lease ends.
        "PREFECT_SERVER_LOGGING_LEVEL": os.environ.get("PREFECT_SERVER_LOGGING_LEVEL", "WARNING"),
        # Prefect keeps what it knows of a run for ever, unless it is told not to: then for 90 days.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": os.environ.get(
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED", "events,flow_runs"
        ),
        "PREFECT_RUNNER_POLL_FREQUENCY": os.environ.get("PREFECT_RUNNER_POLL_FREQUENCY", "5"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    return {**os.environ, **own}


def dashboard_command(port: int, bind: str = LOOPBACK) -> list[str]:
    """Return the command that shows the dashboard, on loopback unless told otherwise."""
    main_py = Path(str(resource_files("app"))) / "main.py"
    command = [sys.executable, "-m", "streamlit", "run", str(main_py), "--server.port", str(port)]
    return [*command, "--server.address", bind, "--server.headless", "true", "--browser.gatherUsageStats", "false"]


def _children(db: Path, ports: Ports, env: dict[str, str]) -> dict[str, Child]:
    logs = db.with_suffix(".logs")
    commands = {"schedule": [sys.executable, "-m", "flows.schedule"]}
    if ports.dashboard:
        commands["dashboard"] = dashboard_command(ports.dashboard, ports.bind)
    if ports.prefect and "PREFECT_API_URL" not in os.environ:
        start = ["-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(ports.prefect)]
        commands = {"server": [sys.executable, *start], **commands}
    return {name: Child(name, command, env, logs / f"{name}.log") for name, command in commands.items()}


def _free(name: str, port: int) -> None:
    if not port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            msg = f"port {port} ({name}) is taken: is another `offscript serve` running? choose one with --{name}-port"
            raise InputError(msg) from error


def _await_server(api: str, server: Child, stop: threading.Event) -> None:
    until = time.monotonic() + SERVER_START
    while time.monotonic() < until and not stop.wait(0.5):
        if not server.running:
            msg = f"Prefect's server ended at its start, see {server.log}"
            raise InputError(msg)
        try:
            with urlopen(f"{api}/health", timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (URLError, OSError):
            continue
    if not stop.is_set():
        msg = f"Prefect's server does not answer after {SERVER_START:.0f} s, see {server.log}"
        raise InputError(msg)


def _addresses(ports: Ports, env: dict[str, str]) -> str:
    told = [f"schedule: {env['PREFECT_API_URL'].removesuffix('/api')}"]
    if ports.dashboard:
        told.append(f"dashboard: http://{ports.bind}:{ports.dashboard}")
    if ports.health:
        told.append(f"health: http://{ports.bind}:{ports.health}/healthz, metrics: /metrics")
    return "\n".join(told)
