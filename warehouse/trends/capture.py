"""How many events there were at least, from how many one, two or more sources told."""

import math
from collections.abc import Iterable
from typing import Final

import duckdb

from warehouse.schema.models import Merge
from warehouse.trends.estimates import Estimate, not_computable

CHAO: Final = "Chao's lower bound, bias-corrected, log-normal interval (Chao 1987, Biometrics 43:783)"
FEWEST: Final = 20


def chao(frequencies: Iterable[int], sources: int) -> Estimate:
    """Return a lower bound of how many events there were, seen or not, in what the sources could have told.

    Chao 1987, Biometrics 43:783: seen + (t-1)/t · f1(f1-1) / (2(f2+1)), with f1 events told by one source and f2 by two
    of t. It is a lower bound if sources differ in what they tell; sources that repeat one another push it down, sources
    that never tell the same kind of event push it up. Fewer than 20 events told by two sources: not estimable.

    Args:
        frequencies: for each event, by how many sources it is told (1 or more).
        sources: how many sources there are.
    """
    told = [number for number in frequencies if number > 0]
    seen, once, twice = len(told), sum(number == 1 for number in told), sum(number == 2 for number in told)
    overlap = sum(number >= 2 for number in told)
    if sources < 2 or overlap < FEWEST or twice == 0:
        return not_computable(
            f"not estimable: {overlap} events are told by two sources or more, {FEWEST} needed", CHAO, seen
        )
    share = (sources - 1) / sources
    unseen = share * once * (once - 1) / (2 * (twice + 1))
    if unseen <= 0:
        return Estimate(float(seen), float(seen), float(seen), seen, CHAO)
    odds = once / twice
    variance = twice * (share * odds**2 / 2 + share**2 * odds**3 + share**2 * odds**4 / 4)
    reach = math.exp(1.959964 * math.sqrt(math.log(1 + variance / unseen**2)))
    return Estimate(seen + unseen, seen + unseen / reach, seen + unseen * reach, seen, CHAO)


def chao_of(con: duckdb.DuckDBPyConnection, merge: Merge = "normal") -> Estimate:
    """Return Chao's lower bound for the strict incidents of platforms that were read, never of curated collections."""
    rows = con.execute(
        "WITH known AS (SELECT source FROM coverage_periods WHERE per = 'month' GROUP BY source "
        "HAVING NOT bool_or(state IN ('unknown', 'curated'))) "
        "SELECT count(DISTINCT source), (SELECT count(*) FROM known) FROM group_sources JOIN known USING (source) "
        "WHERE merge = ? AND is_strict GROUP BY group_key",
        [merge],
    ).fetchall()
    return chao((number for number, _ in rows), rows[0][1] if rows else 0)
