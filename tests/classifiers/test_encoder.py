"""The encoder in 8 bits reads as the whole one does, and only from the weights this version was trained with."""

import json
from pathlib import Path

import numpy as np
import pytest

from classifiers import encoder, train
from classifiers.encoder import DIMENSIONS, WIDTH, QuantizedMiniLM, WeightsError, default_encoder, label_encoder


def texts() -> list[str]:
    rows = [json.loads(line) for line in train.WRITTEN.read_text("utf-8").splitlines()]
    return [f"{row['title']}. {row['text']}" for row in rows[::12]]


def test_eight_bits_read_nearly_as_the_whole_weights_do() -> None:
    states, whole = label_encoder().encode(texts()), default_encoder().encode(texts())
    assert states.shape == (len(texts()), DIMENSIONS)
    assert whole.shape == (len(texts()), WIDTH)
    last = states[:, -WIDTH:]
    cosines = (last / np.linalg.norm(last, axis=1, keepdims=True) * whole).sum(axis=1)
    assert cosines.min() > 0.96
    assert np.median(cosines) > 0.985


def test_a_text_is_read_alone_whatever_stands_beside_it() -> None:
    together = label_encoder().encode(texts())
    assert np.array_equal(together[3], label_encoder().encode([texts()[3]])[0])
    assert label_encoder().encode([]).shape == (0, DIMENSIONS)


def test_a_text_is_cut_where_the_model_stops_reading() -> None:
    one, other = label_encoder().encode(["deleted " * 300, "deleted " * 300 + "and then it lied"])
    assert np.array_equal(one, other)


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "QUANTIZED", tmp_path / "encoder.onnx")
    with pytest.raises(WeightsError, match="is missing: reinstall offscript"):
        QuantizedMiniLM()
    (tmp_path / "encoder.onnx").write_bytes(b"others")
    with pytest.raises(WeightsError, match="expected"):
        QuantizedMiniLM()
