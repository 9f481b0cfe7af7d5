import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.audit import audited, drift, faults_of, licences, locked, look_up


def test_a_package_that_was_not_looked_up_was_not_checked() -> None:
    """pip-audit says "no known vulnerabilities" and exits 0 where its index knows none of the packages."""
    skipped = {"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}]}
    part = audited(json.dumps(skipped), "")
    assert (part.state, part.told) == (
        "unchecked",
        "1 of 2 packages looked up; the index knows nothing of the others (b, …)",
    )
    assert audited("", "no route to host").told == "no route to host"
    assert audited(json.dumps({"dependencies": skipped["dependencies"][:1]}), "").state == "ok"
    fault = {"id": "PYSEC-1", "fix_versions": ["2"]}
    bad = audited(json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": [fault]}]}), "")
    assert bad.state == "found"
    assert "a 1: PYSEC-1, mended in 2" in bad.told


def entry(*events: dict[str, str], **more: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "Some_Package"}
    return {"id": "X-1", "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}]} | more  # fmt: skip


@pytest.mark.parametrize(
    ("held", "hit"), [("0.9", False), ("1.0", True), ("1.9.9", True), ("2.0", False), ("3.1", True), ("3.2", False)]
)
def test_an_entry_of_the_database_names_the_versions_it_concerns(held: str, hit: bool) -> None:
    told = entry({"introduced": "1.0"}, {"fixed": "2.0"}, {"introduced": "3.0"}, {"last_affected": "3.1"})
    assert bool(list(faults_of(told, {"some-package": held}))) is hit
    assert list(faults_of(told | {"withdrawn": "2026-01-01"}, {"some-package": held})) == []


def test_a_copy_of_the_database_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("X-1.json", json.dumps(entry({"introduced": "0"})))
    assert look_up(tmp_path / "all.zip", {"some-package": "1.0"}).told.splitlines()[1] == "some-package 1.0: X-1"
    assert look_up(tmp_path / "all.zip", {"other": "1.0"}).state == "ok"


def test_the_lock_is_what_is_listed() -> None:
    wanted = locked()
    assert {"duckdb", "prefect", "streamlit", "torch"} <= set(wanted)
    assert wanted["torch"] == "2.13.0"
    assert drift({"duckdb": "0.0.1", "no-such-package": "1"}) == [
        "duckdb 0.0.1: " + wanted["duckdb"],
        "no-such-package 1: not installed",
    ]
    part, page = licences({"duckdb": wanted["duckdb"], "no-such-package": "1"})
    assert part.state == "found"
    assert f"| duckdb | {wanted['duckdb']} | MIT" in page
