"""What every fitted figure is made of: a value with its interval, or the reason why there is none."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; `value` is null for the `reason` given.

    `n` is the count behind it, `method` names the procedure with its source, `p` is that of "no change", if it has one.
    An end that is null has no bound on that side.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    p: float | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def not_computable(reason: str, method: str, n: int = 0) -> Estimate:
    """Return a figure that is not there, and why."""
    return Estimate(None, None, None, n, method, None, reason)
