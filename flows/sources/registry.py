"""The platforms we know: what may be done with their texts and what collecting there cannot see."""

from datetime import timedelta
from types import ModuleType
from typing import Any, Final

from flows.sources import (
    aiid,
    bluesky,
    discourse,
    feeds,
    github,
    hackernews,
    jetstream,
    lemmy,
    mastodon,
    reddit,
    stackexchange,
    x,
)
from flows.sources.base import Entry
from flows.sources.exports import as_post
from warehouse.schema.models import Row


class Platform(Row):
    """One platform's policy; the fields are the columns of table `platforms`."""

    platform: str
    platform_name: str
    publish_text: str
    train: str
    licence: str
    cannot_see: str
    text_days: int | None


# Days a text is kept after it was read: OFFSCRIPT_TEXT_DAYS changes them. Ours has no term.
_TEXT_DAYS: Final = {"x": 90, "reddit": 90, "bluesky": 365, "mastodon": 365, "lemmy": 365, "record": None, "aiid": None}
_USUAL_DAYS: Final = 730


def _platform(platform: str, name: str, publish_text: str, train: str, licence: str, cannot_see: str) -> Platform:
    return Platform(
        platform=platform,
        platform_name=name,
        publish_text=publish_text,
        train=train,
        licence=licence,
        cannot_see=cannot_see,
        text_days=_TEXT_DAYS.get(platform, _USUAL_DAYS),
    )


_ALL: Final = (
    _platform(
        "record",
        "Offscript's record of public events",
        "full",
        "no",
        "our own words; Apache-2.0",
        "whatever nobody on the team came across: it is chosen by hand",
    ),
    _platform(
        "github",
        "GitHub issues and discussions",
        "span",
        "unknown",
        "platform terms; ids, links and short spans published",
        "private trackers, deleted issues, vendors without a public tracker",
    ),
    _platform(
        "reddit",
        "Reddit",
        "none",
        "no",
        "platform terms; ids and links only",
        "removed posts, private communities, most comments",
    ),
    _platform(
        "hackernews",
        "Hacker News",
        "span",
        "unknown",
        "platform terms; ids, links and short spans published",
        "flagged and dead items",
    ),
    _platform(
        "x", "X", "none", "no", "developer terms; ids only", "protected accounts, deleted posts, what search leaves out"
    ),
    _platform(
        "bluesky",
        "Bluesky",
        "span",
        "unknown",
        "public network; short spans published, deletions honoured",
        "deleted posts, accounts that ask not to be shown to logged-out readers",
    ),
    _platform(
        "mastodon",
        "Mastodon",
        "span",
        "unknown",
        "instance terms; short spans published, deletions honoured",
        "instances not asked, followers-only posts",
    ),
    _platform(
        "lemmy",
        "Lemmy",
        "span",
        "unknown",
        "instance terms; short spans published, deletions honoured",
        "instances that the ones asked do not see, posts that name no agent",
    ),
    _platform(
        "discourse",
        "Discourse forums",
        "span",
        "unknown",
        "each forum's terms; ids, links and short spans published",
        "private categories and messages, forums not asked",
    ),
    _platform(
        "stackexchange",
        "Stack Exchange",
        "span",
        "unknown",
        "CC BY-SA 4.0, author and link kept; no use against its terms on model training",
        "answers and comments, deleted and closed-and-removed questions",
    ),
    _platform(
        "aiid",
        "AI Incident Database",
        "span",
        "unknown",
        "metadata CC BY-SA 4.0; report texts excluded",
        "incidents nobody submitted; editorial choice decides",
    ),
    _platform(
        "web",
        "News, blogs and other pages",
        "span",
        "unknown",
        "publishers' rights; links and short spans as quotation",
        "paywalled and unpublished accounts; coverage follows news value",
    ),
)
PLATFORMS: Final[dict[str, Platform]] = {item.platform: item for item in _ALL}


def publish_text_of(platform: str) -> str:
    """Return how much of a platform's text may be published; nothing where the platform is unknown."""
    found = PLATFORMS.get(platform)
    return found.publish_text if found else "none"


def _entry(module: ModuleType, platform: str | None = None, *, hours: float = 1) -> Entry:
    name = module.__name__.rpartition(".")[2]
    return Entry(name, platform or name, module, timedelta(hours=hours))


_SOURCES: Final = (
    _entry(hackernews),
    _entry(github),
    _entry(mastodon),
    _entry(lemmy, hours=2),
    _entry(discourse, hours=2),
    _entry(stackexchange, hours=6),
    _entry(feeds, "web"),
    _entry(aiid, hours=24),
    _entry(bluesky),
    _entry(jetstream, "bluesky"),
    _entry(reddit),
    _entry(x, hours=6),
)
SOURCES: Final[dict[str, Entry]] = {entry.source: entry for entry in _SOURCES}


def post_of(source_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return a raw item as an imported post: mapped by its source, or as an import is."""
    entry = SOURCES.get(source_id)
    return entry.to_post(payload) if entry else as_post(payload)
