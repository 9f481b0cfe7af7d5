"""The command line: a thin mirror of the library. Prefect and torch are imported only by the commands that use them."""

from flows.cli import collecting, judging, publishing, reviewing
from flows.cli.base import main

__all__ = ["collecting", "judging", "main", "publishing", "reviewing"]
