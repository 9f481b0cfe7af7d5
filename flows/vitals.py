"""What monitoring reads while it runs: `/healthz` (JSON) and `/metrics` (Prometheus text), on loopback.

The snapshot is read, never the working file, so that a scrape cannot hold up the writer. The text format is
prometheus_client's (Prefect depends on it already), the server the standard library's: one scrape at a time is enough.
"""

import json
import shutil
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from flows.children import Child
from flows.collectors import Status, none_read, statuses, unheard
from warehouse import backup
from warehouse.connect import Snapshot, WarehouseError, open_snapshot
from warehouse.rows import scalar

ROOM = 1024**3
_GAUGES = {
    "offscript_healthy": "1 if nothing is wrong, see /healthz",
    "offscript_snapshot_age_seconds": "since the current snapshot was published",
    "offscript_strict_incidents": "strict incidents in the current snapshot",
    "offscript_reports": "reports in the current snapshot",
    "offscript_backup_age_seconds": "since the last good backup",
    "offscript_disk_free_bytes": "on the working file's disk",
    "offscript_working_bytes": "size of the working file",
}
_BY_SOURCE = {
    "offscript_source_read_age_seconds": "since the end of what was read of a source",
    "offscript_source_silent_seconds": "since a source that is read had its last post; 0 where it is not silent",
    "offscript_source_posts_per_day": "over the last 28 days",
    "offscript_source_missed_hours": "asked for and not answered",
}
_BY_CHILD = {
    "offscript_process_up": "1 if the process runs",
    "offscript_process_starts": "how often it was started",
}


@dataclass(frozen=True)
class Watch:
    """What is watched: the working file, and the processes beside it."""

    db: Path
    children: Mapping[str, Child] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Vitals:
    """How it stands at one moment; what is unknown is None."""

    at: datetime
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    snapshot: str | None
    published_at: datetime | None
    strict_incidents: int | None
    reports: int | None
    backup_at: datetime | None
    disk_free: int
    working_bytes: int
    sources: tuple[Status, ...]
    processes: Mapping[str, tuple[bool, int]]


def read(watch: Watch, now: datetime | None = None) -> Vitals:
    """Return how it stands."""
    at = now or datetime.now(UTC)
    processes = {name: (child.running, child.starts) for name, child in watch.children.items()}
    problems = [f"{name} does not run" for name, (up, _) in processes.items() if not up]
    found: Snapshot | None = None
    published = strict = reports = None
    sources: list[Status] = []
    try:
        with open_snapshot(watch.db) as (con, found):
            published = scalar(con, "SELECT published_at FROM snapshot_info")
            strict = scalar(con, "SELECT count(*) FROM incidents WHERE is_strict")
            reports = scalar(con, "SELECT count(*) FROM reports")
            sources = statuses(con, at)
    except WarehouseError as error:
        # Just started on an empty folder is not a fault.
        if (at - watch.started).total_seconds() > 3600:
            problems.append(str(error))
    if none_read(sources, at):
        problems.append("no source could be read; see remarks")
    folder = watch.db.parent if watch.db.parent.is_dir() else Path.cwd()
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        problems.append(f"{free / 1e6:,.0f} MB left on the disk of {folder}")
    copies = backup.listed(watch.db)
    size = watch.db.stat().st_size if watch.db.is_file() else 0
    return Vitals(
        at=at,
        problems=tuple(problems),
        remarks=tuple(told for row in sources if (told := unheard(row, at))),
        snapshot=found.id if found else None,
        published_at=published,
        strict_incidents=strict,
        reports=reports,
        backup_at=copies[0].made_at if copies else None,
        disk_free=free,
        working_bytes=size,
        sources=tuple(sources),
        processes=processes,
    )


def health_json(vitals: Vitals) -> str:
    """Return what `/healthz` says."""
    told = asdict(vitals)
    told["processes"] = {name: {"up": up, "starts": starts} for name, (up, starts) in vitals.processes.items()}
    return json.dumps({"status": "failing" if vitals.problems else "ok", **told}, default=str, indent=1)


def metrics_text(vitals: Vitals) -> bytes:
    """Return what `/metrics` says, in Prometheus' text format; unknown values are left out."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    values = {
        "offscript_healthy": float(not vitals.problems),
        "offscript_snapshot_age_seconds": _age(vitals.at, vitals.published_at),
        "offscript_strict_incidents": vitals.strict_incidents,
        "offscript_reports": vitals.reports,
        "offscript_backup_age_seconds": _age(vitals.at, vitals.backup_at),
        "offscript_disk_free_bytes": vitals.disk_free,
        "offscript_working_bytes": vitals.working_bytes,
    }
    for name, told in _GAUGES.items():
        value = values[name]
        if value is not None:
            Gauge(name, told, registry=registry).set(value)
    by_source = {name: Gauge(name, told, ["source"], registry=registry) for name, told in _BY_SOURCE.items()}
    for row in vitals.sources:
        if row.last_read is None and not row.missed_hours:
            continue
        ages = {
            "offscript_source_read_age_seconds": _age(vitals.at, row.last_read),
            "offscript_source_silent_seconds": _age(vitals.at, row.silent_since) if row.silent_since else 0.0,
            "offscript_source_posts_per_day": row.posts_a_day,
            "offscript_source_missed_hours": row.missed_hours,
        }
        for name, value in ages.items():
            if value is not None:
                by_source[name].labels(row.source).set(value)
    by_child = {name: Gauge(name, told, ["process"], registry=registry) for name, told in _BY_CHILD.items()}
    for process, (up, starts) in vitals.processes.items():
        by_child["offscript_process_up"].labels(process).set(up)
        by_child["offscript_process_starts"].labels(process).set(starts)
    return bytes(generate_latest(registry))


def _age(now: datetime, then: datetime | None) -> float | None:
    return None if then is None else (now - then).total_seconds()


def listen(watch: Watch, host: str, port: int) -> ThreadingHTTPServer:
    """Answer `/healthz` and `/metrics` in a thread until `shutdown` is called."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path not in {"/healthz", "/metrics"}:
                self.send_error(404)
                return
            vitals = read(watch)
            if self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(vitals))
            else:
                status = 503 if vitals.problems else 200
                self._answer(status, "application/json", health_json(vitals).encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a scrape every few seconds is not news."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
