from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers.features import learn_space, prepare
from classifiers.heads import (
    BARE,
    BARE_EVIDENCE,
    CURVES,
    ORDINALS,
    OUTPUTS,
    ArtefactError,
    Decision,
    Heads,
    load_heads,
    save_heads,
)
from classifiers.sieve import BUCKETS, Sieve
from warehouse.schema import codes
from warehouse.schema.models import Post

DECISION = Decision(
    platt=dict.fromkeys(CURVES, (3.0, 0.0)),
    thresholds=dict.fromkeys(CURVES, 0.5),
    cuts={name: tuple(np.linspace(-0.9, 0.9, top).tolist()) for name, top in ORDINALS.items()}
    | {"evidence": (-0.5, 0.0, 0.5), BARE_EVIDENCE: (0.0,)},
)


def raw(**values: float) -> np.ndarray:
    return np.array([values.get(name, -1.0) for name in OUTPUTS])


def test_every_answer_obeys_the_codebook() -> None:
    generator = np.random.default_rng(0)
    for row in generator.normal(size=(2000, len(OUTPUTS))):
        judged = DECISION.judge(row, bare=False)
        assert (judged.evidence > 0) == (judged.kind in codes.BEHAVIOUR_KINDS)
        assert DECISION.judge(row, bare=True).evidence <= 2
        assert judged.is_strict == (judged.kind in codes.INCIDENT_KINDS and judged.score >= 5)
        if judged.kind not in codes.BEHAVIOUR_KINDS:
            assert judged.evidence == judged.gravity == 0
            assert not judged.behaviours_present
            assert not judged.behaviours_unsure
            assert not any(judged.behaviours.values())
        assert judged.actions == [name for name, p in judged.action_probabilities.items() if p >= 0.5]
        assert list(judged.action_probabilities) == list(codes.ACTION)
        assert not set(judged.behaviours_present) & set(judged.behaviours_unsure)
        assert judged.p_strict == round(judged.p_strict, 4)


@pytest.mark.parametrize(("value", "text", "title"), [(-0.9, 1, 1), (-0.2, 2, 1), (0.2, 3, 2), (0.9, 4, 2)])
def test_a_title_alone_has_degrees_of_evidence_of_its_own(value: float, text: int, title: int) -> None:
    row = raw(strict=1, first_hand=1, evidence=value)
    assert DECISION.judge(row, bare=False).evidence == text
    assert DECISION.judge(row, bare=True).evidence == title


def test_a_strict_post_is_an_incident_even_if_another_kind_scores_higher() -> None:
    judged = DECISION.judge(raw(strict=1, discussion=2, second_hand=1), bare=False)
    assert judged.is_strict
    assert judged.kind == "second_hand"
    assert judged.score >= 5


def test_a_behaviour_just_below_its_threshold_is_unsure() -> None:
    judged = DECISION.judge(raw(first_hand=1, shutdown_tampering=-0.05, alignment_faking=0.5), bare=False)
    assert judged.behaviours_present == ["alignment_faking"]
    assert judged.behaviours_unsure == ["shutdown_tampering"]


def heads() -> Heads:
    states = np.random.default_rng(1).normal(size=(3, 384)).astype(np.float32)
    space = learn_space([prepare(Post(id="a", title="it deleted a file"))] * 3, states, ["r.one"])
    generator = np.random.default_rng(2)
    return Heads(
        space=space,
        support=np.stack([space.place(one) for one in states]).astype(np.float32),
        dual=generator.normal(size=(3, len(OUTPUTS))).astype(np.float32),
        sparse=generator.normal(size=(space.size, len(OUTPUTS))).astype(np.float32),
        bias=np.zeros(len(OUTPUTS), dtype=np.float32),
        decision=DECISION,
        sieve=Sieve(np.arange(BUCKETS, dtype=np.int8), 0.5, np.full((2, 3), 0.5, dtype=np.float16), 0.25),
    )


def test_an_artefact_reads_back_and_the_same_heads_give_the_same_bytes(tmp_path: Path) -> None:
    original = heads()
    assert save_heads(original, tmp_path / "a.npz") == save_heads(original, tmp_path / "b.npz")
    again = load_heads(tmp_path / "a.npz")
    assert again.decision == original.decision
    assert again.space.rules == ("r.one",)
    assert (again.sieve.scale, again.sieve.cut) == (0.5, 0.25)
    assert (again.sieve.weights == original.sieve.weights).all()
    assert (again.sieve.pieces == original.sieve.pieces).all()
    vector = np.ones(384, dtype=np.float32) / np.sqrt(384)
    sparse = original.space.vector(prepare(Post(id="a", title="it deleted a file")), [])
    assert np.allclose(again.read(vector), original.read(vector), atol=0.1)
    assert np.allclose(again.words(sparse), original.words(sparse), atol=0.1)


@pytest.mark.parametrize("content", [None, b"", b"not a zip", b"PK\x03\x04"])
def test_a_broken_artefact_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "heads.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"heads\.npz"):
        load_heads(path)


def test_a_bare_title_has_a_calibration_and_a_threshold_of_its_own() -> None:
    decision = replace(
        DECISION, platt=DECISION.platt | {BARE: (3.0, -3.0)}, thresholds=DECISION.thresholds | {BARE: 0.2}
    )
    row = raw(strict=0.4, first_hand=1)
    text, title = decision.judge(row, bare=False), decision.judge(row, bare=True)
    assert (text.p_strict, text.is_strict) == (pytest.approx(0.7685, abs=1e-4), True)
    assert (title.p_strict, title.is_strict) == (pytest.approx(0.1419, abs=1e-4), False)
    assert decision.judge(raw(strict=0.6, first_hand=1), bare=True).is_strict
