"""Stack Exchange by its search: questions that name an agent, cut by time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from flows.exchange import Answer, BadAnswer, Pace
from flows.http import Client
from flows.queries import Queries
from flows.slices import Window
from flows.sources.base import Ask, Native, Page, Stream, secret
from flows.sources.base import Config as Block
from flows.sources.reading import items_of, moment, need_at, number_at, part_at, plain, text_at, total

NEEDS: tuple[str, ...] = ()
PER_PAGE = 100
# Without a key no page after this one is served.
PAGES = 25
DAY = 86_400.0


class Config(Block):
    """Settings of this source; a key raises the daily allowance from 300 to 10,000."""

    base: str = "https://api.stackexchange.com/2.3"
    key: SecretStr | None = None


class StackExchange:
    """Reads one stream for each site and agent."""

    step = timedelta(days=30)
    finest = timedelta(seconds=1)
    settle = timedelta(hours=1)
    reach = None
    recheck_limit = 200
    count_method = "search totals by site and term, summed"

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._config, self._queries, self._http = config, queries, http
        self.controls = tuple(queries.controls)
        # Without a key a day's 300 requests are for reading: one day of seven is counted, drawn by its date.
        self.count_p = 1.0 if config.key else 1 / 7
        http.pace(config.base, Pace(1.0, burst=5))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each site and agent."""
        return [
            Stream(f"{site}/{agent}", agent, base=site)
            for site in self._queries.stackexchange
            for agent in self._queries.agents
        ]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a span's questions, oldest first."""
        number = int(ask.token or 1)
        while True:
            query = {
                "site": ask.stream.base,
                "q": f'"{ask.stream.query}"',
                "fromdate": int(ask.window.start.timestamp()),
                "todate": int(ask.window.end.timestamp()) - 1,
                "page": number,
                "pagesize": PER_PAGE,
                "order": "asc",
                "sort": "creation",
                "filter": "withbody",
            }
            answer = self._get("search/advanced", query)
            more = part_at(answer, "has_more") is True
            last = number >= PAGES
            number += 1
            yield Page(
                items_of(answer, "items"),
                f"search/advanced {ask.stream.name} page {number - 1}",
                next=str(number) if more and not last else None,
                full=more and last,
            )
            if not more or last:
                return

    def counts(self, control: str, window: Window) -> int:
        """Return the questions of a control kind, each of its terms asked for by itself: those with two count twice."""
        span = {"fromdate": int(window.start.timestamp()), "todate": int(window.end.timestamp()) - 1}
        posts = 0
        for site in self._queries.stackexchange:
            for term in self._queries.controls[control]:
                query = {"site": site, "q": f'"{term}"', "filter": "total", **span}
                found = number_at(self._get("search/advanced", query), "total")
                if found is None:
                    msg = "stackexchange: the answer has no total"
                    raise BadAnswer(msg)
                posts += found
        return posts

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each question is still served; a hundred are asked for at once."""
        known: dict[str, bool] = {}
        by_site: dict[str, list[str]] = {}
        for given in given_ids:
            site, _, _ = given.removeprefix("stackexchange:").partition("/")
            by_site.setdefault(site, []).append(given)
        for site, of_site in by_site.items():
            for start in range(0, len(of_site), PER_PAGE):
                some = of_site[start : start + PER_PAGE]
                ids = ";".join(given.rpartition("/")[2] for given in some)
                answer = self._get(f"questions/{ids}", {"site": _api_name(site), "pagesize": PER_PAGE})
                served = {str(item.get("question_id")) for item in items_of(answer, "items")}
                known |= {given: given.rpartition("/")[2] in served for given in some}
        return known

    def _get(self, path: str, query: Mapping[str, Any]) -> Any:  # noqa: ANN401
        key = {"key": secret(self._config.key)} if self._config.key else {}
        url = f"{self._config.base}/{path}"
        answer = self._http.json(url, params={**query, **key}, throttled=_throttled)
        backoff = number_at(answer, "backoff")
        if backoff:
            self._http.hold(url, backoff + 1)
        if number_at(answer, "quota_remaining") == 0:
            self._http.hold(url, DAY)
        return answer


def _throttled(answer: Answer) -> float | None:
    try:
        found = answer.json()
    except BadAnswer:
        return None
    if number_at(found, "error_id") != 502:
        return None
    # "too many requests from this IP, more requests available in 82841 seconds"
    waits = [int(word) for word in text_at(found, "error_message").split() if word.isdigit()]
    return float(waits[-1]) if waits else 60.0


def _api_name(host: str) -> str:
    return host.removesuffix(".com")


def build(config: Config, queries: Queries, http: Client) -> StackExchange:
    """Return the source, ready to be read."""
    return StackExchange(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a question to an imported post."""
    url = need_at(item, "link")
    host = url.split("/")[2] if url.count("/") >= 2 else ""
    return {
        "id": f"stackexchange:{host}/{need_at(item, 'question_id')}",
        "source": f"stackexchange:{host}",
        "url": url,
        "created_at": moment(part_at(item, "creation_date")),
        "title": plain(text_at(item, "title")),
        "text": plain(text_at(item, "body")),
        "author": text_at(item, "owner", "link") or None,
        "engagement": total(number_at(item, "score"), number_at(item, "answer_count")),
    }
