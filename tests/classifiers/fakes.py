"""A stand-in encoder: deterministic, instant, needs no weights."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifiers.encoder import DIMENSIONS


class WordEncoder:
    """Sums one fixed random direction per word: texts that share words are close."""

    def __init__(self, width: int = DIMENSIONS) -> None:
        self.calls = 0
        self.width = width

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        rows = []
        for text in texts:
            total = np.full(self.width, 1e-3)
            for word in text.lower().split()[:200]:
                total += np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.width)
            rows.append(total / np.linalg.norm(total))
        return np.array(rows, dtype=np.float32)
