"""A lake's files in S3-compatible storage: who this process is there, told by the environment and kept in memory only.

The names are those that every S3 client reads: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION (or AWS_DEFAULT_REGION) and, for storage that is not Amazon's, AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL).
"""

import os
from typing import Final
from urllib.parse import urlsplit

import duckdb

from warehouse.ddl import quote

SCHEMES: Final = ("s3://", "s3a://", "s3n://")
_NAMES: Final = {
    "KEY_ID": ("AWS_ACCESS_KEY_ID",),
    "SECRET": ("AWS_SECRET_ACCESS_KEY",),
    "SESSION_TOKEN": ("AWS_SESSION_TOKEN",),
    "REGION": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}
_ENDPOINT: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def sign_in(con: duckdb.DuckDBPyConnection, data: str) -> bool:
    """Let a connection reach a lake's objects; False where the environment names no key, and SQL has to.

    The secret lives in this connection's memory and for these objects alone.

    Raises:
        ValueError: the values cannot be used; the message holds none of them.
    """
    if not data.startswith(SCHEMES):
        return False
    values = {option: value for option, names in _NAMES.items() if (value := _first(names))}
    if "KEY_ID" not in values or "SECRET" not in values:
        return False
    options = [f"{option} {quote(value)}" for option, value in values.items()]
    if endpoint := _first(_ENDPOINT):
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        # Storage that is not Amazon's seldom has a name for each bucket.
        options += [f"ENDPOINT {quote(parts.netloc + parts.path.rstrip('/'))}", "URL_STYLE 'path'"]
        options += [f"USE_SSL {str(parts.scheme != 'http').lower()}"]
    try:
        con.execute(
            f"CREATE OR REPLACE TEMPORARY SECRET lake_objects (TYPE s3, SCOPE {quote(data)}, {', '.join(options)})"
        )
    except duckdb.Error:
        # Its message may quote the statement.
        told = ", ".join(names[0] for option, names in _NAMES.items() if option in values)
        msg = f"{told}: not what object storage takes"
        raise ValueError(msg) from None
    return True


def _first(names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)
