"""Secrets are searched for in everything a command prints, logs, stores and publishes."""

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from flows import doctor
from flows.cli import main
from flows.sources.registry import SOURCES
from tests.flows.sources import stand_github, stand_reddit, stand_x
from tests.flows.sources.standin import Site, html, posts, running, status

SECRETS = {
    "OFFSCRIPT_AUTHOR_KEY": "authorkey-4f1c9a7e",
    "OFFSCRIPT_GITHUB_TOKEN": "ghp_4f1c9a7e4f1c9a7e4f1c",
    "OFFSCRIPT_REDDIT_CLIENT_ID": "redditid-4f1c9a7e",
    "OFFSCRIPT_REDDIT_CLIENT_SECRET": "redditsecret-4f1c9a7e",
    "OFFSCRIPT_X_BEARER_TOKEN": "xbearer-4f1c9a7e",
    "OFFSCRIPT_BLUESKY_APP_PASSWORD": "bluesky-4f1c9a7e",
    "OFFSCRIPT_MASTODON_TOKEN": "mastodon-4f1c9a7e",
    "OFFSCRIPT_STACKEXCHANGE_KEY": "sekey-4f1c9a7e",
}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OFFSCRIPT_X_MONTHLY_DOLLARS", "1")
    monkeypatch.setenv("OFFSCRIPT_BLUESKY_HANDLE", "someone.example")
    monkeypatch.setenv("OFFSCRIPT_ALLOW_PRIVATE", "true")
    return tmp_path


@pytest.mark.parametrize(("source", "stand"), [("github", stand_github), ("reddit", stand_reddit), ("x", stand_x)])
def test_no_secret_leaves_with_errors_logs_or_files(
    secrets: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str, stand: object
) -> None:
    caplog.set_level(logging.DEBUG)
    with running(Site(stand.answer, posts(5))) as site:  # type: ignore[attr-defined]
        # Errors that repeat what was sent, pages for people, and a server that lets go.
        site.faults = [status(401, {"message": "bad credentials"}), html, status(403), status(400)] * 3
        for field in ("base", "login_base"):
            monkeypatch.setenv(SOURCES[source].setting(field), site.base)
        done = CliRunner().invoke(main, ["collect", source, "--since", "1d", "--db", "x.duckdb"])
    assert f"{source}" in done.output
    told = [done.output, caplog.text, CliRunner().invoke(main, ["sources", "--db", "x.duckdb"]).output]
    files = [path.read_bytes().decode("utf-8", "replace") for path in secrets.rglob("*") if path.is_file()]
    leaked = [name for name, value in SECRETS.items() if any(value in text for text in [*told, *files])]
    assert leaked == []


def test_the_doctor_names_settings_and_shows_none(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SOURCES", {name: SOURCES[name] for name in ("github",)})
    monkeypatch.setenv("OFFSCRIPT_GITHUB_BASE", "http://127.0.0.1:9")
    output = CliRunner().invoke(main, ["doctor", "--db", "x.duckdb"]).output
    assert "github" in output
    assert not [name for name, value in SECRETS.items() if value in output]


def test_a_wrong_value_is_named_by_its_setting_only(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSCRIPT_X_MONTHLY_DOLLARS", "xbearer-4f1c9a7e")
    output = CliRunner().invoke(main, ["sources", "--db", "x.duckdb"]).output
    assert "OFFSCRIPT_X_MONTHLY_DOLLARS" in output
    assert "4f1c9a7e" not in output
