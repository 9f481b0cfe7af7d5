"""The static site: overview, briefs, incidents and feeds as plain HTML and SVG that any web host can serve.

The whole site is built beside its folder and swapped in, so that a reader never meets half of two snapshots.
"""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe.

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from warehouse.connect import WarehouseError
from warehouse.labels import current_card
from warehouse.present import charts, wording
from warehouse.present.brief import CANNOT, brief, case_facts
from warehouse.present.cases import Case, strongest, told
from warehouse.present.citation import facts
from warehouse.present.document import Block, Bullets, Heading, Links, Paragraph, Picture, Quote, Table, to_html
from warehouse.present.feeds import incidents_feed, monthly_feed
from warehouse.present.instrument import measured
from warehouse.record import read_probabilities
from warehouse.rows import fetch, scalar
from warehouse.schema import codes
from warehouse.trends.series import monthly

MARKER: Final = "site.json"
PAGE: Final = 200
_BATCH: Final = 500
_LISTED: Final = "is_strict OR incident IN (SELECT into_incident FROM merges)"


def write_site(
    con: duckdb.DuckDBPyConnection, folder: Path, *, site: str | None = None, sha256: str | None = None
) -> int:
    """Write the site of an open snapshot to a folder; return how many pages it has.

    Args:
        con: connection to a snapshot.
        folder: missing, empty, or a site written before, which is replaced whole.
        site: the address where it will be served, for the feeds.
        sha256: checksum of the snapshot file, where it is known.

    Raises:
        WarehouseError: the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        msg = f"{folder} is not empty and no site of ours: name another folder"
        raise WarehouseError(msg)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building, old = folder.with_name(f".{folder.name}.building"), folder.with_name(f".{folder.name}.old")
    for left in (building, old):
        shutil.rmtree(left, ignore_errors=True)
    pages = _build(con, building, site, sha256)
    if folder.exists():
        folder.rename(old)
    building.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return pages


def _build(con: duckdb.DuckDBPyConnection, folder: Path, site: str | None, sha256: str | None) -> int:
    for part in ("incident", "brief"):
        (folder / part).mkdir(parents=True)
    info = fetch(con, "SELECT * FROM snapshot_info")[0]
    months = _briefs(con, folder, sha256)
    _page(folder / "index.html", "Offscript", tuple(_overview(con, info, months, sha256)), up="")
    listed = fetch(con, _LIST)
    pages = [listed[at : at + PAGE] for at in range(0, len(listed), PAGE)] or [[]]
    for number, rows in enumerate(pages, 1):
        _page(folder / _list_name(number), "Incidents", tuple(_list(rows, number, len(pages))), up="")
    for batch in (listed[at : at + _BATCH] for at in range(0, len(listed), _BATCH)):
        numbers = [row["incident"] for row in batch]
        reports = _reports(con, numbers)
        for case, row in zip(told(con, numbers), batch, strict=True):
            blocks = tuple(_incident(case, row, reports.get(case.incident, ()), info))
            _page(folder / "incident" / f"{case.incident}.html", f"№ {case.incident}", blocks, up="../")
    redirects = con.execute("SELECT from_incident, into_incident FROM merges").fetchall()
    for number, into in redirects:
        _redirect(folder / "incident" / f"{number}.html", number, into)
    for name, feed in (("incidents", incidents_feed), ("months", monthly_feed)):
        (folder / f"{name}.atom").write_text(feed(con, site), "utf-8")
    marker = {"snapshot": info["snapshot"], "fingerprint": info["fingerprint"], "sha256": sha256}
    (folder / MARKER).write_text(json.dumps(marker, indent=1) + "\n", "utf-8")
    return 1 + len(pages) + len(listed) + len(redirects) + len(months)


_LIST: Final = f"""
    SELECT *,
           CASE WHEN first_reported_precision IN ('second', 'day') THEN strftime(first_reported_at, '%Y-%m-%d')
                WHEN first_reported_precision = 'month' THEN strftime(first_reported_at, '%Y-%m')
                WHEN first_reported_precision = 'year' THEN strftime(first_reported_at, '%Y') END AS first_reported
    FROM incidents WHERE {_LISTED}
    ORDER BY incident DESC
"""  # noqa: S608 - a constant


def _page(path: Path, title: str, blocks: Sequence[Block], *, up: str, pictures: str = "") -> None:
    navigation = Links(
        (
            ("Overview", f"{up}index.html"),
            ("Incidents", f"{up}{_list_name(1)}"),
            ("Feed of incidents", f"{up}incidents.atom"),
            ("Feed of months", f"{up}months.atom"),
        )
    )
    head = "".join(
        f'<link rel="alternate" type="application/atom+xml" href="{up}{name}.atom">' for name in ("incidents", "months")
    )
    path.write_text(to_html(title, (navigation, *blocks), pictures=pictures, head=head), "utf-8")
    for block in blocks:
        if isinstance(block, Picture):
            (path.parent / f"{pictures}{block.figure.name}.svg").write_text(block.figure.svg(), "utf-8")
            (path.parent / f"{pictures}{block.figure.name}.csv").write_text(block.figure.csv(), "utf-8")


def _briefs(con: duckdb.DuckDBPyConnection, folder: Path, sha256: str | None) -> list[tuple[date, int]]:
    """Write a brief for every month with a count; return those months, the newest first."""
    held = [(item.month, item.incidents) for item in monthly(con).lines[0].months if item.incidents is not None]
    for month, _ in held:
        made = brief(con, month, sha256=sha256)
        _page(folder / "brief" / f"{made.month}.html", made.title, made.blocks, up="../", pictures=f"{made.month}-")
    return held[::-1]


def _overview(
    con: duckdb.DuckDBPyConnection, info: Mapping[str, Any], months: Sequence[tuple[date, int]], sha256: str | None
) -> Iterator[Block]:
    series = monthly(con, by="behaviour")
    total = series.lines[0]
    incidents = scalar(con, "SELECT count(*) FROM incidents WHERE is_strict")
    reports = scalar(con, "SELECT count(*) FROM incident_reports JOIN incidents USING (incident) WHERE is_strict")
    dated = [f"{item.month:%Y-%m}" for item in total.months if item.incidents]
    ratio = None
    if total.ratio is not None and total.compared is not None:
        first, last = total.compared
        ratio = (total.ratio, f"{first:%Y-%m}", f"{last:%Y-%m}")
    yield Heading("Are AI agents going off script more often?", 1)
    yield Paragraph(wording.headline(incidents, reports, (dated[0], dated[-1]) if dated else None, ratio), "lead")
    if total.reason is not None:
        title = wording.BANNER if series.banner else "No ratio yet"
        yield Paragraph(f"{title}. {wording.not_computable(total.reason)}", "banner")
    yield Paragraph(wording.STRICT, "note")
    figure = charts.monthly_by_behaviour(series, snapshot=info["snapshot"])
    if figure is not None:
        told = wording.dated_text(total.total, series.coarse_date, series.unknown_date, total.not_covered)
        coverage = wording.coverage_text([item.coverage for item in total.months])
        yield Picture(figure, wording.caption((told, wording.TWO_BEHAVIOURS, coverage), info["snapshot"]))
    yield Heading("Month by month")
    listed = (((f"{month:%Y-%m}", f"brief/{month:%Y-%m}.html"), count) for month, count in months)
    yield Table("Briefs", tuple({"Brief": page, "Strict incidents": count} for page, count in listed))
    yield Heading("Best-evidenced cases")
    yield Paragraph(wording.CASES, "note")
    for case in strongest(con):
        yield Links(((f"№ {case.incident} · {case.title}", f"incident/{case.incident}.html"),))
        yield Paragraph(case_facts(case), "note")
    yield Heading("What cannot be concluded")
    yield Bullets(CANNOT)
    yield Heading("What was read, and what was not")
    yield Table("Sources", tuple(_sources(con)))
    yield Heading("How sure is the labelling?")
    yield Table("Measured quality of the instrument", measured(current_card(con)))
    yield Paragraph(f"Instrument {info['instrument'] or 'none yet'}. {wording.ANNOTATORS} {wording.ENRICHED}", "note")
    yield from _cite(info, sha256)


def _sources(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = fetch(
        con,
        """
        WITH kept AS (SELECT platform, count(*) AS reports FROM reports GROUP BY platform),
        stated AS (
            SELECT platform, sum(posts)::BIGINT AS posts,
                   string_agg(DISTINCT coverage, ', ' ORDER BY coverage) AS states
            FROM coverage GROUP BY platform
        )
        SELECT coalesce(p.platform_name, platform) AS name, s.posts, k.reports, coalesce(s.states, 'unknown') AS states,
               p.cannot_see
        FROM stated s FULL JOIN kept k USING (platform) LEFT JOIN platforms p USING (platform) ORDER BY name
        """,
    )
    heads = ("Source", "Posts read", "Reports kept", "Coverage", "Cannot see")
    return [dict(zip(heads, row.values(), strict=True)) for row in rows]


def _list_name(number: int) -> str:
    return "incidents.html" if number == 1 else f"incidents-{number}.html"


def _list(rows: Iterable[Mapping[str, Any]], number: int, pages: int) -> Iterator[Block]:
    yield Heading("Incidents", 1)
    yield Paragraph(wording.STRICT, "note")
    yield Table(
        "Incidents",
        tuple(
            {
                "Incident": (f"№ {row['incident']} · {row['incident_title']}", f"incident/{row['incident']}.html"),
                "First reported": row["first_reported"],
                "Evidence, of 4": row["evidence"],
                "Gravity, of 4": row["gravity"],
                "Reports": row["reports"],
                "Status": row["incident_status"],
            }
            for row in rows
        ),
    )
    if pages > 1:
        yield Links(tuple((str(page), _list_name(page)) for page in range(1, pages + 1) if page != number))


def _reports(con: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the reports of incidents, oldest first, each with how it was joined."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in fetch(
        con,
        """
        SELECT ir.incident, coalesce(p.platform_name, r.platform) AS platform, r.url, l.kind, ir.link_method,
               ir.link_reason,
               CASE WHEN r.created_precision IN ('second', 'day') THEN strftime(r.created_at, '%Y-%m-%d')
                    WHEN r.created_precision = 'month' THEN strftime(r.created_at, '%Y-%m')
                    WHEN r.created_precision = 'year' THEN strftime(r.created_at, '%Y') END AS date
        FROM incident_reports ir JOIN reports r USING (report_id) LEFT JOIN platforms p USING (platform)
        LEFT JOIN current_labels l USING (report_id)
        WHERE ir.incident IN (SELECT unnest(?::BIGINT[])) ORDER BY r.created_at NULLS LAST, r.report_id
        """,
        [list(numbers)],
    ):
        found.setdefault(row["incident"], []).append(row)
    return found


def _incident(
    case: Case, row: Mapping[str, Any], reports: Sequence[Mapping[str, Any]], info: Mapping[str, Any]
) -> Iterator[Block]:
    yield Heading(f"№ {case.incident} · {case.title}", 1)
    yield Paragraph(case_facts(case), "note")
    yield from (Quote(text, spans) for text, spans in case.excerpts)
    if row["summary"]:
        yield Paragraph(row["summary"])
    scales = (("Evidence", "evidence", codes.EVIDENCE), ("Gravity", "gravity", codes.GRAVITY))
    yield Table(
        "The three scales, never folded into one",
        (
            *(
                {"Scale": name, "Value": row[column], "Of": 4, "Meaning": meanings.get(str(row[column]))}
                for name, column, meanings in scales
            ),
            {"Scale": "Score", "Value": row["score"], "Of": 9, "Meaning": "strength of the case in its texts"},
        ),
    )
    yield Heading("What is known of it")
    known = facts(read_probabilities(row))
    yield Table("What is known of it", tuple({"What": name, "Told": value} for name, value in known))
    yield Heading("Reports")
    for report in reports:
        kind = (report["kind"] or "not judged").replace("_", " ")
        told = [report["platform"], report["date"] or "date unknown", kind]
        if report["link_reason"]:
            told.append(f"joined: {report['link_reason']}")
        yield Paragraph(" · ".join(told), "text", (report["url"],) if report["url"] else ())
    yield Paragraph(wording.STRICT, "note")
    yield Heading("Cite")
    published = f"{info['published_at']:%Y-%m-%d}"
    yield Paragraph(f"Incident {case.incident}. {wording.citation(info['snapshot'], published)}")


def _cite(info: Mapping[str, Any], sha256: str | None) -> Iterator[Block]:
    yield Heading("Cite and check")
    yield Paragraph(wording.citation(info["snapshot"], f"{info['published_at']:%Y-%m-%d}"))
    checksum = f"SHA-256 of the snapshot file: {sha256}. " if sha256 else ""
    yield Paragraph(
        f"{checksum}Content fingerprint {info['fingerprint'][:16]}…, Offscript {info['version']}. "
        "Links, labels and figures: CC BY 4.0; excerpts remain their authors’.",
        "note",
    )


def _redirect(path: Path, number: int, into: int) -> None:
    """Write the page of a number that was merged: it stays valid and leads on."""
    blocks = (
        Heading(f"№ {number}", 1),
        Paragraph(f"This number was joined into № {into}: both tell one event."),
        Links(((f"№ {into}", f"{into}.html"),)),
    )
    head = f'<meta http-equiv="refresh" content="0; url={into}.html">'
    path.write_text(to_html(f"№ {number}", blocks, head=head), "utf-8")
