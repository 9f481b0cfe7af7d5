"""The four behaviours by agent or vendor, and what laboratories measured of the same behaviours."""

from typing import Any, Final, Literal

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.present.charts import NONE_MARKED
from warehouse.rows import fetch

Rows = tuple[dict[str, Any], ...]
Who = Literal["agent", "vendor"]
NONE_NAMED: Final = "none named"
OTHERS: Final = "all other names"
SHOWN: Final = 24
_COLUMNS: Final[dict[Who, str]] = {"agent": "agent_names", "vendor": "vendors"}


@kept(48)
def matrix(snapshot: Snapshot, who: Who, source: str | None) -> Rows:
    """Return strict incidents by name and behaviour, names in alphabetical order; at most `SHOWN` names.

    Rows: `name`, `behaviour`, `incidents`; `named` is all incidents of that name. The rarer names stand together.

    Args:
        snapshot: which one.
        who: agents or vendors.
        source: only incidents told on this platform; None for all.
    """
    column = _COLUMNS[who]
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                f"""
                WITH held AS (
                    SELECT incident, CASE WHEN len({column}) > 0 THEN {column} ELSE [?] END AS names,
                           CASE WHEN len(behaviours_present) > 0 THEN behaviours_present ELSE [?] END AS behaviours
                    FROM incidents
                    WHERE is_strict AND (?::VARCHAR IS NULL OR incident IN (
                        SELECT ir.incident FROM incident_reports ir JOIN reports r USING (report_id)
                        WHERE r.platform = ?))
                ),
                named AS (SELECT incident, behaviours, unnest(names) AS name FROM held),
                most AS (
                    SELECT name FROM named GROUP BY name
                    ORDER BY name = ? DESC, count(*) DESC, name LIMIT ?
                ),
                shown AS (
                    SELECT DISTINCT incident, behaviours,
                           CASE WHEN name IN (FROM most) THEN name ELSE '{OTHERS}' END AS name
                    FROM named
                ),
                told AS (SELECT name, unnest(behaviours) AS behaviour FROM shown),
                totals AS (SELECT name, count(*) AS named FROM shown GROUP BY name)
                SELECT name, behaviour, count(*) AS incidents, any_value(named) AS named
                FROM told JOIN totals USING (name) GROUP BY name, behaviour
                ORDER BY name IN ('{OTHERS}', '{NONE_NAMED}'), lower(name), name, behaviour
                """,  # noqa: S608
                [NONE_NAMED, NONE_MARKED, source, source, NONE_NAMED, SHOWN],
            )
        )


@kept(4)
def laboratory(snapshot: Snapshot) -> Rows:
    """Return published laboratory rates, those with a figure only."""
    with reading(snapshot) as con:
        return tuple(
            fetch(
                con,
                "SELECT study, model, tested_behaviour, subject, condition, statistic, rate, confidence, source_url "
                "FROM reference_rates WHERE rate IS NOT NULL ORDER BY study, tested_behaviour, model, condition",
            )
        )


@kept(4)
def sources(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return the platforms that tell a strict incident, with their names in full."""
    with reading(snapshot) as con:
        return tuple(
            con.execute(
                "SELECT DISTINCT r.platform, coalesce(p.platform_name, r.platform) FROM reports r "
                "JOIN incident_reports ir USING (report_id) JOIN incidents i USING (incident) "
                "LEFT JOIN platforms p USING (platform) WHERE i.is_strict ORDER BY 1"
            ).fetchall()
        )
