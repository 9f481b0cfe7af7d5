"""Bluesky by its search: posts that name an agent or show a conversation, cut by time.

Without a login only the first page of a search is served, so a span with more is halved; with one all pages are.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from flows.exchange import BadAnswer, Pace, Refused
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, BadItem, Native, Page, Stream, secret
from flows.sources.base import Config as Block
from flows.sources.reading import iso, items_of, need_at, number_at, part_at, parts_of, text_at, total

NEEDS: tuple[str, ...] = ()
PER_PAGE = 100
IDS_AT_ONCE = 25
MOST_EMPTY = 20
# An account's own wish not to be shown to people who are not logged in.
_HIDDEN = "!no-unauthenticated"
_LINK = "app.bsky.richtext.facet#link"


class Config(Block):
    """Settings of this source; a handle with an app password makes every page of a search readable."""

    base: str = "https://public.api.bsky.app"
    login_base: str = "https://bsky.social"
    handle: str = ""
    app_password: SecretStr | None = None


class Bluesky:
    """Reads one stream for each agent and each kind of share link."""

    step = timedelta(days=1)
    finest = timedelta(seconds=1)
    settle = timedelta(minutes=30)
    reach = None
    recheck_limit = 500

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._config, self._queries, self._http = config, queries, http
        self._session: Native = {}
        self._logged_in = bool(config.handle and config.app_password)
        self._base = config.login_base if self._logged_in else config.base
        http.pace(self._base, Pace(0.5, burst=10))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each agent and each kind of share link."""
        return [Stream(term, f'"{term}"') for term in (*self._queries.agents, *self._queries.share_links)]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a span's posts, newest first.

        Raises:
            BadAnswer: page after page is empty, and each says that there is more.
        """
        token = ask.token
        empty = 0
        while True:
            query = {
                "q": ask.stream.query,
                "sort": "latest",
                "limit": PER_PAGE,
                "since": iso(ask.window.start),
                "until": iso(ask.window.end),
                **({"cursor": token} if token else {}),
            }
            answer = self._get("app.bsky.feed.searchPosts", query)
            found = items_of(answer, "posts")
            following = text_at(answer, "cursor")
            more = bool(following)
            # Posts that may not be shown are taken out of a page after it was cut: it may be empty and not the last.
            empty = 0 if found else empty + 1
            if more and empty > MOST_EMPTY:
                msg = f"bluesky: {empty} empty pages of {ask.stream.query}"
                raise BadAnswer(msg)
            yield Page(
                [item for item in found if not _hidden(item)],
                f"searchPosts {ask.stream.query} {iso(ask.window.start)} {token or ''}",
                next=following if more and self._logged_in else None,
                full=more and not self._logged_in,
            )
            if not more or not self._logged_in:
                return
            token = following

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each post is still served."""
        known: dict[str, bool] = {}
        for start in range(0, len(given_ids), IDS_AT_ONCE):
            some = {_uri(given): given for given in given_ids[start : start + IDS_AT_ONCE]}
            answer = self._get("app.bsky.feed.getPosts", {"uris": list(some)})
            served = {item.get("uri") for item in items_of(answer, "posts") if not _hidden(item)}
            known |= {given: uri in served for uri, given in some.items()}
        return known

    def _get(self, method: str, query: Mapping[str, Any]) -> Any:  # noqa: ANN401
        url = f"{self._base}/xrpc/{method}"
        if not self._logged_in:
            return self._http.json(url, params=query)
        headers = _bearer(self._token())
        try:
            return self._http.json(url, params=query, headers=headers)
        except Refused as error:
            # 400 ExpiredToken, or 401 where the server has forgotten the session: a second no is final.
            if error.status != 401 and "ExpiredToken" not in str(error):
                raise
        self._renew()
        return self._http.json(url, params=query, headers=_bearer(self._token()))

    def _token(self) -> str:
        if not self._session:
            given = {"identifier": self._config.handle, "password": secret(self._config.app_password)}
            self._session = self._server("createSession", payload=given)
        return need_at(self._session, "accessJwt")

    def _renew(self) -> None:
        """Renew the session by its refresh token: logging in is limited to a few hundred times a day."""
        held, self._session = self._session, {}
        try:
            self._session = self._server("refreshSession", headers=_bearer(need_at(held, "refreshJwt")))
        except (Refused, BadItem):
            # Too old to be renewed: the next question logs in anew.
            return

    def _server(self, method: str, **request: Any) -> Native:  # noqa: ANN401
        answer = self._http.request("POST", f"{self._base}/xrpc/com.atproto.server.{method}", **request).json()
        if not isinstance(answer, dict) or not answer.get("accessJwt"):
            msg = f"bluesky: {method} gave no token"
            raise BadAnswer(msg)
        return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _hidden(item: Native) -> bool:
    labels = part_at(item, "author", "labels")
    return isinstance(labels, list) and any(text_or_none(label) == _HIDDEN for label in labels)


def text_or_none(label: object) -> str | None:
    """Return a label's value, if it has one."""
    found = part_at(label, "val")
    return found if isinstance(found, str) else None


def _uri(given: str) -> str:
    did, _, key = given.removeprefix("bluesky:").partition("/")
    return f"at://{did}/app.bsky.feed.post/{key}"


def build(config: Config, queries: Queries, http: Client) -> Bluesky:
    """Return the source, ready to be read."""
    return Bluesky(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a post's view to an imported post; links and quoted pages are part of its text."""
    parts = parts_of(need_at(item, "uri"))
    pieces = parts.path.strip("/").split("/")
    if len(pieces) != 2 or not parts.netloc.startswith("did:"):
        raise BadItem("wrong_type", "uri is not that of a post")
    return post_of(parts.netloc, pieces[1], part_at(item, "record"), item)


def post_of(did: str, key: str, record: object, view: object = None) -> dict[str, Any]:
    """Return an imported post from a record and, where one came with it, its view."""
    languages = part_at(record, "langs")
    created, indexed = text_at(record, "createdAt"), text_at(view, "indexedAt")
    counts = (number_at(view, name) for name in ("likeCount", "repostCount", "replyCount", "quoteCount"))
    return {
        "id": f"bluesky:{did}/{key}",
        "source": "bluesky",
        "url": f"https://bsky.app/profile/{did}/post/{key}",
        # The author's clock may be wrong; a post cannot be younger than its listing.
        "created_at": earlier(created, indexed),
        "title": "",
        "text": "\n\n".join([text_at(record, "text"), *_links(record)]).strip(),
        "lang": languages[0] if isinstance(languages, list) and languages and isinstance(languages[0], str) else None,
        "author": did,
        "engagement": total(*counts),
    }


def earlier(stated: str, seen: str) -> str | None:
    """Return the earlier of two times given as text, the second where the first cannot be read."""
    try:
        at = datetime.fromisoformat(stated)
    except ValueError:
        return seen or stated or None
    try:
        limit = datetime.fromisoformat(seen) if seen else None
    except ValueError:
        return stated
    return seen if limit and _aware(at) > _aware(limit) else stated


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _links(record: object) -> list[str]:
    """Return the addresses a post links to: the text shows them cut short, whole they stand in its facets."""
    found: list[str] = []
    facets = part_at(record, "facets")
    for facet in facets if isinstance(facets, list) else []:
        features = part_at(facet, "features")
        for feature in features if isinstance(features, list) else []:
            address = part_at(feature, "uri") if part_at(feature, "$type") == _LINK else None
            if isinstance(address, str) and address not in found:
                found.append(address)
    card = part_at(record, "embed", "external")
    lines = [part_at(card, "title"), part_at(card, "uri")]
    return found + [line for line in lines if isinstance(line, str) and line and line not in found]
