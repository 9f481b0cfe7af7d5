"""The group that every command hangs on, and what the commands share."""

from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from flows.errors import OffscriptError
from flows.settings import Settings, refuse_loose_files, set_warehouse
from warehouse.connect import WarehouseError, refuses_writing
from warehouse.migrate import MigrationError

SET_ASIDE = 3
FILE = click.Path(path_type=Path)


class _Cli(click.Group):
    """Prints our own errors as one line; a traceback is for what we did not foresee."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        from classifiers.encoder import WeightsError
        from classifiers.items import GoldError

        try:
            refuse_loose_files()
            set_warehouse()
            return super().invoke(ctx)
        except (OffscriptError, WarehouseError, MigrationError, WeightsError, GoldError) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if not refuses_writing(error):
                raise
            # Beside the working file, whose own errors are told where it is opened: logs, exports, pages.
            place = error.filename or "the disk"
            msg = f"{place} cannot be written: {error.strerror}; make room, or mount it for writing"
            raise click.ClickException(msg) from error


@click.group(cls=_Cli, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_version("offscript"))
def main() -> None:
    """Offscript: the open observatory of AI agents that act outside their instructions."""


def db_option(command: Any) -> Any:  # noqa: ANN401
    """Give a command the option `--db`, the working file."""
    return click.option(
        "--db",
        type=FILE,
        default=lambda: Settings().db,
        show_default="OFFSCRIPT_DB or data/offscript.duckdb",
        help="Working file; snapshots are published beside it.",
    )(command)


def console() -> Console:
    """Return the console for progress and remarks: standard error, so that standard output stays data."""
    return Console(stderr=True, highlight=False)
