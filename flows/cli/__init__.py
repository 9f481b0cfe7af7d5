"""The command line: a thin mirror of the library. Prefect and torch are imported only by the commands that use them."""

from flows.cli import (
    collecting,
    incidents,
    judging,
    operating,
    publishing,
    reviewing,
    rights,
    trending,
    writing,
)
from flows.cli.base import main

__all__ = [
    "collecting",
    "incidents",
    "judging",
    "main",
    "operating",
    "publishing",
    "reviewing",
    "rights",
    "trending",
    "writing",
]
