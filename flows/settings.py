"""Settings from the environment (prefix OFFSCRIPT_) or a .env file; every one has a default that works."""

import os
import re
import secrets
import stat
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.errors import InputError
from flows.sources.base import Config, Entry
from warehouse import lake

_SECRET = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD)$")


class Settings(BaseSettings):
    """What an operator may set. Secrets are never logged or printed."""

    model_config = SettingsConfigDict(env_prefix="OFFSCRIPT_", env_file=".env", extra="ignore")

    db: Path = Path("data/offscript.duckdb")
    author_key: str | None = None
    contact: str | None = None
    # Address of the published dashboard or site: permanent addresses of incidents begin with it.
    site: str | None = None
    # How far back the schedule reads: a stop no longer than this leaves no gap.
    since: str = "7d"
    # Days a text is kept, where they differ from the registry's: "x=30,web=never".
    text_days: str | None = None
    # Days for which posts the screen dropped are kept, so that what it misses can be measured.
    audit_days: int | None = 90
    # Days for which every snapshot is kept; of earlier days the last one.
    snapshot_days: int | None = 30
    # Where `serve` shows the dashboard and health: other machines see them only if this is changed.
    bind: str = "127.0.0.1"
    # A Dask scheduler (tcp://host:8786) whose workers judge texts; none: this process does.
    cluster: str | None = None
    # For tests against servers on this machine: addresses that are not public are refused otherwise.
    allow_private: bool = False
    # Backups kept of the working file.
    backups: int = 7
    # Posts drawn at random for audit, once a month; 0: none.
    audit_size: int = 100


def set_warehouse(env_file: str = ".env") -> None:
    """Let `warehouse.lake`, and every child process, see what the file says of where the warehouse is."""
    for name, value in dotenv_values(env_file).items():
        if name in {lake.SETTING, lake.DATA, lake.SETUP} and value:
            os.environ.setdefault(name, value)


def author_key(db: Path, settings: Settings | None = None) -> bytes:
    """Return the key that hashes accounts: OFFSCRIPT_AUTHOR_KEY, or a private file beside the warehouse."""
    configured = (settings or Settings()).author_key
    if configured:
        return configured.encode()
    path = db.with_suffix(".author-key")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    return path.read_bytes()


def loose_files(env_file: str = ".env") -> list[tuple[Path, int]]:
    """Return files that hold secrets and may be read by other users, with their modes."""
    path = Path(env_file).resolve()
    if not path.is_file():
        return []
    mode = stat.S_IMODE(path.stat().st_mode)
    return [(path, mode)] if mode & 0o077 and any(_SECRET.search(name) for name in dotenv_values(path)) else []


def refuse_loose_files(env_file: str = ".env") -> None:
    """Refuse to read secrets from a file that other users may read.

    Raises:
        InputError: there is one; the message says what to do.
    """
    for path, mode in loose_files(env_file):
        msg = f"{path} holds secrets and may be read by other users (mode {mode:o}): chmod 600 {path}"
        raise InputError(msg)


def source_config(entry: Entry, env_file: str = ".env") -> Config:
    """Read a source's block: its field `token` from OFFSCRIPT_<SOURCE>_TOKEN, environment before file.

    Raises:
        InputError: a value cannot be used; the message names the setting, never the value.
    """
    given = {**dotenv_values(env_file), **os.environ}
    values = {name: value for name in entry.config.model_fields if (value := given.get(entry.setting(name)))}
    try:
        return entry.config.model_validate(values)
    except ValidationError as error:
        wrong = ", ".join(f"{entry.setting(str(each['loc'][0]))}: {each['msg']}" for each in error.errors())
        raise InputError(wrong) from None


def quiet_prefect() -> None:
    """Set Prefect's defaults for a command line: no analytics, few logs, time to start; what is set stays."""
    for name, value in {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_CLI_PROMPT": "false",
    }.items():
        os.environ.setdefault(name, value)
