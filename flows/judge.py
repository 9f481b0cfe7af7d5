"""The second judge over the network: off unless an OpenAI-compatible endpoint is set; its word never enters a count.

Its labels stand beside the instrument's, under a name of their own, and are its cache: a text is asked about once.
What it is for is the agreement of the two, which is stored and shown with its interval.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import numpy as np
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from classifiers import judge as rubric
from classifiers.metrics import Figure, cohen_kappa, measured, quadratic_kappa
from flows import progress
from flows.errors import InputError
from flows.exchange import Answer, BadAnswer, Limits, Pace, SourceError
from flows.guard import is_private
from flows.http import Client
from flows.steps import label_row, post_of_row
from warehouse import labels
from warehouse.rows import fetch, merge, transaction
from warehouse.schema import codes
from warehouse.schema.models import LabelLine, Post
from warehouse.schema.tables import TABLES

BATCH: Final = 20
GIVE_UP: Final = 5
"""So many unreadable answers in a row end the run: the model cannot do it."""


class JudgeSettings(BaseSettings):
    """Where the judge is and what it may cost."""

    model_config = SettingsConfigDict(env_prefix="OFFSCRIPT_JUDGE_", env_file=".env", extra="ignore")

    url: str | None = None
    model: str | None = None
    key: SecretStr | None = None
    tokens: int = 500_000


def judge_client(settings: JudgeSettings) -> Client:
    """Return a client for the judge: it may be on this machine, and a model takes its time."""
    client = Client("offscript", limits=Limits(tries=3, patience=60, read=120, whole=300), allow_private=True)
    client.pace(settings.url or "", Pace(interval=0.0))
    return client


@dataclass(frozen=True)
class Judged:
    """What a run of the judge came to; `stopped` says why it ended before its limit, if it did."""

    instrument: str
    asked: int
    stored: int
    unreadable: int
    tokens: int
    stopped: str | None


def judge_pending(
    con: duckdb.DuckDBPyConnection, settings: JudgeSettings, client: Client, *, limit: int, run_id: str
) -> Judged:
    """Ask the judge about reports that the present instrument has judged, at most `limit` of them.

    Half of them are ones the instrument counts as strict, half are others, each in an order that a hash fixes: what
    has been asked is a random part of each, however often the run is stopped. Texts of platforms whose terms do not
    allow machine learning are asked only of a judge on this machine or its network.

    Raises:
        InputError: no endpoint or model is set.
    """
    if not settings.url or not settings.model:
        msg = "no second judge: set OFFSCRIPT_JUDGE_URL and OFFSCRIPT_JUDGE_MODEL (environment or .env)"
        raise InputError(msg)
    name = rubric.instrument(settings.model)
    row = {"instrument": name, "registered_at": datetime.now(UTC), "card": json.dumps({"second_judge": settings.model})}
    with transaction(con):
        merge(con, TABLES["instruments"], [row])
    done: list[dict[str, Any]] = []
    asked = unreadable = tokens = in_a_row = stored = 0
    stopped = None
    try:
        waiting = _waiting(con, name, limit, local=is_private(settings.url))
        with progress.step("judge", len(waiting)) as advance:
            for report in waiting:
                if tokens >= settings.tokens:
                    stopped = f"the budget of {settings.tokens:,} tokens is spent"
                    break
                asked += 1
                try:
                    line, used = _ask(client, settings, post_of_row(report), name)
                    tokens += used
                    in_a_row = 0
                    done.append(label_row(line, report, datetime.now(UTC), run_id))
                except BadAnswer:
                    unreadable += 1
                    in_a_row += 1
                    if in_a_row == GIVE_UP:
                        stopped = f"{GIVE_UP} answers in a row could not be read"
                        break
                except SourceError as error:
                    stopped = _without(str(error), settings.key)
                    break
                if len(done) == BATCH:
                    stored += _store(con, done)
                advance(1)
    finally:
        stored += _store(con, done)
    return Judged(name, asked, stored, unreadable, tokens, stopped)


def _store(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> int:
    with transaction(con):
        changed = labels.store(con, rows)
    rows.clear()
    return changed.inserted


def _waiting(con: duckdb.DuckDBPyConnection, name: str, limit: int, *, local: bool) -> list[dict[str, Any]]:
    """Return reports to ask about: strict and other ones by turns, each in the order of their hash."""
    return fetch(
        con,
        """
        SELECT r.* FROM current_labels l JOIN reports r USING (report_id) LEFT JOIN platforms p USING (platform)
        WHERE l.label_status = 'judged' AND ($3 OR coalesce(p.train, 'unknown') <> 'no')
            AND NOT EXISTS (
                SELECT 1 FROM labels j
                WHERE j.report_id = r.report_id AND j.text_hash = r.text_hash AND j.instrument = $1
            )
        ORDER BY row_number() OVER (PARTITION BY l.is_strict ORDER BY md5(r.report_id)), l.is_strict DESC
        LIMIT $2
        """,
        [name, limit, local],
    )


def _ask(client: Client, settings: JudgeSettings, post: Post, name: str) -> tuple[LabelLine, int]:
    """Return the judge's label and the tokens it took.

    Raises:
        BadAnswer: no try gave an answer that can be read.
        SourceError: as the client's.
    """
    request = {
        "model": settings.model,
        "messages": rubric.messages(post),
        "temperature": 0,
        "seed": 0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "judgement", "strict": True, "schema": rubric.SCHEMA},
        },
    }
    headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
    address = f"{str(settings.url).rstrip('/')}/chat/completions"

    def check(answer: Answer) -> None:
        try:
            rubric.read(_content(answer), post, name)
        except rubric.JudgeError as error:
            raise BadAnswer(str(error)) from error

    answer = client.request("POST", address, headers=headers, payload=request, check=check)
    used = answer.json().get("usage") or {}
    total = used.get("total_tokens") if isinstance(used, dict) else None
    spent = total if isinstance(total, int) else sum(len(part["content"]) for part in rubric.messages(post)) // 4
    return rubric.read(_content(answer), post, name), spent


def _content(answer: Answer) -> str:
    try:
        return str(answer.json()["choices"][0]["message"]["content"])
    except (KeyError, IndexError, TypeError) as error:
        msg = "the judge's answer has no message"
        raise BadAnswer(msg) from error


def _without(text: str, key: SecretStr | None) -> str:
    return text.replace(key.get_secret_value(), "…") if key and key.get_secret_value() else text


def agreement(con: duckdb.DuckDBPyConnection, judge: str, run_id: str) -> dict[str, Figure]:
    """Measure and store how far the present instrument and the judge agree, on the texts both have judged.

    Strict ones were asked about more often than others, so each text weighs what it stands for in the warehouse:
    the number of judged reports of its kind over the number asked about. Kappa is Cohen's (1960), of the scales
    quadratic; intervals are bootstrapped over texts. Empty where nothing was judged by both.
    """
    rows = fetch(
        con,
        """
        SELECT l.instrument, l.is_strict, l.kind, l.evidence, l.score, l.behaviours_present AS behaviours,
               j.is_strict AS j_is_strict, j.kind AS j_kind, j.evidence AS j_evidence, j.score AS j_score,
               j.behaviours_present AS j_behaviours,
               count(*) OVER (PARTITION BY l.is_strict) AS asked,
               (SELECT count(*) FROM current_labels c WHERE c.label_status = 'judged' AND c.is_strict = l.is_strict)
                   AS of_all
        FROM current_labels l
        JOIN labels j ON j.report_id = l.report_id AND j.text_hash = l.text_hash AND j.instrument = ?
        WHERE l.label_status = 'judged' AND j.label_status = 'judged'
        ORDER BY l.report_id
        """,
        [judge],
    )
    if not rows:
        return {}
    weight = np.array([row["of_all"] / row["asked"] for row in rows])
    weight *= len(rows) / weight.sum()
    found = {}
    for name, kind, ours, theirs in _compared(rows):
        truth, said = np.array(ours), np.array(theirs)
        positives = int((truth | said).sum()) if kind == "code" else None
        measure = quadratic_kappa if kind == "scale" else cohen_kappa
        found[name] = measured(measure, truth, said, weight, positives=positives, least=1)
    now = datetime.now(UTC)
    stored = [
        {
            "instrument": rows[0]["instrument"],
            "second_instrument": judge,
            "judged_field": name,
            "kappa": figure.value,
            "kappa_low": figure.low,
            "kappa_high": figure.high,
            "n": figure.n,
            "measured_at": now,
            "run_id": run_id,
        }
        for name, figure in found.items()
    ]
    changing = ("kappa", "kappa_low", "kappa_high", "n", "measured_at", "run_id")
    with transaction(con):
        merge(con, TABLES["agreements"], stored, update=changing)
    return found


def _compared(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str, list[int], list[int]]]:
    """Yield what is compared: its name, whether a code, a choice or a scale, and both sides as whole numbers."""
    order = {code: at for at, code in enumerate(codes.KIND)}

    def both(read: Callable[[dict[str, Any], str], int]) -> tuple[list[int], list[int]]:
        return [read(row, "") for row in rows], [read(row, "j_") for row in rows]

    ours, theirs = both(lambda row, side: int(row[f"{side}is_strict"]))
    yield "is_strict", "code", ours, theirs
    ours, theirs = both(lambda row, side: order[row[f"{side}kind"]])
    yield "kind", "choice", ours, theirs
    for name in ("evidence", "score"):
        ours, theirs = both(lambda row, side, name=name: int(row[f"{side}{name}"] or 0))  # type: ignore[misc]
        yield name, "scale", ours, theirs
    for code in codes.BEHAVIOUR:
        ours, theirs = both(lambda row, side, code=code: int(code in (row[f"{side}behaviours"] or ())))  # type: ignore[misc]
        yield code, "code", ours, theirs
