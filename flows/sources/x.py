"""X by its API v2 search, with a money guard: posts are counted first, and the month's budget is never passed.

Every post read costs money. What was spent is kept with the cursor, in the transaction that stores the page, so that a
restart does not forget it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from pydantic import Field, SecretStr

from flows.exchange import BadAnswer, Pace, Refused
from flows.http import Client
from flows.queries import Grammar, Queries, any_of, crossed
from flows.slices import Window
from flows.sources.base import Ask, Count, Native, Page, Stream, secret
from flows.sources.base import Config as Block
from flows.sources.reading import iso, items_of, need_at, number_at, part_at, text_at, total

NEEDS: tuple[str, ...] = ("bearer_token", "monthly_dollars")
POST_PRICE = 0.005
COUNT_PRICE = {"recent": 0.005, "all": 0.010}
MOST = {"recent": 100, "all": 500}
FEWEST = 10
LONGEST = 512
_SUFFIX = " -is:retweet"
_FIELDS = "created_at,lang,author_id,public_metrics,note_tweet,entities"
IDS_AT_ONCE = 100


class Config(Block):
    """Settings of this source: a token and the dollars a month may cost; `archive` reads beyond seven days."""

    base: str = "https://api.x.com/2"
    bearer_token: SecretStr | None = None
    monthly_dollars: float = Field(0.0, ge=0)
    archive: bool = False
    recheck: int = Field(100, ge=0)


class X:
    """Reads one stream: all queries, one after the other, so that one cursor holds what was spent."""

    step = timedelta(days=1)
    finest = timedelta(hours=1)
    settle = timedelta(minutes=10)

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._config, self._http, self._queries = config, http, queries
        self.recheck_limit = config.recheck
        self._access = "all" if config.archive else "recent"
        self.reach = None if config.archive else timedelta(days=7) - timedelta(minutes=5)
        grammar = Grammar(longest=LONGEST - len(_SUFFIX))
        acts = (*queries.acts, *queries.reactions)
        searches = crossed(queries.agents, acts, grammar)
        searches.append(any_of(tuple(f"url:{link}" for link in queries.share_links), grammar))
        # Control kinds are only counted; the searches are read.
        self._asked: list[tuple[str | None, str]] = [
            (control, any_of(terms, grammar) + _SUFFIX) for control, terms in queries.controls.items()
        ]
        self._asked += [(None, query + _SUFFIX) for query in searches]
        http.pace(config.base, Pace(1.0, burst=1))

    def streams(self) -> Sequence[Stream]:
        """Return the one stream."""
        return [Stream("search", self._queries.version)]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a span's posts, query by query: first the count, then, where the budget allows it, the posts.

        Raises:
            Refused: the posts of the next query would pass the budget.
        """
        number, _, token = (ask.token or "0|").partition("|")
        month, spent = self._spent(ask.note)
        for index in range(int(number), len(self._asked)):
            control, query = self._asked[index]
            after = f"{index + 1}|" if index + 1 < len(self._asked) else None
            if not token:
                self._afford(spent, COUNT_PRICE[self._access], "a count")
                counts = self._count(query, ask.window, control or "")
                posts = sum(count.posts or 0 for count in counts)
                spent += COUNT_PRICE[self._access]
                token = "" if control or not posts else f"first:{posts}"
                yield Page(
                    (),
                    f"counts {index}",
                    next=f"{index}|{token}" if token else after,
                    note={month: f"{spent:.4f}"},
                    counts=[count for count in counts if control and count.window.hours == 1],
                )
            while token:
                if token.startswith("first:"):
                    self._afford(spent, int(token[6:]) * POST_PRICE, f"{token[6:]} posts of query {index}")
                found, token = self._page(query, ask.window, token, spent)
                spent += len(found) * POST_PRICE
                follows = f"{index}|{token}" if token else after
                yield Page(found, f"search {index}", next=follows, note={month: f"{spent:.4f}"})

    def reserve(self, wanted: int, note: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        """Return how many of so many posts may be asked for again, and the note with all of them paid."""
        month, spent = self._spent(note)
        number = min(wanted, max(int((self._config.monthly_dollars - spent + 1e-9) / POST_PRICE), 0))
        return number, {**note, month: f"{spent + number * POST_PRICE:.4f}"}

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each post is still served; each one found costs as much as reading it."""
        known: dict[str, bool] = {}
        for start in range(0, len(given_ids), IDS_AT_ONCE):
            some = {given.rpartition(":")[2]: given for given in given_ids[start : start + IDS_AT_ONCE]}
            answer = self._get("tweets", {"ids": ",".join(some)})
            served = {text_at(item, "id") for item in _posts(answer)}
            lost = {
                text_at(error, "resource_id") or text_at(error, "value")
                for error in (items_of(answer, "errors") if part_at(answer, "errors") is not None else [])
            }
            known |= {given: native in served for native, given in some.items() if native in served | lost}
        return known

    def _spent(self, note: Mapping[str, str]) -> tuple[str, float]:
        """Return the name under which this month's money is noted, and how much of it is spent."""
        month = f"spent {self._http.now():%Y-%m}"
        return month, float(note.get(month, 0.0))

    def _afford(self, spent: float, more: float, what: str) -> None:
        if spent + more > self._config.monthly_dollars + 1e-9:
            msg = (
                f"x: {what} would cost ${more:,.2f}; ${spent:,.2f} of the month's "
                f"${self._config.monthly_dollars:,.2f} are spent (OFFSCRIPT_X_MONTHLY_DOLLARS)"
            )
            raise Refused(msg, 402)

    def _count(self, query: str, window: Window, control: str) -> list[Count]:
        """Return the posts of a query by hour."""
        answer = self._get(f"tweets/counts/{self._access}", {"query": query, "granularity": "hour", **_span(window)})
        hours = []
        for hour in items_of(answer, "data") if part_at(answer, "data") is not None else []:
            posts = number_at(hour, "tweet_count")
            posts = number_at(hour, "post_count") if posts is None else posts
            if posts is None:
                msg = "x: an hour of the answer has no count"
                raise BadAnswer(msg)
            span = Window(_time(need_at(hour, "start")), _time(need_at(hour, "end")))
            hours.append(Count(control, span, posts, "count endpoint"))
        return hours

    def _page(self, query: str, window: Window, token: str, spent: float) -> tuple[list[Native], str]:
        left = int((self._config.monthly_dollars - spent + 1e-9) / POST_PRICE)
        # A page may not cost more than is left, and may not be smaller than X allows.
        size = min(MOST[self._access], left)
        self._afford(spent, max(size, FEWEST) * POST_PRICE, f"a page of {FEWEST} posts")
        params = {"query": query, "max_results": size, "tweet.fields": _FIELDS, **_span(window)}
        if not token.startswith("first:"):
            params["next_token"] = token
        answer = self._get(f"tweets/search/{self._access}", params)
        return _posts(answer), text_at(answer, "meta", "next_token")

    def _get(self, path: str, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {secret(self._config.bearer_token)}"}
        return self._http.json(f"{self._config.base}/{path}", params=params, headers=headers)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"x: {text[:40]!r} is not a time"
        raise BadAnswer(msg) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _posts(answer: object) -> list[Native]:
    # Without results X leaves the list out.
    return items_of(answer, "data") if part_at(answer, "data") is not None else []


def _span(window: Window) -> dict[str, str]:
    return {"start_time": iso(window.start), "end_time": iso(window.end)}


def build(config: Config, queries: Queries, http: Client) -> X:
    """Return the source, ready to be read.

    Raises:
        Refused: a token or a budget is missing.
    """
    if not config.bearer_token or not config.monthly_dollars:
        msg = "x: a token or a monthly budget is missing"
        raise Refused(msg)
    return X(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a post to an imported post; a long one has its whole text in `note_tweet` (or `note_post`).

    X writes `&`, `<` and `>` in texts as entities of HTML, without being HTML.
    """
    native = need_at(item, "id")
    text = text_at(item, "note_tweet", "text") or text_at(item, "note_post", "text") or text_at(item, "text")
    metrics = ("like_count", "retweet_count", "repost_count", "reply_count", "quote_count")
    return {
        "id": f"x:{native}",
        "source": "x",
        "url": f"https://x.com/i/status/{native}",
        "created_at": need_at(item, "created_at"),
        "title": "",
        "text": unescape(text),
        "lang": text_at(item, "lang") or None,
        "author": text_at(item, "author_id") or None,
        "engagement": total(*(number_at(item, "public_metrics", name) for name in metrics)),
    }
