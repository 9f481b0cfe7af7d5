"""One incident as a file or a sentence to cite: JSON, Markdown, a citation."""

import json
from collections.abc import Mapping
from typing import Any, Final

from warehouse.present.inert import visible
from warehouse.record import with_p

FORMATS: Final = ("json", "markdown", "citation")
_ESCAPED: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#|!"})


def permanent(number: int, site: str | None) -> str:
    """Return the permanent address of an incident: on the published site, or its number where there is no site."""
    return f"{site.rstrip('/')}/incident/{number}.html" if site else f"offscript:incident:{number}"


def export(found: Mapping[str, Any], form: str, *, snapshot: str, site: str | None = None) -> str:
    """Return the trail of an incident in one of `FORMATS`, with the snapshot it was read from and its address."""
    address = permanent(found["incident"], site)
    if form == "json":
        return json.dumps({"permanent": address, "snapshot": snapshot, **found}, indent=1, default=str) + "\n"
    return (_markdown if form == "markdown" else _citation)(found, snapshot, address)


def _citation(found: Mapping[str, Any], snapshot: str, address: str) -> str:
    record = found["record"]
    reports = f"{record['reports']} report{'s' * (record['reports'] != 1)}"
    return (
        f"Offscript, incident {found['incident']}: {record['incident_title']} (status {record['incident_status']}, "
        f"first reported {_day(record, 'first_reported')}, {reports}). Snapshot {snapshot}. {address}\n"
    )


def facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of an incident as pairs of words; what nobody judged or said is said to be so."""
    return [
        ("Status", f"{record['incident_status']} ({record['status_reason']})"),
        ("First reported", _day(record, "first_reported")),
        ("Last reported", f"{record['last_reported_at']:%Y-%m-%d}" if record["last_reported_at"] else "not known"),
        ("Occurred", _day(record, "occurred")),
        ("Disclosed", _day(record, "disclosed")),
        ("Acting system", record["actor"]),
        ("Named", ", ".join([*record["agent_names"], *record["vendors"]]) or "none"),
        ("Behaviours", ", ".join(with_p(code, record["behaviours"]) for code in record["behaviours"]) or "none"),
        ("Actions", ", ".join(with_p(code, record["action_probabilities"]) for code in record["actions"]) or "none"),
        ("Evidence", record["evidence_tier"] or "none"),
        ("Gravity", str(record["gravity"])),
        ("Reports", f"{record['reports']}, of which {record['echo']} pass on another"),
        ("Sources", f"{record['sources']}, of which {record['independent_sources']} independent"),
        ("Subject", record["subject"]),
        ("Principal", record["principal"]),
        ("Several agents", record["several_agents"]),
        ("Alternative explanation", record["alternative"] or "none stated"),
        ("Verification", " ".join(filter(None, (record["verification"], record["verification_method"])))),
        ("Vendor's answer", record["vendor_answer"] or "none known"),
        ("Archived copy", _archived(record)),
    ]


def _markdown(found: Mapping[str, Any], snapshot: str, address: str) -> str:
    record = found["record"]
    lines = [f"# Incident {found['incident']}: {_safe(record['incident_title'])}", ""]
    lines += [_safe(record["summary"] or "No strict report of it is held at present."), ""]
    lines += [
        "| what | told |",
        "| --- | --- |",
        *(f"| {name} | {_safe(value)} |" for name, value in facts(record)),
        "",
    ]
    lines += ["## Reports", ""]
    for report in found["reports"]:
        passes = f", passes on {_safe(report['derived_from'])}" if report["derived_from"] else ""
        lines.append(f"- {_safe(report['url'] or report['report_id'])}: {_safe(report['link_reason'])}{passes}")
    lines += [
        "",
        f"Snapshot {snapshot}. Permanent address: {address}",
        "Licence of labels, links and figures: CC BY 4.0.",
    ]
    return "\n".join(lines) + "\n"


def _day(record: Mapping[str, Any], what: str) -> str:
    moment, precision = record[f"{what}_at"], record[f"{what}_precision"]
    if moment is None:
        return "not said"
    return f"{moment:{ {'month': '%Y-%m', 'year': '%Y'}.get(precision, '%Y-%m-%d') }}"


def _archived(record: Mapping[str, Any]) -> str:
    if not record["archived_url"]:
        return "none"
    return f"{record['archived_url']}{'' if record['archived_checked'] else ' (not checked)'}"


def _safe(text: str) -> str:
    """Return text that is no markup: of other people's words only the words are shown."""
    return " ".join(visible(str(text)).split()).translate(_ESCAPED)
