"""One spelling of a web address: what makes two links the same page."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

_TRACKING: Final = re.compile(r"utm_\w*|fbclid|gclid|mc_[ce]id|ref|ref_src|s|t|share_id|si|igshi?d?", re.IGNORECASE)
_PREFIXES: Final = ("www.", "old.", "m.")


def canonical_url(url: str | None) -> str | None:
    """Return host/path?query without scheme, `www.`, fragment, tracking and last slash; None for no web address."""
    try:
        parts = urlsplit((url or "").strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return None
    for prefix in _PREFIXES:
        host = host.removeprefix(prefix)
    kept = sorted((k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(k))
    return f"{host}{parts.path.rstrip('/')}" + (f"?{urlencode(kept)}" if kept else "")
