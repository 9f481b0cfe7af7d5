"""The AI Incident Database by its public interface: every incident, read again when it was changed.

Its report texts are not ours to copy; title, description and date of the incidents are under CC BY-SA 4.0.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from flows.exchange import BadAnswer, Pace
from flows.http import Client
from flows.queries import Queries
from flows.sources.base import Ask, Native, Page, Stream
from flows.sources.base import Config as Block
from flows.sources.reading import items_of, need_at, part_at, text_at

NEEDS: tuple[str, ...] = ()
PER_PAGE = 200
_QUERY = (
    "query Incidents($limit: Int, $skip: Int) { incidents(pagination: {limit: $limit, skip: $skip}, "
    "sort: {incident_id: ASC}) { incident_id title description date epoch_date_modified } }"
)


class Config(Block):
    """Settings of this source."""

    base: str = "https://incidentdatabase.ai/api/graphql"


class Aiid:
    """Reads the whole list."""

    step = None
    finest = timedelta(days=1)
    settle = timedelta(0)
    reach = None

    def __init__(self, config: Config, queries: Queries, http: Client) -> None:
        self._base, self._http = config.base, http
        http.pace(config.base, Pace(2.0))

    def streams(self) -> Sequence[Stream]:
        """Return the one stream."""
        return [Stream("incidents", "incidents")]

    def fetch(self, ask: Ask) -> Iterator[Page]:
        """Yield the incidents in the order of their numbers; the list is short and read whole."""
        skip = int(ask.token or 0)
        while True:
            variables = json.dumps({"limit": PER_PAGE, "skip": skip})
            answer = self._http.json(self._base, params={"query": _QUERY, "variables": variables})
            if part_at(answer, "errors"):
                msg = f"aiid: {str(part_at(answer, 'errors'))[:120]}"
                raise BadAnswer(msg)
            items = items_of(answer, "data", "incidents")
            skip += len(items)
            more = len(items) >= PER_PAGE
            yield Page(items, f"incidents to {skip}", next=str(skip) if more else None)
            if not more:
                return


def build(config: Config, queries: Queries, http: Client) -> Aiid:
    """Return the source, ready to be read."""
    return Aiid(config, queries, http)


def to_post(item: Native) -> dict[str, Any]:
    """Map an incident to an imported post; its date is that of the incident, to the day."""
    number = need_at(item, "incident_id")
    return {
        "id": f"aiid:{number}",
        "source": "aiid_incident",
        "url": f"https://incidentdatabase.ai/cite/{number}",
        "created_at": text_at(item, "date") or None,
        "title": text_at(item, "title"),
        "text": text_at(item, "description"),
        "lang": "en",
    }
