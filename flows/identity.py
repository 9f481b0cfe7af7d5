"""Who a post is: platform, channel and native id, parsed from its address where that can be done.

One issue or post that reaches us under two ids, or at two spellings of its address, is one report.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from warehouse.schema.addresses import canonical_url

_GITHUB = re.compile(r"/([^/]+/[^/]+)/(?:issues|pull|discussions)/(\d+)")
_GITHUB_COMMENT = re.compile(r"(?:issuecomment-|discussioncomment-|discussion_r)(\d+)")
_REDDIT = re.compile(r"(?:/r/([^/]+))?/comments/([0-9a-z]+)(?:/[^/]*)?(?:/([0-9a-z]+))?/?$")
_X = re.compile(r"/[^/]+/status(?:es)?/(\d+)")
_BLUESKY = re.compile(r"/profile/([^/]+)/post/([^/]+)")
_AT_URI = re.compile(r"at://([^/]+)/app\.bsky\.feed\.post/([^/]+)")
_STACK_HOSTS = re.compile(
    r"(?:[a-z0-9.-]+\.)?stackexchange\.com|(?:[a-z]{2}\.)?stackoverflow\.com"
    r"|(?:superuser|serverfault|askubuntu|stackapps|mathoverflow)\.(?:com|net)"
)
_STACK = re.compile(r"/(questions|q|a)/(\d+)")
# Software that runs on hosts of any name: known by what the source says it is.
_FEDERATED = {
    "mastodon": re.compile(r"/(?:@[^/]+|users/[^/]+/statuses)/(\d+)"),
    "lemmy": re.compile(r"/((?:post|comment)/\d+)"),
    "discourse": re.compile(r"/t/(?:[^/]+/)?(\d+(?:/\d+)?)"),
}
_AIID = re.compile(r"/cite/(\d+)")

# What the address of such an item points at is the page it stands on or is about, never the item itself.
_NOT_ITS_ADDRESS = re.compile(r"(.*_comment|curated_.*|record)$")
_PLATFORM_OF_SOURCE = (
    ("github", "github"),
    ("reddit", "reddit"),
    ("hackernews", "hackernews"),
    ("bluesky", "bluesky"),
    ("mastodon", "mastodon"),
    ("lemmy", "lemmy"),
    ("discourse", "discourse"),
    ("stackexchange", "stackexchange"),
    ("aiid", "aiid"),
    ("record", "record"),
    ("twitter", "x"),
    ("x", "x"),
)


@dataclass(frozen=True)
class Identity:
    """Where a post stands. `channel` is not part of the id where the platform's ids are unique without it."""

    platform: str
    channel: str | None
    native_id: str
    report_id: str


def identify(given_id: str, source: str, url: str | None) -> Identity:
    """Return a post's identity from its address, or from the given id where the address is not its own.

    Args:
        given_id: the id under which the source gave it.
        source: where the source says it stood, as `kind` or `kind:channel`.
        url: its public address, if any.
    """
    kind, _, channel = source.partition(":")
    own_address = url is not None and not _NOT_ITS_ADDRESS.match(kind)
    found = (_federated(url, kind) or _from_url(url, channel or None)) if own_address and url else None
    if found:
        return found
    platform = next((name for prefix, name in _PLATFORM_OF_SOURCE if kind.startswith(prefix)), "web")
    return Identity(platform, channel or kind or None, given_id, f"{platform}:given/{given_id}")


def tracker(platform: str, channel: str | None) -> str | None:
    """Return the issue tracker a post stands on, or None: there, two first-hand accounts are two people's events."""
    return f"github:{channel}" if platform == "github" else None


def _federated(url: str, kind: str) -> Identity | None:
    """Return the identity of a post on a host of any name; its own number there is unique on that host only."""
    canonical = canonical_url(url) if kind in _FEDERATED else None
    if canonical is None:
        return None
    host, _, path = canonical.split("?", 1)[0].partition("/")
    found = _FEDERATED[kind].fullmatch(f"/{path}")
    if found is None:
        return None
    native = found[1].removesuffix("/1") if kind == "discourse" else found[1]
    return Identity(kind, host, native, f"{kind}:{host}/{native}")


def _from_url(url: str, channel: str | None) -> Identity | None:
    at_uri = _AT_URI.match(url)
    if at_uri:
        return Identity("bluesky", None, f"{at_uri[1]}/{at_uri[2]}", f"bluesky:{at_uri[1]}/{at_uri[2]}")
    canonical = canonical_url(url)
    if canonical is None:
        return None
    parts = urlsplit(url.strip())
    host = canonical.split("/", 1)[0].split("?", 1)[0]
    path = parts.path
    match host:
        case "github.com":
            if found := _GITHUB.match(path):
                repository = found[1].lower()
                comment = _GITHUB_COMMENT.search(parts.fragment)
                native = found[2] + (f"/{comment[1]}" if comment else "")
                return Identity("github", repository, native, f"github:{repository}#{native}")
        case "reddit.com" | "old.reddit.com" | "new.reddit.com" | "np.reddit.com":
            if found := _REDDIT.match(path):
                native = found[3] or found[2]
                return Identity("reddit", f"r/{found[1]}" if found[1] else channel, native, f"reddit:{native}")
        case "redd.it":
            native = path.strip("/")
            if native:
                return Identity("reddit", channel, native, f"reddit:{native}")
        case "news.ycombinator.com":
            native = dict(parse_qsl(parts.query)).get("id", "")
            if native.isdigit():
                return Identity("hackernews", None, native, f"hackernews:{native}")
        case "x.com" | "twitter.com" | "mobile.twitter.com":
            if found := _X.match(path):
                return Identity("x", None, found[1], f"x:{found[1]}")
        case "bsky.app":
            if found := _BLUESKY.match(path):
                return Identity("bluesky", None, f"{found[1]}/{found[2]}", f"bluesky:{found[1]}/{found[2]}")
        case "incidentdatabase.ai":
            if found := _AIID.match(path):
                return Identity("aiid", None, found[1], f"aiid:{found[1]}")
        case _ if _STACK_HOSTS.fullmatch(host):
            if found := _STACK.match(path):
                native = found[2] if found[1] != "a" else f"a/{found[2]}"
                return Identity("stackexchange", host, native, f"stackexchange:{host}/{native}")
        case _:
            pass
    return Identity("web", host, canonical, f"web:{canonical}")
