"""One incident of a snapshot, by its permanent number."""

from app.keep import kept, reading
from warehouse.connect import Snapshot
from warehouse.present import telling
from warehouse.present.telling import Incident


@kept(64)
def read(snapshot: Snapshot, number: int) -> tuple[Incident | None, int | None]:
    """Return the incident, and the number it is kept under where the one asked for was merged away."""
    with reading(snapshot) as con:
        kept_as = telling.follow(con, number)
        if kept_as is None:
            return None, None
        return telling.incident(con, kept_as), kept_as
