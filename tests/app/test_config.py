"""The dashboard listens to this machine only and tells nobody about its readers."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_loopback_only_and_no_statistics() -> None:
    # Beside the main script, where Streamlit finds it from any folder, also in an installed wheel.
    config = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["headless"] is True
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    # Fonts come with Streamlit or the system: nothing is fetched from elsewhere.
    assert "http" not in str(config)
    assert (ROOT / ".streamlit" / "config.toml").samefile(ROOT / "app" / ".streamlit" / "config.toml")
