"""HTML of one incident: its record, and the reports that tell it, each with what is known of how it came here."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app import markup
from warehouse.present.charts import NAMES
from warehouse.present.inert import highlighted, inert, link
from warehouse.present.telling import Incident, Telling, day
from warehouse.record import with_p
from warehouse.schema import codes


def record(found: Incident) -> str:
    """Return what the incident's reports say together, as a list of terms."""
    row = found.record
    told = f"{row['reports']:,}" if row["reports"] != found.reports_in_all else f"{found.reports_in_all:,}"
    terms = (
        ("Status", f"{row['incident_status']}: {codes.INCIDENT_STATUS.get(row['incident_status'], '')}"),
        ("Agents named", ", ".join(row["agent_names"] or ()) or "none named"),
        ("Vendors", ", ".join(row["vendors"] or ()) or "none named"),
        ("Behaviours", "; ".join(_behaviours(row)) or "none of the four"),
        ("Acts", "; ".join(_acts(row)) or "none marked"),
        ("Evidence", _scale(row["evidence"], codes.EVIDENCE)),
        ("Gravity of what is told", _scale(row["gravity"], codes.GRAVITY)),
        ("Score by our codebook", f"{row['score']} of 9" if row["score"] is not None else "not scored"),
        ("Reports", told),
        *_beyond(row),
    )
    return markup.terms(terms)


def _beyond(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what newer snapshots know beyond the reports' labels, where it is known of this incident."""
    for name, column in (("It happened", "occurred"), ("Made known", "disclosed")):
        when = day(row.get(f"{column}_at"), row.get(f"{column}_precision") or "unknown")
        if when:
            yield name, when
    if row.get("sources"):
        yield "Told by", f"{row['sources']:,} accounts or hosts, {row.get('independent_sources') or 0:,} independent"
    if row.get("echo"):
        yield "Only passing it on", f"{row['echo']:,} of the reports"
    for name, column in (
        ("Who acted", "actor"),
        ("Whose instruction", "principal"),
        ("Another explanation", "alternative"),
        ("Checked", "verification"),
        ("Checked how", "verification_method"),
        ("Why this status", "status_reason"),
    ):
        if row.get(column):
            yield name, str(row[column]).replace("_", " ")


def _behaviours(row: Mapping[str, Any]) -> Iterator[str]:
    for code in row["behaviours_present"] or ():
        name = with_p(code, row["behaviours"], NAMES.get(code))
        yield f"{name} ({codes.BEHAVIOUR.get(code, 'no meaning stated')})"


def _acts(row: Mapping[str, Any]) -> Iterator[str]:
    for code in row["actions"] or ():
        yield with_p(code, row["action_probabilities"], codes.ACTION.get(code))


def _scale(value: int | None, vocabulary: Mapping[str, str]) -> str:
    return "not judged" if value is None else f"{value} of 4: {vocabulary.get(str(value), '')}"


def timeline(found: Incident) -> str:
    """Return the reports in the order of their dates."""
    return f'<ol class="os-timeline">{"".join(_report(item) for item in found.reports)}</ol>'


def _report(item: Telling) -> str:
    place = item.platform + (f", {item.channel}" if item.channel else "")
    when = item.date or "date unknown"
    best = " · the best evidence of this incident" if item.best else ""
    quotes = "".join(f"<blockquote><bdi>{highlighted(text, spans)}</bdi></blockquote>" for text, spans in item.excerpts)
    return (
        f"<li><h3>{inert(when)} · {inert(place)}</h3><p>{link(item.url)}</p>"
        f'<p class="os-meta">{inert(_judged(item.label) + best)}</p>{quotes}'
        f'<p class="os-meta">{inert(_joined(item.link))}</p>{_provenance(item)}</li>'
    )


def _judged(label: Mapping[str, Any]) -> str:
    if label["kind"] is None:
        return "not judged by the instrument in use"
    kind = str(label["kind"]).replace("_", " ")
    behaviours = ", ".join(NAMES.get(code, code).lower() for code in label["behaviours_present"] or ())
    strict = "strict" if label["is_strict"] else "not strict"
    parts = (
        f"judged: {kind}, {strict}",
        behaviours,
        f"evidence {label['evidence']} of 4",
        f"gravity {label['gravity']} of 4",
        f"score {label['score']} of 9",
    )
    return " · ".join(part for part in parts if part)


def _joined(joined: Mapping[str, Any]) -> str:
    method = codes.LINK_METHOD.get(joined["link_method"], joined["link_method"])
    passes_on = f" · passes on {joined['derived_from']}: {joined['derived_reason']}" if joined["derived_from"] else ""
    if joined["linked_to"] is None:
        return f"here because: {joined['link_reason'] or method}{passes_on}"
    return (
        f"here because: {joined['link_reason']} (method: {method}; score {joined['link_score']:.2f}; "
        f"tied to {joined['linked_to']}){passes_on}"
    )


def _provenance(item: Telling) -> str:
    came = item.provenance
    rows = (
        ("report", item.report_id),
        ("read by", f"{came['source_id']}, run {came['run_id'] or 'not stated'}"),
        ("run", f"{came['command']}, {moment(came['run_started_at'])}" if came["command"] else "not stated"),
        ("Offscript", came["version"] or "not stated"),
        ("queries", came["queries"] or "none: not asked by query"),
        ("instrument", f"{came['instrument']}, {moment(came['judged_at'])}" if came["instrument"] else "none yet"),
        ("rules that fired", ", ".join(came["rules"]) or "none: judged by the model alone"),
        ("hash of the text", came["text_hash"]),
    )
    return f"<details><summary>How it came here</summary>{markup.terms(rows)}</details>"


def moment(at: datetime | None) -> str:
    """Return a point in time, UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "not stated"
