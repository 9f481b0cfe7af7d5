"""`offscript doctor`: what is missing, broken or silent, where it looked, and what to do. No secret is ever shown."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from flows.collectors import user_agent
from flows.errors import OffscriptError
from flows.exchange import Limits, Refused, SourceError
from flows.findings import SKEW, Finding, look_at_backups, look_at_snapshot, look_at_warehouse, page
from flows.http import Client
from flows.settings import Settings, loose_files, source_config
from flows.sources.base import Entry
from flows.sources.registry import SOURCES
from flows.vitals import ROOM


def examine(db: Path, *, offline: bool, now: datetime | None = None) -> list[Finding]:
    """Look at everything, in the order in which an operator would."""
    at = now or datetime.now(UTC)
    found: list[Finding] = []
    for look in (_environment, _weights, _settings):
        found += look()
    found += _disk(db)
    found += look_at_warehouse(db, at)
    found += look_at_snapshot(db, at)
    found += look_at_backups(db, at)
    if not offline:
        found += reachable(at)
    return found


def worst(found: list[Finding]) -> int:
    """Return the exit code for monitoring: 0 well, 1 something failed, 3 something deserves a look."""
    states = {finding.state for finding in found}
    return 1 if "fail" in states else 3 if "warn" in states else 0


def _environment() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    yield Finding("python", "ok", sys.version.split()[0])
    wrong = []
    for text in requires("offscript") or ():
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            held = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(held, prereleases=True):
            wrong.append(f"{wanted.name} {held}, wanted {wanted.specifier}")
    if wrong:
        yield Finding("packages", "fail", "; ".join(wrong), "make env, or pip install -U offscript")
    else:
        yield Finding("packages", "ok", f"offscript {version('offscript')}, all requirements met")


def _weights() -> Iterator[Finding]:
    from classifiers.encoder import QUANTIZED_SHA256, WEIGHTS_SHA256, WeightsError, verify_quantized, verify_weights
    from classifiers.heads import ArtefactError, load_heads
    from classifiers.version import instrument

    try:
        verify_weights()
        verify_quantized()
        load_heads()
        hashes = f"encoders sha256 {QUANTIZED_SHA256[:12]}… and {WEIGHTS_SHA256[:12]}…"
        yield Finding("weights", "ok", f"{hashes}, instrument {instrument()}")
    except (WeightsError, ArtefactError) as error:
        yield Finding("weights", "fail", str(error), "make env")


def _settings() -> Iterator[Finding]:
    env = Path(".env").resolve()
    looked = f"looked at: environment, {env}{'' if env.is_file() else ' (there is none)'}"
    for path, mode in loose_files():
        yield Finding("settings", "fail", f"{path} may be read by others (mode {mode:o})", f"chmod 600 {path}")
    try:
        lacking = {entry.source: entry.missing(source_config(entry)) for entry in SOURCES.values()}
    except OffscriptError as error:
        yield Finding("settings", "fail", f"{error}; {looked}", "correct the setting")
        return
    ready = [name for name, lacks in lacking.items() if not lacks]
    yield Finding("settings", "ok", f"{len(ready)} sources are ready: {', '.join(ready)}; {looked}")
    for name, lacks in lacking.items():
        if lacks:
            # Nothing needs a key to start: what a key would add is a remark.
            yield Finding("settings", "note", f"{name} needs {', '.join(lacks)}", page(name))
    settings = Settings()
    if not settings.contact:
        yield Finding("settings", "warn", f"OFFSCRIPT_CONTACT is not set; {looked}", "set an address for platforms")
    if settings.allow_private:
        yield Finding("settings", "warn", "OFFSCRIPT_ALLOW_PRIVATE is on: private addresses are asked too", "unset it")


def _disk(db: Path) -> Iterator[Finding]:
    folder = next(parent for parent in (db.parent, *db.resolve().parents) if parent.is_dir())
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & getattr(os, "ST_RDONLY", 1):
        yield Finding("disk", "fail", f"{folder} cannot be written", "mount it for writing, or set OFFSCRIPT_DB")
        return
    free = shutil.disk_usage(folder).free
    size = db.stat().st_size if db.is_file() else 0
    told = f"{free / 1e9:,.1f} GB free at {folder}, the working file has {size / 1e9:,.3f} GB"
    # A backup and a rewritten copy stand beside the file for a moment.
    if free < max(ROOM, 3 * size):
        yield Finding("disk", "warn" if free > size else "fail", told, "make room: three times its size is needed")
    else:
        yield Finding("disk", "ok", told)


def reachable(now: datetime) -> Iterator[Finding]:
    """Ask each ready source's host for its headers, once; the first dated answer also tells the time."""
    settings = Settings()
    skews: list[timedelta] = []
    http = Client(
        user_agent(settings.contact),
        limits=Limits(tries=1, connect=5, read=5, whole=10),
        allow_private=settings.allow_private,
    )
    try:
        for entry in SOURCES.values():
            address = _address(entry)
            if address is None or entry.missing(source_config(entry)):
                continue
            yield _reached(http, entry, address, skews.append, now)
    finally:
        http.close()
    if skews:
        skew = sorted(skews)[len(skews) // 2]
        state = "fail" if abs(skew) > SKEW else "ok"
        side = "ahead of" if skew > timedelta(0) else "behind"
        told = f"this clock is {abs(skew).total_seconds():.0f} s {side} the sources' clocks"
        yield Finding("clock", state, told, "set it right: spans of time would be missed" if state == "fail" else "")


def _reached(http: Client, entry: Entry, address: str, skew: Callable[[timedelta], None], now: datetime) -> Finding:
    host = urlsplit(address).hostname
    try:
        answer = http.request("HEAD", address)
    except Refused as error:
        # Any answer at all, also a no to this bare question, shows that the host is there.
        if error.status is not None:
            return Finding("reach", "ok", f"{entry.source}: {host} answers")
        return Finding("reach", "fail", f"{entry.source}: {error}", f"{entry.setting('base')}")
    except SourceError as error:
        return Finding("reach", "warn", f"{entry.source}: {error}", "network, proxy or the source itself")
    with suppress(ValueError, TypeError):
        skew(datetime.now(UTC) - parsedate_to_datetime(answer.headers.get("date", "")))
    return Finding("reach", "ok", f"{entry.source}: {host} answers")


def _address(entry: Entry) -> str | None:
    base = getattr(source_config(entry), "base", "")
    return base.replace("wss://", "https://").replace("ws://", "http://") or None
