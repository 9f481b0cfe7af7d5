"""People on a Bluesky of our own: accounts, posts in our own words, deletions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.proof.peers import Bluesky, until

POST = "app.bsky.feed.post"
AT_ONCE = 100
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
AGENTS = ("claude code", "codex", "gemini cli", "opencode", "coding agent")


@dataclass(frozen=True)
class Account:
    """Somebody on the network."""

    did: str
    handle: str
    token: str


@dataclass(frozen=True)
class Written:
    """A post as it was written; `names` says whether it names an agent."""

    key: str
    record: dict[str, Any]
    names: bool


def _tid(microseconds: int) -> str:
    """Return a record key as Bluesky makes them: a time, in 13 digits that sort."""
    number = microseconds << 10
    return "".join(_DIGITS[number >> 5 * place & 31] for place in range(12, -1, -1))


class People:
    """The network's accounts and what they do."""

    def __init__(self, servers: Bluesky) -> None:
        self._pds = httpx.Client(base_url=servers.pds, timeout=60)
        self._appview = httpx.Client(base_url=servers.appview, timeout=60)
        self._keys = 0

    def join(self, name: str) -> Account:
        """Make an account."""
        given = {"handle": f"{name}.test", "email": f"{name}@example.test", "password": f"{name}-password"}
        made = self._post("com.atproto.server.createAccount", given)
        return Account(made["did"], made["handle"], made["accessJwt"])

    def app_password(self, account: Account) -> str:
        """Return a password for programs."""
        made = self._post("com.atproto.server.createAppPassword", {"name": "observatory"}, account)
        return str(made["password"])

    def hide(self, account: Account) -> None:
        """Ask not to be shown to people who are not logged in."""
        labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "!no-unauthenticated"}]}
        profile = {"$type": "app.bsky.actor.profile", "labels": labels}
        given = {"repo": account.did, "collection": "app.bsky.actor.profile", "rkey": "self", "record": profile}
        self._post("com.atproto.repo.putRecord", given, account)

    def write(self, account: Account, count: int, *, end: datetime, gap: timedelta) -> list[Written]:
        """Write posts, the last of them dated `end`; two of three name an agent."""
        posts = [self._compose(end - gap * (count - 1 - n), n) for n in range(count)]
        create = "com.atproto.repo.applyWrites#create"
        writes = [{"$type": create, "collection": POST, "rkey": post.key, "value": post.record} for post in posts]
        for start in range(0, count, AT_ONCE):
            # The next ones are written when these are read, as they would be by people: not all in one second.
            self._apply(account, writes[start : start + AT_ONCE])
            self._await(account, [post.key for post in posts[start : start + AT_ONCE]], shown=True)
        return posts

    def _compose(self, at: datetime, n: int) -> Written:
        self._keys += 1
        key = _tid(int(at.timestamp() * 1e6) + self._keys)
        text = f"my cat slept on keyboard {key} all afternoon \N{CAT FACE}"
        record: dict[str, Any] = {
            "$type": POST,
            "createdAt": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if n % 3:
            text = f"I asked for a summary and {AGENTS[n % len(AGENTS)]} deleted folder {key} without asking"
        if n % 3 and n % 7 == 1:
            # The text shows the link cut short, its whole address stands in a facet.
            shown = "claude.ai/share/8f…"
            start = len(f"{text} ".encode())
            text = f"{text} {shown}"
            link = {"$type": "app.bsky.richtext.facet#link", "uri": f"https://claude.ai/share/8f-{key}"}
            index = {"byteStart": start, "byteEnd": start + len(shown.encode())}
            record["facets"] = [{"index": index, "features": [link]}]
        if n % 10:
            record["langs"] = ["en"]
        return Written(key, {**record, "text": text}, bool(n % 3))

    def delete(self, account: Account, keys: Sequence[str]) -> None:
        """Delete posts."""
        delete = "com.atproto.repo.applyWrites#delete"
        self._apply(account, [{"$type": delete, "collection": POST, "rkey": key} for key in keys])
        self._await(account, keys, shown=False)

    def close(self, account: Account) -> None:
        """Close an account: its posts are no longer shown, and are not deleted one by one."""
        self._post("com.atproto.server.deactivateAccount", {}, account)

    def _await(self, account: Account, keys: Sequence[str], *, shown: bool) -> None:
        """Wait until the AppView has the last of some writes; it takes an account's in their order."""
        uris = [f"at://{account.did}/{POST}/{key}" for key in keys[-25:]]
        wanted = len(uris) if shown else 0
        until(lambda: self._served(uris) == wanted, f"the AppView to have posts of {account.handle}", every=0.2)

    def _served(self, uris: Sequence[str]) -> int:
        answer = self._appview.get("/xrpc/app.bsky.feed.getPosts", params={"uris": uris})
        return len(answer.json()["posts"]) if answer.status_code == 200 else -1

    def _apply(self, account: Account, writes: Sequence[dict[str, Any]]) -> None:
        self._post("com.atproto.repo.applyWrites", {"repo": account.did, "writes": list(writes)}, account)

    def _post(self, method: str, given: dict[str, Any], account: Account | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {account.token}"} if account else {}
        answer = self._pds.post(f"/xrpc/{method}", json=given, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()) if answer.content else {}
