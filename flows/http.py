"""The one module that talks HTTP: retries, pacing, limits and refusals are here and nowhere else.

A request is tried a bounded number of times and the last error is raised. How long to wait comes from the server
where it says so (Retry-After, the rate headers of the platforms, a hint in the body) and grows otherwise. A wait
longer than the client's patience is not slept through: it is raised as `RateLimited`, so that the caller can store
where it stands and go on another time.
"""

import random
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from flows.exchange import (
    Answer,
    BadAnswer,
    Limits,
    Pace,
    RateLimited,
    Refused,
    Throttled,
    TooLarge,
    Unavailable,
    Validators,
    failure,
    place,
    same_site,
)
from flows.guard import PublicOnly
from flows.rates import reset_after, wait_after

MAX_REDIRECTS = 4
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_REDIRECT = frozenset({301, 302, 303, 307, 308})


@dataclass
class _Host:
    pace: Pace = field(default_factory=Pace)
    next_at: float = 0.0
    held_until: float = 0.0
    lock: Lock = field(default_factory=Lock)


class Client:
    """Asks hosts politely; safe to share between threads."""

    def __init__(
        self,
        user_agent: str,
        *,
        limits: Limits | None = None,
        transport: httpx.BaseTransport | None = None,
        allow_private: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open a client.

        Args:
            user_agent: who we are, with an address at which an operator can be reached.
            limits: bounds of each request.
            transport: replaces the network, for tests.
            allow_private: also talk to loopback and private addresses.
            clock: seconds that only grow.
            sleep: waits that many seconds.
            now: the time of day, to read dates the server sends.
        """
        self.limits = limits or Limits()
        self.user_agent, self.allow_private = user_agent, allow_private
        self._clock, self._sleep, self._now = clock, sleep, now
        self._hosts: dict[str, _Host] = {}
        self._lock = Lock()
        # Jitter keeps two readers from meeting again at each retry; it need not be unpredictable.
        self._jitter = random.Random(user_agent)  # noqa: S311
        self._http = httpx.Client(
            transport=transport or _transport(allow_private),
            headers={"User-Agent": user_agent, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(self.limits.read, connect=self.limits.connect),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def wait(self, seconds: float) -> None:
        """Wait, as between the tries of a request."""
        self._sleep(seconds)

    def now(self) -> datetime:
        """Return the time of day."""
        return self._now()

    def pace(self, url: str, pace: Pace) -> None:
        """Set how often the host of `url` may be asked."""
        self._host(url).pace = pace

    def hold(self, url: str, seconds: float) -> None:
        """Ask the host of `url` nothing for that many seconds."""
        host = self._host(url)
        with host.lock:
            host.held_until = max(host.held_until, self._clock() + seconds)

    def json(self, url: str, *, throttled: Throttled | None = None, **request: Any) -> Any:  # noqa: ANN401
        """Return the JSON at `url`; an answer that is not JSON counts as a failed try.

        Raises:
            SourceError: as `request`.
        """
        return self.request("GET", url, throttled=throttled, check=Answer.json, **request).json()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        payload: Any = None,  # noqa: ANN401
        validators: Validators | None = None,
        throttled: Throttled | None = None,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """Return the answer (2xx or 304) to a request, tried as often as the limits allow.

        Args:
            method: GET, or POST of a form or of JSON.
            url: an http or https address.
            params: the query, added to that of the address.
            headers: more headers.
            data: form fields of a POST.
            payload: what a POST sends as JSON.
            validators: makes the request conditional.
            throttled: reads from an error answer how long to wait, where the platform says it in the body.
            check: raises `BadAnswer` for an answer that is to be asked for again.

        Raises:
            RateLimited: the server asks for a longer wait than our patience.
            Refused: a definite no, a redirect off the host, a private address.
            TooLarge: the body exceeds the limit.
            Unavailable: the last of all tries failed too.
        """
        sent = dict(headers or {})
        if validators and validators.etag:
            sent["If-None-Match"] = validators.etag
        if validators and validators.last_modified:
            sent["If-Modified-Since"] = validators.last_modified
        last: Unavailable | None = None
        for attempt in range(self.limits.tries):
            wait = self.limits.first_wait * 2**attempt * (1 + self._jitter.random() / 4)
            try:
                answer = self._follow(method, url, params, sent, {"data": data, "json": payload})
                said = wait_after(answer.status, answer.headers, self._now())
                if said is None and throttled and answer.status >= 400:
                    said = throttled(answer)
                if said is None and answer.status < 400:
                    if check and not answer.unchanged:
                        check(answer)
                    self._note_rate(url, answer)
                    return answer
                if said is None and answer.status not in _TRANSIENT:
                    raise Refused(failure(answer), answer.status)
                last = Unavailable(failure(answer))
                wait = wait if said is None else said
            except httpx.TransportError as error:
                last = Unavailable(f"{place(url)}: {type(error).__name__} {error}".rstrip())
            except BadAnswer as error:
                last = error
            if wait > self.limits.patience:
                self.hold(url, wait)
                msg = f"{place(url)}: asks to wait {wait:,.0f} s"
                raise RateLimited(msg, wait)
            self.hold(url, wait)
        raise last or Unavailable(f"{place(url)}: not asked")

    def _host(self, url: str) -> _Host:
        with self._lock:
            return self._hosts.setdefault(urlsplit(url).netloc.lower(), _Host())

    def _turn(self, url: str) -> None:
        """Wait until the host of `url` may be asked again."""
        host = self._host(url)
        with host.lock:
            now = self._clock()
            pace = host.pace
            start = max(now, host.held_until, host.next_at - pace.interval * (pace.burst - 1))
            if start - now > self.limits.patience:
                msg = f"{place(url)}: may be asked again in {start - now:,.0f} s"
                raise RateLimited(msg, start - now)
            host.next_at = max(host.next_at, start) + pace.interval
        if start > now:
            self._sleep(start - now)

    def _note_rate(self, url: str, answer: Answer) -> None:
        """Hold a host whose rate headers say that nothing is left until a reset."""
        seconds = reset_after(answer.headers, self._now())
        if seconds is not None:
            self.hold(url, seconds)

    def _follow(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: dict[str, Any],
    ) -> Answer:
        """Return the answer after redirects that stay on the host."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._exchange(method, url, params, headers, body)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECT or not target:
                return answer
            following = urljoin(answer.url, target)
            if not same_site(answer.url, following):
                msg = f"{place(url)}: redirects to {place(following)}, another host; correct the address"
                raise Refused(msg, answer.status)
            url, params = following, None
        msg = f"{place(url)}: more than {MAX_REDIRECTS} redirects"
        raise Refused(msg)

    def _exchange(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: dict[str, Any],
    ) -> Answer:
        if urlsplit(url).scheme not in {"http", "https"}:
            msg = f"{place(url)}: neither http nor https"
            raise Refused(msg)
        self._turn(url)
        deadline = self._clock() + self.limits.whole
        try:
            with self._http.stream(method, url, params=params or None, headers=dict(headers), **body) as response:
                content = self._body(response, deadline)
                named = {name.lower(): value for name, value in response.headers.items()}
                return Answer(str(response.url), response.status_code, named, content)
        except httpx.InvalidURL as error:
            msg = f"{place(url)}: {error}"
            raise Refused(msg) from error

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        """Return the body unpacked; never more than the limit is held."""
        limit = self.limits.body
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        inflate = _inflater(packing, str(response.url))
        parts: list[bytes] = []
        size = 0
        for chunk in response.iter_raw():
            try:
                part = inflate.decompress(chunk, limit + 1 - size) if inflate else chunk
            except zlib.error as error:
                msg = f"{place(str(response.url))}: {packing} data broken"
                raise BadAnswer(msg) from error
            size += len(part)
            parts.append(part)
            if size > limit:
                msg = f"{place(str(response.url))}: a body of more than {limit:,} bytes"
                raise TooLarge(msg)
            if self._clock() > deadline:
                msg = f"body not whole after {self.limits.whole:,.0f} s"
                raise httpx.ReadTimeout(msg)
        if inflate and size and not inflate.eof:
            msg = f"{place(str(response.url))}: {packing} data cut off"
            raise BadAnswer(msg)
        return b"".join(parts)


def _inflater(packing: str, url: str) -> "zlib._Decompress | None":
    if packing in {"", "identity"}:
        return None
    if packing not in {"gzip", "x-gzip", "deflate"}:
        msg = f"{place(url)}: packed as {packing[:40]!r}, which was not asked for"
        raise BadAnswer(msg)
    return zlib.decompressobj(zlib.MAX_WBITS | 32)


def _transport(allow_private: bool) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport()
    if not allow_private:
        # httpx has no public way to pass a network backend on to its pool.
        transport._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(), network_backend=PublicOnly(), max_connections=20
        )
    return transport
