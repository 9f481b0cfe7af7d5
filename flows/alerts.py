"""Alerts: a webhook or an e-mail when a series leaves its expected band; quiet otherwise.

What went out is noted, so nothing is said twice; what could not be sent is tried again at the next publishing.
"""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Final

import duckdb
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.exchange import Limits, SourceError
from flows.http import Client
from warehouse.rows import transaction
from warehouse.trends.bands import RULE
from warehouse.trends.expectations import Unexpected, expect, mark_told, untold

SUBJECT: Final = "Offscript: a series left its expected band"
_TIMEOUT: Final = 20.0


class AlertSettings(BaseSettings):
    """Where alerts go; none of these set: nowhere."""

    model_config = SettingsConfigDict(env_prefix="OFFSCRIPT_ALERT_", env_file=".env", extra="ignore")

    webhook: SecretStr | None = None
    email: str | None = None
    smtp_host: str = "localhost"
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: bool = True
    sender: str = "offscript@localhost"


def alert(con: duckdb.DuckDBPyConnection, settings: AlertSettings | None = None) -> list[str]:
    """Test the last week, tell what is unexpected, and return what went wrong in telling, without secrets."""
    with transaction(con):
        expect(con)
    to = settings or AlertSettings()
    found = untold(con)
    if not found or not (to.webhook or to.email):
        return []
    failures = []
    if to.webhook:
        failures += _post(to.webhook.get_secret_value(), found)
    if to.email:
        failures += _mail(to, to.email, found)
    if not failures:
        with transaction(con):
            mark_told(con, found)
    return failures


def _post(url: str, found: Sequence[Unexpected]) -> list[str]:
    """Send the alerts as JSON; `text` is what chat services show."""
    client = Client("offscript", limits=Limits(tries=2, read=_TIMEOUT, whole=_TIMEOUT, patience=10), allow_private=True)
    payload = {
        "text": "\n".join([SUBJECT, *(one.sentence for one in found)]),
        "rule": RULE,
        "alerts": [
            {
                "series": one.series,
                "week": one.week.isoformat(),
                "n": one.n,
                "expected": one.mean,
                "band": [one.low, one.high],
                "p_adjusted": one.p_adjusted,
                "tests": one.tests,
            }
            for one in found
        ],
    }
    try:
        client.request("POST", url, payload=payload)
    except SourceError as error:
        # A webhook's address is its password: the host is named, the path is not.
        return [f"webhook: {type(error).__name__}"]
    finally:
        client.close()
    return []


def _mail(to: AlertSettings, address: str, found: Sequence[Unexpected]) -> list[str]:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = SUBJECT, to.sender, address
    message.set_content("\n\n".join([*(one.sentence for one in found), f"The rule: {RULE}."]))
    try:
        with smtplib.SMTP(to.smtp_host, to.smtp_port, timeout=_TIMEOUT) as server:
            if to.smtp_tls:
                server.starttls(context=ssl.create_default_context())
            if to.smtp_user and to.smtp_password:
                server.login(to.smtp_user, to.smtp_password.get_secret_value())
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        return [f"e-mail by {to.smtp_host}:{to.smtp_port}: {type(error).__name__}"]
    return []
