"""What several test folders share: the data beside the checkout, both places a warehouse can be, what was skipped."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.lakes import copy, ready
from warehouse.lake import SETTING

# The same cases every time, and no deadline: a slow machine is not a failure.
settings.register_profile("offscript", derandomize=True, deadline=None, database=None)
settings.load_profile("offscript")

ROOT = Path(__file__).resolve().parents[1]
REQUIRE_ALL = os.environ.get("OFFSCRIPT_REQUIRE_ALL") == "1"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of labelled and real texts that may not be shipped; tests that need it skip without it."""
    folder = Path(os.environ.get("OFFSCRIPT_SHARED", ROOT.parent / "shared"))
    if not (folder / "gold" / "real.jsonl").is_file():
        pytest.skip(f"labelled texts are not at {folder} (set OFFSCRIPT_SHARED)")
    return folder


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue of an empty lake, to be copied."""
    return ready(tmp_path_factory.mktemp("lake"))


@pytest.fixture(params=["file", "lake"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test on a warehouse in one file, and again on a DuckLake."""
    if request.param == "lake":
        made = request.getfixturevalue("empty_lake")
        monkeypatch.setenv(SETTING, f"ducklake:{copy(made, tmp_path)}")
    return str(request.param)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Under OFFSCRIPT_REQUIRE_ALL=1 a skip is a failure: a missing part must not pass for a passing test."""
    outcome = yield
    report = outcome.get_result()
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {reason} (OFFSCRIPT_REQUIRE_ALL=1: nothing may be skipped)"
