"""The client: waits, tries, limits and refusals, against its mock transport and real loopback servers."""

import gzip
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from flows.exchange import BadAnswer, Limits, Pace, RateLimited, Refused, TooLarge, Unavailable, Validators, same_site
from flows.http import Client
from flows.rates import reset_in, retry_after
from tests.flows.sources.standin import NOW, Reply, Site, Time, reset, running, slow, status, truncated

URL = "https://host.example/x"


def mocked(*answers: Any, clock: Time | None = None, **limits: Any) -> tuple[Client, list[httpx.Request]]:
    """Return a client whose transport gives the answers in turn (the last one again and again), and what it asked."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        code, body, headers = (*answer, {}, {})[:3] if isinstance(answer, tuple) else (200, answer, {})
        content = body if isinstance(body, bytes) else str(body or "{}").encode()
        return httpx.Response(code, headers=headers, stream=httpx.ByteStream(content))

    used = clock or Time()
    client = Client(
        "offscript-test (+https://offscript.example)",
        limits=Limits(**limits),
        transport=httpx.MockTransport(handler),
        clock=used.clock,
        sleep=used.sleep,
        now=lambda: NOW,
    )
    return client, asked


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Fri, 20 Nov 2026 12:30:09 GMT", 9.0),
        ("Fri, 20 Nov 2026 12:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    ["90", str(int(NOW.timestamp()) + 90), str(int(NOW.timestamp() + 90) * 1000), "2026-11-20T12:31:30.000Z"],
)
def test_a_reset_is_read_as_seconds_epoch_or_iso(value: str) -> None:
    assert reset_in(value, NOW) == pytest.approx(90)


def test_we_say_who_we_are() -> None:
    client, asked = mocked("{}")
    client.json(URL)
    assert asked[0].headers["user-agent"] == "offscript-test (+https://offscript.example)"


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry-after": "11"}, 11),
        ({"retry-after": "Fri, 20 Nov 2026 12:30:13 GMT"}, 13),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 17)}, 17),
        ({"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "19"}, 19),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-11-20T12:30:23Z"}, 23),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NOW.timestamp()) + 29)}, 29),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "31"}, 31),
    ],
)
@pytest.mark.parametrize("code", [429, 403, 503])
def test_the_wait_is_the_one_the_server_asks_for(code: int, headers: dict[str, str], waited: float) -> None:
    clock = Time()
    client, asked = mocked((code, "{}", headers), "{}", clock=clock)
    client.json(URL)
    assert len(asked) == 2
    assert sum(clock.slept) == pytest.approx(waited)


def test_the_next_request_waits_where_nothing_is_left() -> None:
    clock = Time()
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 40)}
    client, _ = mocked((200, "{}", headers), "{}", clock=clock)
    client.json(URL)
    assert clock.slept == []
    client.json(URL)
    assert sum(clock.slept) == pytest.approx(40)


def test_tries_are_bounded_waits_grow_and_the_last_error_is_raised() -> None:
    clock = Time()
    client, asked = mocked((500, "one"), (502, "two"), (503, "three"), (500, "the last"), clock=clock)
    with pytest.raises(Unavailable, match="HTTP 500 the last"):
        client.request("GET", URL)
    assert len(asked) == 4
    assert len(clock.slept) == 3
    assert clock.slept == sorted(clock.slept)
    assert 7 <= sum(clock.slept) <= 9


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("x")])
def test_troubles_of_the_network_are_tried_again(error: Exception) -> None:
    client, asked = mocked(error, error, "{}")
    assert client.json(URL) == {}
    assert len(asked) == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_a_definite_no_is_not_asked_again(code: int) -> None:
    client, asked = mocked((code, "no"))
    with pytest.raises(Refused) as error:
        client.json(URL)
    assert (error.value.status, len(asked)) == (code, 1)


def test_a_wait_beyond_our_patience_is_raised_and_remembered() -> None:
    clock = Time()
    client, asked = mocked((429, "", {"retry-after": "4000"}), "{}", clock=clock)
    with pytest.raises(RateLimited):
        client.json(URL)
    with pytest.raises(RateLimited):
        client.json(URL)
    assert (len(asked), clock.slept) == (1, [])
    clock.at += 4000
    assert client.json(URL) == {}


def test_a_host_is_asked_at_its_pace_and_another_host_is_not_held_up() -> None:
    clock = Time()
    client, _ = mocked("{}", clock=clock)
    client.pace(URL, Pace(2.0, burst=3))
    for _ in range(6):
        client.json(URL)
    assert clock.at == pytest.approx(6.0), "three at once, then one each two seconds"
    client.json("https://other.example/")
    assert clock.at == pytest.approx(6.0)


def test_a_conditional_request_sends_what_the_answer_gave() -> None:
    client, asked = mocked((200, "{}", {"etag": '"a"', "last-modified": "Thu"}), (304, "", {}))
    answer = client.request("GET", URL)
    assert client.request("GET", URL, validators=answer.validators).unchanged
    assert (asked[1].headers["if-none-match"], asked[1].headers["if-modified-since"]) == ('"a"', "Thu")
    assert "if-none-match" not in asked[0].headers
    client.request("GET", URL, validators=Validators())
    assert "if-none-match" not in asked[2].headers


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("/y", True),
        ("https://host.example/y", True),
        ("https://www.host.example/y", True),
        ("https://evil.example/y", False),
        ("https://host.example.evil.example/", False),
        ("https://host.example:8443/y", False),
        ("http://host.example/y", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("//evil.example/", False),
    ],
)
def test_redirects_stay_on_the_host(target: str, followed: bool) -> None:
    client, asked = mocked((302, "", {"location": target}), "{}")
    if followed:
        assert client.json(URL, headers={"Authorization": "Bearer b"}) == {}
        assert len(asked) == 2
        return
    with pytest.raises(Refused):
        client.json(URL, headers={"Authorization": "Bearer b"})
    assert len(asked) == 1


def test_http_may_become_https_and_circles_end() -> None:
    assert same_site("http://a.example/", "https://a.example/x")
    client, asked = mocked((301, "", {"location": "/again"}))
    with pytest.raises(Refused, match="redirects"):
        client.json(URL)
    assert len(asked) == 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "http://10.0.0.1/"])
def test_private_addresses_are_refused_by_the_real_transport(url: str) -> None:
    client = Client("offscript-test", sleep=lambda _seconds: None)
    with pytest.raises(Refused, match="private address"):
        client.json(url)
    client.close()


def test_a_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mapped = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:192.168.0.1", 80, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: mapped)
    with pytest.raises(Refused, match="private address"):
        Client("offscript-test", sleep=lambda _seconds: None).json("http://looks-public.example/")


def test_bodies_are_bounded_packed_or_not() -> None:
    client, asked = mocked(b"x" * 2001, body=2000)
    with pytest.raises(TooLarge):
        client.request("GET", URL)
    assert len(asked) == 1
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 60_000
    client, _ = mocked((200, bomb, {"content-encoding": "gzip"}), body=1_000_000)
    with pytest.raises(TooLarge):
        client.request("GET", URL)


def test_what_is_packed_is_unpacked_and_broken_packing_is_tried_again() -> None:
    good = gzip.compress(b'{"a": 1}')
    packed = {"content-encoding": "gzip"}
    client, asked = mocked((200, good[:-6], packed), (200, b"not gzip", packed), (200, good, packed))
    assert client.json(URL) == {"a": 1}
    assert len(asked) == 3
    client, _ = mocked((200, good, {"content-encoding": "gzip, gzip"}), tries=1)
    with pytest.raises(BadAnswer, match="not asked for"):
        client.json(URL)


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b"", b'{"a":', b"[" * 100_000])
def test_what_is_not_json_is_tried_again_and_then_said(body: bytes) -> None:
    client, asked = mocked(body, tries=2)
    with pytest.raises(BadAnswer, match="not JSON"):
        client.json(URL)
    assert len(asked) == 2


def test_messages_hold_no_query_and_no_control_characters() -> None:
    client, _ = mocked((404, b"\x1b[31mred"))
    with pytest.raises(Refused) as error:
        client.json(URL, params={"key": "hush"})
    assert "hush" not in str(error.value)
    assert "\x1b" not in str(error.value)


FAULTS: dict[str, Callable[..., Reply]] = {
    "500": status(500),
    "reset": reset,
    "truncated": truncated,
    "slow": slow,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_real_server_in_trouble_is_asked_again(fault: str) -> None:
    site = Site(lambda _site, _request: Reply({"body": "x" * 5000}))
    with running(site):
        clock = Time()
        client = Client(
            "t",
            limits=Limits(read=0.2),
            allow_private=True,
            clock=clock.clock,
            sleep=clock.sleep,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )
        site.faults = [FAULTS[fault]]
        assert len(client.json(site.base)["body"]) == 5000
        assert len(site.log) == 2


def test_many_threads_share_the_pace_of_a_host() -> None:
    clock = Time()
    client, asked = mocked("{}", clock=clock)
    client.pace(URL, Pace(1.0))
    threads = [threading.Thread(target=client.json, args=(URL,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 8
    assert clock.at >= 7
