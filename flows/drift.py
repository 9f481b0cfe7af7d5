"""How far a new instrument judges the frozen panel otherwise than the one before it."""

from datetime import UTC, datetime

import duckdb
import numpy as np

from classifiers.metrics import cohen_kappa, measured
from warehouse.panel import both_judged
from warehouse.rows import merge
from warehouse.schema.tables import TABLES


def store_drift(con: duckdb.DuckDBPyConnection, instrument: str, before: str, *, run_id: str) -> None:
    """Measure the drift on the panel and store it: share changed, mean shift, kappa with its bootstrap interval.

    Nothing is stored where no report of a panel was read by both. The caller owns the transaction.
    """
    rows = both_judged(con, instrument, before)
    if not rows:
        return
    now, was = (np.array([int(row[name]) for row in rows]) for name in ("is_strict", "was_strict"))
    shift = np.array([row["p"] - row["was_p"] for row in rows])
    kappa = measured(cohen_kappa, was, now, np.ones(len(rows)))
    row = {
        "panel": rows[0]["panel"],
        "instrument": instrument,
        "second_instrument": before,
        "n": len(rows),
        "changed_share": float((now != was).mean()),
        "mean_shift": float(shift.mean()),
        "kappa": kappa.value,
        "kappa_low": kappa.low,
        "kappa_high": kappa.high,
        "measured_at": datetime.now(UTC),
        "run_id": run_id,
    }
    key = TABLES["panel_drifts"].key
    merge(con, TABLES["panel_drifts"], [row], update=tuple(name for name in row if name not in key))
