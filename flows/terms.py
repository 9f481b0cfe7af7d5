"""How long texts are kept: the registry's terms, changed by a setting."""

from flows.errors import InputError
from flows.settings import Settings
from flows.sources.registry import PLATFORMS


def terms(settings: Settings | None = None) -> dict[str, int | None]:
    """Return the days a text is kept, by platform: the registry's, changed by OFFSCRIPT_TEXT_DAYS (`x=30,web=never`).

    Raises:
        InputError: the setting cannot be read.
    """
    days: dict[str, int | None] = {name: platform.text_days for name, platform in PLATFORMS.items()}
    for part in filter(None, ((settings or Settings()).text_days or "").split(",")):
        name, _, value = part.strip().partition("=")
        if name not in days or not (value == "never" or value.isdigit()):
            msg = f"OFFSCRIPT_TEXT_DAYS: {part.strip()!r} is not PLATFORM=DAYS or PLATFORM=never"
            raise InputError(msg)
        days[name] = None if value == "never" else int(value)
    return days
