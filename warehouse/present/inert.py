"""Text of strangers, made safe to show: no markup, no hidden direction changes, no links but http(s)."""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, urlsplit

# Cf: bidi controls, zero-width and tag characters. Cc: control characters. Co, Cs, Cn: nothing a reader can see.
_HIDDEN = {"Cf", "Cc", "Co", "Cs", "Cn"}
_SPACES = {"\n", "\r", "\t", "\v", "\f", "\x85", "\u2028", "\u2029"}
# Everything with a meaning in HTML or Markdown is written as a numeric reference, which neither takes for markup.
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")
LINK_LENGTH = 60
# What a spreadsheet may take for the start of a formula; the last four are the full-width forms of the first.
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")


def visible(text: str) -> str:
    """Return the text a reader sees: no hidden controls, breaks as spaces, at most three combining marks."""
    kept: list[str] = []
    marks = 0
    for char in text:
        if char in _SPACES:
            kept.append(" ")
            continue
        category = unicodedata.category(char)
        if category in _HIDDEN:
            continue
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= 3:
            kept.append(char)
    return "".join(kept)


def inert(text: str) -> str:
    """Return text that shows as written, in HTML (also in attributes) and as Markdown.

    Hidden and bidirectional controls are dropped, and all punctuation becomes numeric references. A Markdown
    reader with autolinks may still link a bare address, so pages show posts as HTML.
    """
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible(text))


def runs(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Yield a text in pieces, and whether each lies in one of the ranges [start, end); overlapping ones are joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, a), min(len(text), b)) for a, b in spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    at = 0
    for start, end in joined:
        yield text[at:start], False
        yield text[start:end], True
        at = end
    yield text[at:], False


def highlighted(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return inert HTML of a text with `<mark>` around character ranges [start, end)."""
    return "".join(f"<mark>{inert(piece)}</mark>" if marked else inert(piece) for piece, marked in runs(text, spans))


def lines(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield the lines of a text, each with the ranges that lie in it, moved to it."""
    at = 0
    for line in text.splitlines(keepends=True):
        end = at + len(line)
        yield line, [(max(a, at) - at, min(b, end) - at) for a, b in spans if a < end and b > at]
        at = end


def safe_url(url: str | None) -> str | None:
    """Return an http(s) address that can stand in an attribute, or None for anything else.

    Refused: other schemes, addresses with user names (they pass one host off as another), hidden characters, odd hosts.
    """
    if not url or any(unicodedata.category(char) in _HIDDEN or char.isspace() for char in url.strip()):
        return None
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return None
    if ":" in host:
        host = f"[{host}]"
    if not _HOST.fullmatch(host):
        return None
    address = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    address += quote(parts.path, safe="/%:@+~,=;!$*")
    if parts.query:
        address += "?" + quote(parts.query, safe="/%:@+~,=;!$*&?")
    if parts.fragment:
        address += "#" + quote(parts.fragment, safe="/%:@+~,=;!$*?")
    return address


def link(url: str | None) -> str:
    """Return an HTML link that shows where it leads: the host and as much of the path as fits a line."""
    address = safe_url(url)
    if address is None:
        return "no public address"
    parts = urlsplit(address)
    shown = parts.netloc.removeprefix("www.") + parts.path.rstrip("/")
    if len(shown) > LINK_LENGTH:
        shown = shown[: LINK_LENGTH - 1] + "…"
    return f'<a href="{html.escape(address)}" rel="noopener noreferrer nofollow">{inert(shown)}</a>'


def csv_cell(value: object) -> object:
    """Return a value that a spreadsheet does not take for a formula."""
    if isinstance(value, str) and value[:1] in set(FORMULA):
        return "'" + value
    return value
