"""A wheel built from the tree, installed alone in an empty environment elsewhere, runs the sample."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        pytest.fail(f"the wheel does not build:\n{built.stderr[-2000:]}")
    return next(out.glob("*.whl"))


def test_the_wheel_holds_all_it_needs_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "warehouse/sample/record.jsonl",
        "warehouse/migrations/0001_first.sql",
        "warehouse/funnel.sql",
        "warehouse/figures/field_counts.csv",
        "classifiers/model/card.json",
        "classifiers/rules/screen.toml",
        "app/main.py",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_wheel_runs_the_sample_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        pytest.skip("uv is not in the environment (make env installs it)")
    venv = tmp_path / "venv"
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VIRTUAL_ENV", "PYTHON", "PREFECT", "OFFSCRIPT"))
    }
    wheels = env.get("PIP_FIND_LINKS", "")
    torch_from = [] if wheels and Path(wheels).is_dir() else ["--torch-backend=cpu"]
    if wheels and Path(wheels).is_dir():
        env["UV_FIND_LINKS"] = wheels
    env["PREFECT_HOME"] = str(tmp_path / "prefect")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True, env=env)
    into = ["--python", str(venv / "bin" / "python"), "--constraint", str(ROOT / "requirements.lock")]
    installed = subprocess.run(
        [uv, "pip", "install", "--quiet", *into, *torch_from, "torch==2.13.0", str(wheel)],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr[-2000:]
    ran = subprocess.run(
        [str(venv / "bin" / "offscript"), "run", "--sample", "--db", str(tmp_path / "x.duckdb")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=env,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "a collection, not a measurement" in ran.stdout
    assert (tmp_path / "x.snapshots" / "current").exists()
