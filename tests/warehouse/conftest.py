"""Both places a warehouse can be, for the tests that are to hold in both."""

from pathlib import Path

import pytest

from tests.lakes import copy, ready
from warehouse.lake import SETTING


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
