"""The monthly brief: one page for a journalist, made offline from one snapshot.

The headline in one true sentence, what moved it, the controls, five cases, what cannot be concluded, how to cite.
Every sentence keeps the rules of `wording`; a page that breaks one is not written.
"""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe, multiplication sign.

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb

from warehouse.connect import WarehouseError
from warehouse.labels import current_card
from warehouse.present import charts, wording
from warehouse.present.cases import Case, strongest
from warehouse.present.document import Block, Bullets, Heading, Paragraph, Picture, Quote, Table, texts
from warehouse.present.instrument import measured
from warehouse.references import study_controls, study_first_last
from warehouse.rows import fetch, scalar
from warehouse.schema import codes
from warehouse.trends.lines import Line, Month, Series
from warehouse.trends.series import monthly
from warehouse.trends.statistics import RateRatio, rate_ratio

CASES: Final = 5
MONTHS: Final = 12
CANNOT: Final = (
    "How often AI agents act outside their instructions: posts tell what people chose to tell, not what happened.",
    "That any incident happened as told: a report is somebody’s word until its status says who checked it.",
    "Why the number moved: more users, a new product or a story in the news bring more reports.",
    "Which vendor’s agents do it more: the vendors’ public trackers differ, and so does the number of their users.",
    "What a system intended: the categories name what a text says that it did.",
)


@dataclass(frozen=True)
class Brief:
    """A brief: its month, the snapshot it rests on, its page, its pictures."""

    month: str
    snapshot: str
    title: str
    blocks: tuple[Block, ...]
    figures: tuple[charts.Figure, ...]


def brief(con: duckdb.DuckDBPyConnection, month: date, *, sha256: str | None = None) -> Brief:
    """Make the brief of a month from an open snapshot.

    Args:
        con: connection to a snapshot.
        month: first day of the month.
        sha256: checksum of the snapshot file, where it is known.

    Raises:
        WarehouseError: the snapshot has nothing about that month, or a sentence would break the rules of wording.
    """
    info = fetch(con, "SELECT * FROM snapshot_info")[0]
    name = f"{month:%Y-%m}"
    series = monthly(con, by="behaviour", end=month, start=_months_before(month, MONTHS - 1))
    total = series.lines[0]
    held = {item.month: item for item in total.months}
    spoken_of = monthly(con).lines[0].months
    if not spoken_of or not spoken_of[0].month <= month <= spoken_of[-1].month:
        told = f"{spoken_of[0].month:%Y-%m} to {spoken_of[-1].month:%Y-%m}" if spoken_of else "no month"
        msg = f"the snapshot has nothing about {name}: it speaks of {told}"
        raise WarehouseError(msg)
    now, before = held[month], held.get(_months_before(month, 1))
    kept = scalar(
        con,
        "SELECT count(*) FROM reports WHERE created_precision IN ('second', 'day', 'month') "
        "AND date_trunc('month', created_at AT TIME ZONE 'UTC') = ?",
        [month],
    )
    figure = charts.monthly_by_behaviour(series, snapshot=info["snapshot"])
    title = f"AI agents outside their instructions: {wording.month_name(name)}"
    blocks = (
        Heading(title, 1),
        Paragraph(headline(now, before, kept), "lead"),
        *_standing(series, now, before),
        *([Picture(figure, _caption(series, info["snapshot"]))] if figure else []),
        *_moved(con, month, series),
        *_controls(con, series),
        *_cases(con, month),
        Heading("What cannot be concluded"),
        Bullets(CANNOT),
        *_sure(con),
        *_cite(info, sha256, name),
    )
    broken = {text: found for text in texts(blocks) if (found := wording.faults(text))}
    if broken:
        text, found = next(iter(broken.items()))
        msg = f"brief not written, a sentence breaks the rules ({', '.join(found)}): {text}"
        raise WarehouseError(msg)
    return Brief(name, info["snapshot"], title, blocks, (figure,) if figure else ())


def headline(now: Month, before: Month | None, kept: int) -> str:
    """Return the month's figure in one sentence: with its change and interval, or with why there is none.

    Args:
        now: the month.
        before: the month before it, None where the series begins with this one.
        kept: reports dated to the month that the screen kept: the denominator of a share, never of a rate.
    """
    name = wording.month_name(f"{now.month:%Y-%m}")
    if now.incidents is None:
        gap = "nothing was read of it" if now.coverage == "none" else "no strict incident of it is in the collection"
        return f"For {name} no figure is computable: {gap}, and a gap is not a zero."
    told = f"{wording.plural(now.incidents, 'strict incident')} first reported in {name}"
    basis = f"out of {wording.plural(kept, 'report')} dated to it"
    if now.interval is None:
        return (
            f"{told}, {basis}: a count of what was collected; whether that is more than before is not computable, "
            f"because {_why(now.coverage)}."
        )
    if before is None or before.interval is None or before.incidents is None:
        return (
            f"{told} (95 % exact interval {now.interval[0]:.1f}–{now.interval[1]:.1f}), {basis}; the change is not "
            "computable, because the month before was not read completely."
        )
    ratio = compare(before, now)
    value = "ratio not computable (a count is zero)" if ratio.ratio is None else f"ratio {ratio.ratio:.2f}"
    return (
        f"{told}, {basis}, after {before.incidents:,} in the month before: {wording.direction(ratio)}, {value}, "
        f"{wording.support(ratio)}."
    )


def compare(before: Month, after: Month) -> RateRatio:
    """Return the ratio of two months by their days."""
    days = [(_months_before(item.month, -1) - item.month).days for item in (before, after)]
    return rate_ratio(before.incidents or 0, after.incidents or 0, exposure=(days[0], days[1]))


def _why(state: str) -> str:
    return {
        "unknown": "nobody knows which share of the month’s posts is in the collection",
        "curated": "the incidents were chosen by hand",
        "partial": "the month was read in part only",
    }.get(state, "other sources of the window were not read completely")


def _months_before(month: date, number: int) -> date:
    at = month.year * 12 + month.month - 1 - number
    return date(at // 12, at % 12 + 1, 1)


def _standing(series: Series, now: Month, before: Month | None) -> Iterator[Block]:
    """Yield what stands under the headline: the banner of a collection, or the wider intervals."""
    if series.banner:
        yield Paragraph(f"{wording.BANNER}: {wording.NO_TREND}.", "banner")
    elif before is not None and before.interval is not None and now.interval is not None:
        spread = wording.spread_text(compare(before, now))
        if spread:
            ratio = compare(before, now)
            yield Paragraph(
                f"Reports come in bursts, so the interval is wider than the exact one: {spread} "
                f"({wording.support(ratio)}).",
                "note",
            )
        yield Paragraph(wording.MERGING, "note")
    yield Paragraph(wording.STRICT, "note")


def _caption(series: Series, snapshot: str) -> str:
    total = series.lines[0]
    return wording.caption(
        (
            f"{wording.BANNER}: {wording.NO_TREND}" if series.banner else "",
            wording.dated_text(total.total, series.coarse_date, series.unknown_date, total.not_covered),
            wording.TWO_BEHAVIOURS,
            wording.coverage_text([month.coverage for month in total.months]),
        ),
        snapshot,
    )


def _moved(con: duckdb.DuckDBPyConnection, month: date, behaviours: Series) -> Iterator[Block]:
    """Yield what the month's incidents are made of beside the month before, and its most retold incident."""
    yield Heading("What the figure is made of")
    previous = _months_before(month, 1)
    platforms = dict(con.execute("SELECT platform, platform_name FROM platforms").fetchall())
    rows = [
        row
        for series, heading in (
            (behaviours, charts.NAMES),
            (monthly(con, by="source", start=previous, end=month), platforms),
        )
        for line in series.lines[1:]
        if (row := _part(line, heading, month, previous)) is not None
    ]
    yield Table("Incidents of the month by behaviour and by source", tuple(rows))
    yield Paragraph(
        "Counts, not rates: an incident with two behaviours, or told on two platforms, stands in both rows. "
        "A dash is not a zero: nothing was read, or nothing was found where it is not known how much was read.",
        "note",
    )
    viral = fetch(
        con,
        "SELECT incident, incident_title, reports FROM incidents WHERE is_strict "
        "AND first_reported_precision IN ('second', 'day', 'month') "
        "AND date_trunc('month', first_reported_at AT TIME ZONE 'UTC') = ? ORDER BY reports DESC, incident LIMIT 1",
        [month],
    )
    if viral and viral[0]["reports"] > 1:
        yield Paragraph(
            f"The most retold incident of the month is № {viral[0]['incident']} ({viral[0]['incident_title']}), with "
            f"{viral[0]['reports']:,} reports: it counts once."
        )


def _part(line: Line, names: dict[str, str], month: date, previous: date) -> dict[str, Any] | None:
    counts = {item.month: item.incidents for item in line.months}
    if not counts.get(month) and not counts.get(previous):
        return None
    return {
        "Part": names.get(line.name, line.name),
        wording.month_name(f"{previous:%Y-%m}"): counts.get(previous),
        wording.month_name(f"{month:%Y-%m}"): counts.get(month),
    }


def _controls(con: duckdb.DuckDBPyConnection, series: Series) -> Iterator[Block]:
    yield Heading("Controls, and what others published")
    volumes = scalar(con, "SELECT count(*) FROM volumes")
    if not volumes or series.banner:
        why = "the volume of posts about agents in the same hours is not known"
        yield Paragraph(f"Rate per 10,000 posts about agents, and the ratio of ratios: not computable, because {why}.")
    try:
        study = study_first_last(con)
    except LookupError:
        return
    yield Paragraph(wording.study_text(rate_ratio(study.first, study.last)))
    for row in study_controls(con):
        yield Paragraph(wording.control_text(row["what"], row["value"]) + ".", "note")


def _cases(con: duckdb.DuckDBPyConnection, month: date) -> Iterator[Block]:
    yield Heading("Best-evidenced cases of the month")
    found = strongest(con, CASES, month=month)
    if not found:
        yield Paragraph("No strict incident was first reported in this month.")
        return
    yield Paragraph(wording.CASES, "note")
    for case in found:
        yield Heading(f"№ {case.incident} · {case.title}", 3)
        yield Paragraph(case_facts(case), "note")
        yield from (Quote(text, spans) for text, spans in case.excerpts[:1])
        yield Paragraph(f"{wording.plural(case.reports, 'report')}:", "text", case.links[:3])


def case_facts(case: Case) -> str:
    """Return a case's date, agents, behaviours, evidence and status in one line."""
    kinds = ", ".join(charts.NAMES.get(code, code).lower() for code in case.behaviours)
    return " · ".join(
        (
            case.date or "date unknown",
            ", ".join(case.agents) or "agent not named",
            kinds or "none of the four behaviours marked",
            f"evidence {case.evidence} of 4 ({codes.EVIDENCE.get(str(case.evidence), 'not stated')})",
            f"status: {case.status}",
        )
    )


def _sure(con: duckdb.DuckDBPyConnection) -> Iterator[Block]:
    yield Heading("How sure is the labelling?")
    rows = measured(current_card(con))[:3]
    if rows:
        yield Table("Measured quality of the instrument", rows)
        yield Paragraph(f"{wording.ANNOTATORS} {wording.ENRICHED}", "note")
    else:
        yield Paragraph("The instrument’s card states no measured quality.")


def _cite(info: dict[str, Any], sha256: str | None, month: str) -> Iterator[Block]:
    yield Heading("Cite and check")
    yield Paragraph(wording.citation(info["snapshot"], f"{info['published_at']:%Y-%m-%d}"))
    checksum = f"SHA-256 of the snapshot file: {sha256}. " if sha256 else ""
    yield Paragraph(
        f"{checksum}Content fingerprint {info['fingerprint'][:16]}…, Offscript {info['version']}. The same page: "
        f"offscript brief {month} --snapshot {info['snapshot']}.",
        "note",
    )
