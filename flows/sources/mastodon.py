"""Mastodon by the public hashtag timelines of a list of instances."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from flows.exchange import Pace, Refused, SourceError
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, Native, Page, Stream, Words, secret
from flows.sources.base import Config as Block
from flows.sources.reading import address, items_of, need_at, number_at, part_at, parts_of, plain, text_at, total, walk
from flows.sources.sift import Sift

NEEDS: tuple[str, ...] = ()
PER_PAGE = 40


class Config(Block):
    """Settings of this source; `instances` replaces the reviewed list, a token is for one that asks for it."""

    instances: Words = ()
    token: SecretStr | None = None
    token_instance: str = ""


class Mastodon:
    """Reads one stream for each instance and hashtag."""

    step = None
    finest = timedelta(days=1)
    # Posts of other instances arrive late.
    settle = timedelta(hours=2)
    reach = None
    recheck_limit = 100

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self.census = Sift(queries)
        self._config, self._queries, self._http = config, queries, http
        self._instances = config.instances or queries.mastodon
        for instance in self._instances:
            # 300 requests in five minutes are allowed.
            http.pace(address(instance), Pace(1.1, burst=10))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each instance and hashtag."""
        return [
            Stream(f"{instance}/{tag}", tag, base=instance)
            for instance in self._instances
            for tag in self._queries.hashtags
        ]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a hashtag's posts, newest first, until the span is left behind."""
        url = f"{address(ask.stream.base)}/api/v1/timelines/tag/{quote(ask.stream.query, safe='')}"

        def get(token: str | None) -> tuple[list[Native], str | None, str]:
            params = {"limit": PER_PAGE, **({"max_id": token} if token else {})}
            found = items_of(self._http.json(url, params=params, headers=self._headers(ask.stream.base)))
            ids = [str(item["id"]) for item in found if item.get("id")]
            # Ids are numbers that outgrow each other in length too.
            following = min(ids, key=lambda one: (len(one), one)) if ids else None
            public = [item for item in found if part_at(item, "account", "noindex") is not True]
            return public, following, f"timelines/tag/{ask.stream.query} max_id {token or ''}"

        return walk(ask, get, to_post)

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each post is still served at home; an instance that does not answer says nothing.

        Posts come from other software too, which knows no such address: there, not found means nothing.
        """
        known: dict[str, bool] = {}
        silent: set[str] = set()
        speaks: dict[str, bool] = {}
        for given in given_ids:
            host, _, native = given.removeprefix("mastodon:").rpartition("/")
            if host in silent:
                continue
            try:
                self._http.json(f"{address(host)}/api/v1/statuses/{native}", headers=self._headers(host))
            except Refused as error:
                if error.status in {404, 410}:
                    if host not in speaks:
                        speaks[host] = self._speaks(host)
                    known |= {given: False} if speaks[host] else {}
                continue
            except SourceError:
                silent.add(host)
                continue
            known[given] = True
        return known

    def _speaks(self, host: str) -> bool:
        """Return whether a host has Mastodon's interface, in its newer or older form."""
        for version in ("v2", "v1"):
            try:
                answer = self._http.json(f"{address(host)}/api/{version}/instance", headers=self._headers(host))
            except SourceError:
                continue
            if isinstance(part_at(answer, "version"), str):
                return True
        return False

    def _headers(self, instance: str) -> dict[str, str]:
        fits = self._config.token is not None and instance == self._config.token_instance
        return {"Authorization": f"Bearer {secret(self._config.token)}"} if fits else {}


def build(config: Config, queries: Queries, http: Client) -> Mastodon:
    """Return the source, ready to be read."""
    return Mastodon(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a status to an imported post; its address is the one at home, the same whichever instance showed it."""
    url = text_at(item, "url") or need_at(item, "uri")
    parts = parts_of(url)
    host = parts.netloc
    native = parts.path.rstrip("/").rpartition("/")[2] or need_at(item, "id")
    account = text_at(item, "account", "acct")
    text = [plain(text_at(item, field)) for field in ("spoiler_text", "content")]
    return {
        "id": f"mastodon:{host}/{native}",
        "source": f"mastodon:{host}",
        "url": url,
        "created_at": need_at(item, "created_at"),
        "title": "",
        "text": "\n\n".join(piece for piece in text if piece),
        "lang": text_at(item, "language") or None,
        "author": (account if "@" in account else f"{account}@{host}") if account else None,
        "engagement": total(
            *(number_at(item, field) for field in ("favourites_count", "reblogs_count", "replies_count"))
        ),
    }
