"""Which instrument this is: one identifier for text rule, screen, rules, list of agents, model, thresholds, encoder."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from classifiers.encoder import QUANTIZED_SHA256
from classifiers.features import FEATURES_VERSION
from classifiers.heads import ARTEFACT, MODEL, ArtefactError


def artefact_sha256(path: Path = MODEL / ARTEFACT) -> str:
    """Return the sha256 of the trained artefact (it holds weights and thresholds)."""
    if not path.is_file():
        msg = f"{path} is missing: reinstall offscript, or rebuild it with `offscript train`"
        raise ArtefactError(msg)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def instrument_id(artefact: str) -> str:
    """Return the identifier of the instrument that uses the artefact with this sha256."""
    from classifiers.agents import AGENTS_VERSION
    from classifiers.rules import RULES_VERSION
    from classifiers.screen import SCREEN_VERSION
    from classifiers.text import TEXT_VERSION

    parts = (
        TEXT_VERSION, SCREEN_VERSION, RULES_VERSION, AGENTS_VERSION, FEATURES_VERSION, QUANTIZED_SHA256, artefact
    )  # fmt: skip
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"offscript-{metadata.version('offscript')}-{digest[:8]}"


@cache
def instrument() -> str:
    """Return the identifier of the shipped instrument. Loads no model."""
    return instrument_id(artefact_sha256())
