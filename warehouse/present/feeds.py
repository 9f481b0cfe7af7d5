"""Atom feeds of incidents and of monthly figures (RFC 4287): plain text only, the same from the same snapshot."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from xml.etree import ElementTree as ET

import duckdb

from warehouse.present import wording
from warehouse.present.brief import case_facts, headline
from warehouse.present.cases import told
from warehouse.present.inert import safe_url, visible
from warehouse.rows import fetch, scalar
from warehouse.trends.series import monthly

INCIDENTS: Final = 100
MONTHS: Final = 24
_ATOM: Final = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class Entry:
    """One entry: `name` is permanent, `path` leads to its page within the site, `links` to the reports."""

    name: str
    title: str
    updated: datetime
    summary: str
    path: str | None = None
    links: tuple[str, ...] = ()


def incidents_feed(con: duckdb.DuckDBPyConnection, site: str | None = None) -> str:
    """Return the feed of the incidents that last changed.

    Args:
        con: connection to a snapshot.
        site: public address of the static site, if there is one; entries then link to its pages.
    """
    changed = {row["incident"]: row["changed_at"] for row in fetch(con, _CHANGED, [INCIDENTS])}
    entries = [
        Entry(
            f"incident/{case.incident}",
            f"№ {case.incident} · {case.title}",
            changed[case.incident],
            f"{case_facts(case)}. {wording.plural(case.reports, 'report')}. {wording.STRICT}",
            f"incident/{case.incident}.html",
            case.links[:1],
        )
        for case in told(con, list(changed))
    ]
    return _feed("incidents", "Offscript: incidents reported in public", entries, _published(con), site)


def monthly_feed(con: duckdb.DuckDBPyConnection, site: str | None = None) -> str:
    """Return the feed of monthly figures, the newest month first; each in the brief's sentence, with its interval."""
    published = _published(con)
    months = monthly(con).lines[0].months
    kept: dict[date, int] = dict(con.execute(_KEPT).fetchall())
    entries = [
        Entry(
            f"month/{now.month:%Y-%m}",
            f"{wording.month_name(f'{now.month:%Y-%m}')}",
            published,
            headline(now, before, kept.get(now.month, 0)),
        )
        for before, now in zip((None, *months), months, strict=False)
        if now.incidents is not None
    ]
    return _feed("months", "Offscript: monthly figures", entries[::-1][:MONTHS], published, site)


_CHANGED: Final = """
    SELECT i.incident, greatest(i.opened_at, coalesce(max(r.linked_at), i.opened_at)) AS changed_at
    FROM incidents i LEFT JOIN incident_reports r USING (incident)
    WHERE i.is_strict AND i.incident_status <> 'withdrawn'
    GROUP BY i.incident, i.opened_at ORDER BY changed_at DESC, i.incident DESC LIMIT ?
"""
_KEPT: Final = """
    SELECT CAST(date_trunc('month', created_at AT TIME ZONE 'UTC') AS DATE), count(*) FROM reports
    WHERE created_precision IN ('second', 'day', 'month') GROUP BY 1
"""


def _published(con: duckdb.DuckDBPyConnection) -> datetime:
    found: datetime = scalar(con, "SELECT published_at FROM snapshot_info")
    return found


def _feed(name: str, title: str, entries: Sequence[Entry], updated: datetime, site: str | None) -> str:
    base = safe_url(site)
    root = ET.Element("feed", {"xmlns": _ATOM})
    _text(root, "id", _permanent(base, name))
    _text(root, "title", title)
    _text(root, "updated", _moment(updated))
    ET.SubElement(ET.SubElement(root, "author"), "name").text = "Offscript"
    if base:
        ET.SubElement(root, "link", {"rel": "self", "href": f"{base.rstrip('/')}/{name}.atom"})
        ET.SubElement(root, "link", {"rel": "alternate", "href": base})
    for entry in entries:
        item = ET.SubElement(root, "entry")
        _text(item, "id", _permanent(base, entry.name))
        _text(item, "title", entry.title)
        _text(item, "updated", _moment(entry.updated))
        if base and entry.path:
            ET.SubElement(item, "link", {"rel": "alternate", "href": f"{base.rstrip('/')}/{entry.path}"})
        for url in entry.links:
            address = safe_url(url)
            if address:
                ET.SubElement(item, "link", {"rel": "related", "href": address})
        _text(item, "summary", entry.summary)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = visible(text)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _permanent(base: str | None, name: str) -> str:
    """Return an id that never changes for a name: one a site, the same wherever no site is stated."""
    return uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, base or "offscript"), name).urn
