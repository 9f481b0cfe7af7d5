"""GitHub by its issue search: every issue of a fixed list of trackers that spans vendors.

The search hands over at most 1,000 issues of a query; a span that holds more is halved by the caller.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from flows.exchange import Answer, BadAnswer, Pace, Refused
from flows.http import Client
from flows.queries import Queries
from flows.slices import Window
from flows.sources.base import Ask, Native, Page, Stream, secret
from flows.sources.base import Config as Block
from flows.sources.reading import iso, items_of, need_at, number_at, part_at, text_at, total

NEEDS: tuple[str, ...] = ()
PER_PAGE = 100
REACHABLE = 1000
# GitHub asks for at least a minute where a secondary limit names no time.
SECONDARY = 60.0


class Config(Block):
    """Settings of this source; a token raises the limit from 10 to 30 searches a minute."""

    base: str = "https://api.github.com"
    token: SecretStr | None = None


class GitHub:
    """Reads one stream for each tracker."""

    step = timedelta(days=7)
    finest = timedelta(seconds=1)
    settle = timedelta(minutes=30)
    reach = None
    recheck_limit = 30
    count_method = "search total"
    count_p = 1.0

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._base, self._queries, self._http = config.base, queries, http
        self.controls = tuple(queries.controls)
        self._headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if config.token:
            self._headers["Authorization"] = f"Bearer {secret(config.token)}"
        http.pace(config.base, Pace(2.0 if config.token else 6.0, burst=5))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each tracker."""
        return [Stream(tracker, f"repo:{tracker} is:issue") for tracker in self._queries.trackers]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a span's issues, oldest first."""
        number = int(ask.token or 1)
        while True:
            answer = self._search(ask.stream.query, ask.window, page=number, per_page=PER_PAGE)
            items = items_of(answer, "items")
            count = number_at(answer, "total_count") or 0
            more = bool(items) and number * PER_PAGE < min(count, REACHABLE)
            number += 1
            yield Page(
                items,
                f"search/issues {ask.stream.query} page {number - 1}",
                next=str(number) if more else None,
                full=count > REACHABLE,
            )
            if not more:
                return

    def counts(self, control: str, window: Window) -> int:
        """Return the issues of all GitHub that hold one of a control kind's terms."""
        terms = " OR ".join(f'"{term}"' for term in self._queries.controls[control])
        answer = self._search(f"({terms}) is:issue", window, page=1, per_page=1)
        count = number_at(answer, "total_count")
        if count is None:
            msg = "github: the answer has no total_count"
            raise BadAnswer(msg)
        return count

    def lookup(self, given_ids: Sequence[str]) -> Mapping[str, Native | None]:
        """Return each issue, None for one that is no longer served."""
        found: dict[str, Native | None] = {}
        for given in given_ids:
            repository, _, number = given.removeprefix("github:").partition("#")
            url = f"{self._base}/repos/{repository}/issues/{number}"
            try:
                found[given] = self._http.json(url, headers=self._headers, throttled=_throttled)
            except Refused as error:
                if error.status in {404, 410}:
                    found[given] = None
        return found

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each issue is still served."""
        return {given: post is not None for given, post in self.lookup(given_ids).items()}

    def _search(self, query: str, window: Window, **params: int) -> Any:  # noqa: ANN401
        # Both ends of GitHub's range are included.
        span = f"created:{iso(window.start)}..{iso(window.end - timedelta(seconds=1))}"
        params_ = {"q": f"{query} {span}", "sort": "created", "order": "asc", **params}
        url = f"{self._base}/search/issues"
        answer = self._http.json(url, params=params_, headers=self._headers, throttled=_throttled)
        if part_at(answer, "incomplete_results") is True:
            msg = f"github: the search of {query} ran out of time and is not whole"
            raise BadAnswer(msg)
        return answer


def _throttled(answer: Answer) -> float | None:
    limited = answer.status in {403, 429} and b"rate limit" in answer.body.lower()
    return SECONDARY if limited else None


def build(config: Config, queries: Queries, http: Client) -> GitHub:
    """Return the source, ready to be read."""
    return GitHub(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map an issue to an imported post."""
    url = need_at(item, "html_url")
    repository = text_at(item, "repository_url").partition("/repos/")[2] or "/".join(url.split("/")[3:5])
    return {
        "id": f"github:{repository}#{need_at(item, 'number')}",
        "source": f"github_issue:{repository}",
        "url": url,
        "created_at": need_at(item, "created_at"),
        "title": text_at(item, "title"),
        "text": text_at(item, "body").replace("\r\n", "\n"),
        "author": text_at(item, "user", "login") or None,
        "engagement": total(number_at(item, "comments"), number_at(item, "reactions", "total_count")),
    }
