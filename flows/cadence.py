"""How often each source is read and the rest is done: the registry's defaults, changed by settings."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dotenv import dotenv_values

from flows.errors import InputError
from flows.settings import source_config
from flows.sources.registry import SOURCES

_EVERY = re.compile(r"(\d{1,5})([smhd])")
_UNIT = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
# What is done besides reading, how often, and the setting that changes it.
CHORES: Mapping[str, timedelta] = {
    "judge": timedelta(hours=1),
    "retention": timedelta(days=1),
    "backup": timedelta(days=1),
}


@dataclass(frozen=True)
class Turn:
    """One line of the schedule: a source or a chore and its cadence; `reason` says why it is left out."""

    name: str
    every: timedelta | None
    setting: str
    reason: str = ""


def parse_every(setting: str, text: str) -> timedelta | None:
    """Read a cadence such as `15m`, `6h`, `1d`; `off` is None.

    Raises:
        InputError: neither; the message names the setting.
    """
    if text.strip() == "off":
        return None
    found = _EVERY.fullmatch(text.strip())
    if not found or not int(found[1]):
        msg = f"{setting}={text!r}: expected a cadence such as 15m, 6h, 1d, or off"
        raise InputError(msg)
    return int(found[1]) * _UNIT[found[2]]


def told(every: timedelta) -> str:
    """Return a cadence as it is written in settings: 15m, 6h, 1d."""
    unit = next(name for name in "dhms" if not every % _UNIT[name])
    return f"{every // _UNIT[unit]}{unit}"


def turns(env_file: str = ".env") -> tuple[list[Turn], list[Turn]]:
    """Return the schedule's sources (those that lack a setting or are off: with the reason) and its chores.

    Raises:
        InputError: a setting cannot be used.
    """
    given = {**dotenv_values(env_file), **os.environ}

    def one(name: str, setting: str, default: timedelta, lacks: tuple[str, ...] = ()) -> Turn:
        text = given.get(setting)
        every = parse_every(setting, text) if text else default
        if lacks:
            return Turn(name, None, setting, f"needs {', '.join(lacks)}")
        return Turn(name, every, setting, "" if every else f"off ({setting})")

    sources = [
        one(entry.source, entry.setting("every"), entry.every, entry.missing(source_config(entry, env_file)))
        for entry in SOURCES.values()
    ]
    chores = [one(name, f"OFFSCRIPT_{name.upper()}_EVERY", every) for name, every in CHORES.items()]
    return sources, chores
