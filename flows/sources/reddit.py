"""Reddit by its own interface (praw): the newest posts of a list of communities. Needs approved credentials.

A listing hands over about 1,000 posts and cannot be asked for a span: a community busier than that between two runs
is marked as capped.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from flows.exchange import Answer, BadAnswer, Pace, Refused, SourceError, Unavailable
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, BadItem, Native, Page, Stream, secret
from flows.sources.base import Config as Block
from flows.sources.reading import items_of, moment, need_at, number_at, part_at, text_at, total, walk
from flows.sources.sift import Sift

if TYPE_CHECKING:
    import praw
    import requests

NEEDS: tuple[str, ...] = ("client_id", "client_secret")
PER_PAGE = 100
REACH = 10
# Compared with whatever a payload holds, which need not be text.
_GONE = ("[deleted]", "[removed]")


class Config(Block):
    """Settings of this source: the credentials of an approved application."""

    base: str = "https://oauth.reddit.com"
    login_base: str = "https://www.reddit.com"
    client_id: str = ""
    client_secret: SecretStr | None = None
    user_agent: str = "python:offscript:0.1 (research; public posts)"


class Reddit:
    """Reads one stream for each community."""

    step = None
    finest = timedelta(days=1)
    settle = timedelta(minutes=10)
    reach = None
    recheck_limit = 1000

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self.census = Sift(queries)
        self._config, self._queries, self._http = config, queries, http
        self._opened: praw.Reddit | None = None
        # 100 requests a minute are allowed.
        http.pace(config.base, Pace(0.7, burst=5))

    def streams(self) -> Sequence[Stream]:
        """Return one stream for each community."""
        return [Stream(f"r/{name}", name) for name in self._queries.subreddits]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield a community's posts, newest first, until the span is left behind."""

        def get(token: str | None) -> tuple[list[Native], str | None, str]:
            count, _, after = (token or "0:").partition(":")
            params = {"limit": PER_PAGE, "raw_json": 1, **({"after": after} if after else {})}
            answer = self._ask(f"r/{ask.stream.query}/new", params)
            found = [_data(child) for child in items_of(answer, "data", "children")]
            following = text_at(answer, "data", "after")
            place = f"r/{ask.stream.query}/new after {after}"
            return found, f"{int(count) + 1}:{following}" if following else None, place

        begun = int((ask.token or "0:").partition(":")[0])
        return walk(ask, get, to_post, reach=max(REACH - begun, 1))

    def lookup(self, given_ids: Sequence[str]) -> Mapping[str, Native | None]:
        """Return each post, None for one that its author or the community has taken away."""
        found: dict[str, Native | None] = {}
        for start in range(0, len(given_ids), PER_PAGE):
            some = {_fullname(given): given for given in given_ids[start : start + PER_PAGE]}
            answer = self._ask("api/info", {"id": ",".join(some), "raw_json": 1})
            posts = {text_at(post, "name"): post for post in map(_data, items_of(answer, "data", "children"))}
            found |= {
                given: posts[name] if name in posts and not _gone(posts[name]) else None for name, given in some.items()
            }
        return found

    def still_public(self, given_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return whether each post is still shown, by its author and by the community."""
        return {given: post is not None for given, post in self.lookup(given_ids).items()}

    def _ask(self, path: str, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
        from prawcore.exceptions import PrawcoreException, RequestException

        try:
            return self._praw().request(method="GET", path=path, params=dict(params))
        except RequestException as error:
            # What our own client raised comes wrapped.
            if isinstance(error.original_exception, SourceError):
                raise error.original_exception from error
            msg = f"reddit: {error}"
            raise Unavailable(msg) from error
        except (PrawcoreException, AttributeError, KeyError, TypeError, ValueError) as error:
            # praw takes the shape of an answer for granted.
            msg = f"reddit: {type(error).__name__} {error}"
            raise BadAnswer(msg) from error

    def _praw(self) -> "praw.Reddit":
        if self._opened is None:
            import praw

            self._opened = praw.Reddit(
                client_id=self._config.client_id,
                client_secret=secret(self._config.client_secret),
                user_agent=self._config.user_agent,
                oauth_url=self._config.base,
                reddit_url=self._config.login_base,
                check_for_updates=False,
                requestor_kwargs={"session": _Session(self._http)},
            )
            self._opened.read_only = True
        return self._opened


class _Session:
    """What praw takes for a requests session: every request goes through our client, its retries and limits."""

    def __init__(self, http: Client) -> None:
        self._http = http
        self.headers: dict[str, str] = {}

    def request(self, method: str, url: str, **given: Any) -> "requests.Response":  # noqa: ANN401
        import requests
        from requests.structures import CaseInsensitiveDict

        prepared = requests.Request(method, url, auth=given.get("auth")).prepare()
        headers = {**self.headers, **dict(prepared.headers), **(given.get("headers") or {})}
        data = given.get("data")
        answer = self._http.request(
            method,
            url,
            params=given.get("params"),
            headers={name: value for name, value in headers.items() if name != "Content-Length"},
            data=dict(data) if data else None,
            check=_object,
        )
        response = requests.Response()
        response.status_code, response.url = answer.status, answer.url
        response.headers = CaseInsensitiveDict(answer.headers)
        response._content = answer.body
        return response

    def close(self) -> None:
        """Do nothing: the client is closed by who opened it."""


def _object(answer: Answer) -> None:
    """Refuse what praw would stumble over: every answer of Reddit is an object.

    Raises:
        BadAnswer: it is not.
    """
    if not isinstance(answer.json(), dict):
        msg = "reddit: the answer is no object"
        raise BadAnswer(msg)


def _data(child: object) -> Native:
    found = part_at(child, "data")
    return found if isinstance(found, dict) else {"value": found}


def _fullname(given: str) -> str:
    native = given.rpartition(":")[2]
    return native if native.startswith("t1_") else f"t3_{native}"


def _gone(post: Native) -> bool:
    removed = part_at(post, "removed_by_category") is not None
    return removed or any(part_at(post, name) in _GONE for name in ("author", "selftext", "body"))


def build(config: Config, queries: Queries, http: Client) -> Reddit:
    """Return the source, ready to be read.

    Raises:
        Refused: credentials are missing.
    """
    if not config.client_id or not config.client_secret:
        msg = "reddit: credentials are missing"
        raise Refused(msg)
    return Reddit(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map a submission or comment, from the interface or from a dump, to an imported post."""
    native = need_at(item, "id")
    community = text_at(item, "subreddit")
    comment = "body" in item and "title" not in item
    if _gone(item) and not text_at(item, "title"):
        raise BadItem("missing_field", "deleted or removed at its source")
    link = text_at(item, "permalink") or f"/r/{community}/comments/{native}/"
    text = text_at(item, "body" if comment else "selftext")
    address = "" if part_at(item, "is_self") is not False or comment else text_at(item, "url")
    author = text_at(item, "author")
    seconds = part_at(item, "created_utc")
    return {
        # Submissions and comments are asked for under different names.
        "id": f"reddit:t1_{native}" if comment else f"reddit:{native}",
        "source": f"reddit:r/{community}",
        "url": f"https://www.reddit.com{link}",
        "created_at": moment(seconds),
        "title": "" if comment else text_at(item, "title"),
        "text": "\n\n".join(piece for piece in ("" if text in _GONE else text, address) if piece),
        "author": author if author and author not in _GONE else None,
        "engagement": total(number_at(item, "score"), number_at(item, "num_comments")),
    }
