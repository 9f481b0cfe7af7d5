"""A snapshot whose every word from outside is an attack: markup, script links, beacons, bidi and zero-width, formulas."""

import json
from pathlib import Path

import duckdb

from tests.app.snapshots import CASES, publish
from warehouse.connect import find_snapshot

BEACON = "http://beacon.invalid/x.png"
MARKUP = (
    f"<img src={BEACON} onerror=window.attacked=1><script>window.attacked=1</script>"
    f"<iframe src={BEACON}></iframe><svg onload=window.attacked=1> ![b]({BEACON}) [l](javascript:window.attacked=1) "
    "\u202egnihton\u202c \u200bzero\u200dwidth\u2066 $x^2$ :red[md] &lt;b&gt; \"quotes\" 'and' `ticks` </style></script>"
)
FORMULA = "=cmd|' /C calc'!A0"
SCRIPT = "javascript:window.attacked=1"

_TEXTS = (
    "UPDATE incidents SET incident_title = $m",
    "UPDATE incidents SET agent_names = [$m, $f], vendors = [$m]",
    "UPDATE incidents SET incident_status = $m WHERE incident = 2",
    "UPDATE reports SET channel = $m, stated_source = $m, url = CASE WHEN native_id = '1' THEN $s ELSE url END",
    "UPDATE evidence_spans SET excerpt = 'it deleted ' || $m || excerpt, span_rule = $m",
    "UPDATE incident_reports SET link_reason = $m",
    "UPDATE incident_reports SET linked_to = $m, link_method = 'same_event' WHERE incident = 2",
    "UPDATE platforms SET platform_name = platform || $m, cannot_see = $m, licence = $m",
    "UPDATE labels SET agents = $a, spans = $p",
    "UPDATE reference_counts SET source_url = $s WHERE what LIKE 'incidents%'",
    "INSERT INTO reference_rates VALUES ($m, $m, $m, $m, $m, $m, 0.5, $m, $s, $m)",
    "INSERT INTO volumes VALUES ('import', $m, $m, '2026-01-01', '2026-02-01', 5, $m, NULL, 'run')",
    "INSERT INTO runs VALUES ('run', $m, '2026-04-01', NULL, 'done', $m, $m, $m, '{}')",
    "UPDATE reports SET run_id = 'run'",
    "INSERT INTO merges VALUES (66, 1, '2026-04-01', $m, 'run')",
    "INSERT INTO reviews (review_id, review_of, decision, decided_value, reviewer, reviewed_at) "
    "VALUES ('r1', 'incident:1', 'status', $m, $m, '2026-04-01')",
    "UPDATE instruments SET card = $c, screen = $m",
    "INSERT INTO funnel VALUES ('github', $m, 7, 1)",
)


def publish_hostile(folder: Path) -> Path:
    """Write the snapshot and return the path of its (absent) working file."""
    db = publish(folder, CASES)
    values = {
        "m": MARKUP,
        "f": FORMULA,
        "s": SCRIPT,
        "a": json.dumps([{"name": MARKUP, "family": MARKUP, "vendor": MARKUP}]),
        "p": json.dumps([{"rule": MARKUP, "field": "text", "start": 0, "end": 3}]),
        "c": json.dumps({"instrument": MARKUP, "annotators": MARKUP, "method": MARKUP, "versions": {MARKUP: MARKUP}}),
    }
    con = duckdb.connect(str(find_snapshot(db).path))
    for sql in _TEXTS:
        con.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql})
    con.close()
    return db
