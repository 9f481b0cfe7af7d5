"""Hand-made snapshots: a few rows in exactly the tables and columns that are published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse import ddl
from warehouse.connect import CURRENT, snapshot_folder
from warehouse.schema.tables import PUBLISHED, TABLES

INSTRUMENT = "offscript-test-00000001"
HOSTILE = "<img src=x onerror=alert(1)> it deleted [the](javascript:alert(1)) folder \u202eelbisivni\u202c :smile: $x$"
CARD = {
    "instrument": INSTRUMENT,
    "quality_of_the_field": {
        "sections": {
            "strict_grey_apart": {
                "precision": {"value": 0.8123, "low": 0.74, "high": 0.87, "n": 210, "positives": 90},
                "recall": {"value": 0.62, "low": 0.55, "high": 0.69, "n": 210, "positives": 90},
            },
            "behaviours": {"alignment_faking": {"value": None, "n": 210, "positives": 4, "note": "insufficient"}},
        }
    },
}
STUDY = "cltr_scheming_in_the_wild"
CARD["fresh_reading"] = {
    "field": {
        "sections": {
            "strict_grey_apart": {
                "precision": {"value": 1.0, "low": 1.0, "high": 1.0, "n": 190},
                "recall": {"value": 0.97, "low": 0.91, "high": 1.0, "n": 190},
            },
            "behaviours": {"alignment_faking": {"value": None, "n": 190, "positives": 3, "note": "insufficient"}},
        }
    }
}
ADDRESS = "https://example.org/study"


@dataclass(frozen=True)
class Case:
    """One incident with one strict report for each platform named."""

    month: str
    behaviours: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ("github",)
    evidence: int = 2
    agents: tuple[str, ...] = ("codex",)
    excerpt: str = "it deleted the folder although told not to"
    url: str | None = "https://github.com/o/r/issues/1"


CASES = (
    Case("2026-01", ("shutdown_tampering",), evidence=3),
    Case("2026-01", ("strategic_misrepresentation",), ("reddit", "github")),
    Case("2026-02", ("shutdown_tampering", "strategic_misrepresentation"), evidence=4, excerpt=HOSTILE),
    Case("2026-03", ("model_exfiltration",), url="javascript:alert(1)"),
    Case("2026-03", (), ("reddit",), agents=()),
    Case("2026-03", ("alignment_faking",), evidence=3),
)


@dataclass
class _Rows:
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)


def publish(
    folder: Path,
    cases: Sequence[Case] = CASES,
    *,
    coverage: str = "unknown",
    snapshot: str = "20260401T000000Z-aaaaaaaa",
) -> Path:
    """Write a snapshot of `cases`, point `current` at it, and return the path of the (absent) working file."""
    db = folder / "offscript.duckdb"
    target = snapshot_folder(db) / f"{snapshot}.duckdb"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    con = duckdb.connect(str(target))
    con.execute("SET TimeZone = 'UTC'")
    for table in PUBLISHED:
        public = tuple(item for item in table.fields if item.sensitivity == "public")
        con.execute(ddl.create_table(table, public))
    rows = _rows(cases, coverage, snapshot)
    for name, found in rows.items():
        _insert(con, name, found)
    ddl.create_views(con)
    ddl.fill_rollups(con)
    con.close()
    link = target.parent / CURRENT
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    return db


def _insert(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = TABLES[name].public_columns
    marks = ", ".join("?" for _ in columns)
    for row in rows:
        con.execute(f"INSERT INTO {name} VALUES ({marks})", [row.get(column) for column in columns])


def _rows(cases: Sequence[Case], coverage: str, snapshot: str) -> dict[str, list[dict[str, Any]]]:
    out = _Rows()
    now = datetime(2026, 4, 1, tzinfo=UTC)
    out.add(
        "snapshot_info",
        snapshot=snapshot,
        published_at=now,
        fingerprint=snapshot[-8:] * 8,
        version="0.1.0",
        instrument=INSTRUMENT,
    )
    if not cases and coverage == "unknown":
        return out.tables
    out.add(
        "instruments", instrument=INSTRUMENT, ordinal=1, registered_at=now, screen="screen-test", card=json.dumps(CARD)
    )
    for platform, name, terms in (("github", "GitHub issues", "span"), ("reddit", "Reddit", "none")):
        out.add(
            "platforms",
            platform=platform,
            platform_name=name,
            publish_text=terms,
            train="no",
            licence="terms",
            cannot_see="deleted posts",
        )
    for number, case in enumerate(cases, start=1):
        _case(out, number, case, now)
    span = (None, None) if coverage in {"unknown", "curated"} else (datetime(2026, 1, 1, tzinfo=UTC), now)
    for platform in ("github", "reddit"):
        posts = sum(platform in case.platforms for case in cases) * 10
        out.add(
            "coverage",
            source_id="import",
            stream="sha256:00",
            platform=platform,
            from_at=span[0],
            to_at=span[1],
            coverage=coverage,
            posts=posts,
        )
        reports = sum(platform in case.platforms for case in cases)
        steps = (
            ("items read", posts + 1),
            ("posts", posts),
            ("kept by the screen", reports * 3),
            ("judged", reports * 2),
            ("strict reports", reports),
            ("strict incidents", reports),
        )
        for order, (step, n) in enumerate(steps, start=1):
            out.add("funnel", platform=platform, step=step, step_order=order, n=n)
    for what, value, unit in (
        ("incidents in the first month", 65, "incidents"),
        ("incidents in the last month", 319, "incidents"),
        ("control: posts that discuss scheming", 1.7, "ratio"),
        ("control: negative talk about AI", 1.3, "ratio"),
    ):
        out.add(
            "reference_counts",
            series=STUDY,
            what=what,
            period_start="",
            period_end="",
            value=value,
            value_unit=unit,
            confidence="primary",
            source_url=ADDRESS,
            note="",
        )
    return out.tables


def _case(out: _Rows, number: int, case: Case, now: datetime) -> None:
    year, month = map(int, case.month.split("-"))
    when = datetime(year, month, 1 + (number - 1) % 28, tzinfo=UTC)
    agents = [{"name": name, "family": name, "vendor": "OpenAI"} for name in case.agents]
    for platform in case.platforms:
        report_id = f"{platform}:o/r:{number}"
        out.add(
            "reports",
            report_id=report_id,
            source_id="import",
            stated_source=platform,
            platform=platform,
            channel="o/r",
            native_id=str(number),
            url=case.url,
            created_at=when,
            created_precision="day",
            zone_assumed=False,
            lang="en",
            engagement=3,
            text_hash=f"{number:032x}",
            publish_text="span" if platform == "github" else "none",
        )
        label = {
            "label_status": "judged",
            "kind": "first_hand",
            "p_strict": 0.9,
            "is_strict": True,
            "behaviours": json.dumps(dict.fromkeys(case.behaviours, 0.8)),
            "behaviours_present": list(case.behaviours),
            "behaviours_unsure": [],
            "actions": ["data_deletion"],
            "action_probabilities": '{"data_deletion": 0.87}',
            "evidence": case.evidence,
            "gravity": 2,
            "score": 6,
            "subject": "unknown",
            "agents": json.dumps(agents),
            "spans": "[]",
        }
        out.add(
            "labels", report_id=report_id, text_hash=f"{number:032x}", instrument=INSTRUMENT, judged_at=now, **label
        )
        out.add(
            "incident_reports",
            incident=number,
            report_id=report_id,
            link_method="origin",
            link_score=1.0,
            link_reason="opened it",
            linked_at=now,
        )
        for merge in ("tight", "normal", "loose"):
            key = f"{case.platforms[0]}:o/r:{number}"
            out.add("groupings", merge=merge, report_id=report_id, group_key=report_id if merge == "tight" else key)
        if platform == "github":
            start = case.excerpt.index("deleted")
            out.add(
                "evidence_spans",
                report_id=report_id,
                span_rule="act.deleted",
                span_field="text",
                span_start=start,
                span_end=start + 7,
                excerpt=case.excerpt,
            )
    title = f"{case.agents[0].title() if case.agents else 'Unnamed system'}: data deletion"
    out.add(
        "incidents",
        incident=number,
        incident_title=title,
        first_reported_at=when,
        first_reported_precision="day",
        last_reported_at=when,
        incident_status="reported",
        best_report_id=f"{case.platforms[0]}:o/r:{number}",
        agent_names=list(case.agents),
        vendors=["OpenAI"] if case.agents else [],
        behaviours_present=list(case.behaviours),
        actions=["data_deletion"],
        action_probabilities='{"data_deletion": 0.87}',
        evidence=case.evidence,
        gravity=2,
        score=6,
        p_strict=0.9,
        is_strict=True,
        reports=len(case.platforms),
        opened_at=now,
    )
