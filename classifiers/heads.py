"""From features to a judgement: linear heads, calibration, thresholds, and the codebook's consistency rules.

Inference needs numpy only. The artefact is one `.npz` file (no pickle) with a card beside it.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifiers.features import Space, Sparse
from classifiers.sieve import Sieve
from warehouse.schema import codes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = Path(__file__).parent / "model"
ARTEFACT: Final = "heads.npz"
KINDS: Final = tuple(codes.KIND)
BEHAVIOURS: Final = tuple(codes.BEHAVIOUR)
ACTIONS: Final = tuple(codes.ACTION)
ORDINALS: Final = {"evidence": 4, "gravity": 4, "score": 9}
"""The three ordered scales and their highest value."""
BINARY: Final = ("strict", *BEHAVIOURS, *ACTIONS)
BARE: Final = "strict of a bare title"
"""The strict head's calibration and threshold where a title stands alone: it says less, and says it more plainly."""
CURVES: Final = (*BINARY, BARE)
"""What has a calibration curve and a threshold of its own."""
BARE_EVIDENCE: Final = "evidence of a bare title"
BARE_TOP: Final = 2
"""The most evidence that the codebook grants a title alone (its ruling 1)."""
CUTS: Final = (*ORDINALS, BARE_EVIDENCE)
"""What has cut points of its own."""
OUTPUTS: Final = (*BINARY, *KINDS, *ORDINALS)
STRICT_SCORE: Final = 5
UNSURE_BAND: Final = 0.1
"""A behaviour whose probability lies within this of its threshold is answered `unsure`."""


class ArtefactError(RuntimeError):
    """The trained artefact is missing or broken."""


@dataclass(frozen=True)
class Judgement:
    """What the heads say of one post, consistent with the codebook."""

    kind: str
    p_strict: float
    is_strict: bool
    behaviours: dict[str, float]
    behaviours_present: list[str]
    behaviours_unsure: list[str]
    actions: list[str]
    action_probabilities: dict[str, float]
    evidence: int
    gravity: int
    score: int


@dataclass(frozen=True)
class Decision:
    """How raw outputs become answers: a calibration and a threshold per curve, cut points of the ordered scales."""

    platt: dict[str, tuple[float, float]]
    thresholds: dict[str, float]
    cuts: dict[str, tuple[float, ...]]

    def probability(self, curve: str, raw: float) -> float:
        """Calibrated probability (Platt 1999), to four decimals."""
        import math

        slope, offset = self.platt[curve]
        return round(1 / (1 + math.exp(-max(min(slope * raw + offset, 30.0), -30.0))), 4)

    def strict_threshold(self, *, bare: bool) -> float:
        """Return the `p_strict` from which on a text, or a title that stands alone, is strict."""
        return self.thresholds[BARE if bare else "strict"]

    def judge(self, raw: "NDArray[np.float64]", *, bare: bool) -> Judgement:
        """Turn one row of raw outputs, ordered as `OUTPUTS`, into a judgement; `bare` if there is but a title."""
        import numpy as np

        value = dict(zip(OUTPUTS, raw.tolist(), strict=True))
        p_strict = self.probability(BARE if bare else "strict", value["strict"])
        is_strict = p_strict >= self.strict_threshold(bare=bare)
        kinds = np.array([value[kind] for kind in KINDS])
        if is_strict:
            kinds = np.where([kind in codes.INCIDENT_KINDS for kind in KINDS], kinds, -np.inf)
        kind = KINDS[int(kinds.argmax())]
        scale = {name: sum(value[name] >= cut for cut in self.cuts[name]) for name in ("gravity", "score")}
        # Every event has some evidence; the cuts part its degrees.
        evidence = 1 + sum(value["evidence"] >= cut for cut in self.cuts[BARE_EVIDENCE if bare else "evidence"])
        # Strict means an incident kind and a score of 5 or more, in both directions.
        score = max(scale["score"], STRICT_SCORE) if is_strict else min(scale["score"], STRICT_SCORE - 1)
        eventful = kind in codes.BEHAVIOUR_KINDS
        behaviours = {name: self.probability(name, value[name]) if eventful else 0.0 for name in BEHAVIOURS}
        unsure = [n for n, p in behaviours.items() if eventful and abs(p - self.thresholds[n]) < self._band(n)]
        present = [n for n, p in behaviours.items() if eventful and p >= self.thresholds[n] and n not in unsure]
        acts = {name: self.probability(name, value[name]) for name in ACTIONS}
        return Judgement(
            kind=kind,
            p_strict=p_strict,
            is_strict=is_strict,
            behaviours=behaviours,
            behaviours_present=present,
            behaviours_unsure=unsure,
            actions=[n for n, p in acts.items() if p >= self.thresholds[n]],
            action_probabilities=acts,
            evidence=evidence if eventful else 0,
            gravity=scale["gravity"] if eventful else 0,
            score=score,
        )

    def _band(self, head: str) -> float:
        return min(UNSURE_BAND, self.thresholds[head] / 3)


@dataclass(frozen=True)
class Heads:
    """A kernel machine over what the encoder reads beside linear weights over the sparse space.

    A text counts by its likeness exp(-|x-y|^2) to each text learnt from: `support` holds the places of those, shape
    (texts, components), `dual` their weights, one column per entry of `OUTPUTS`. No words are kept in them, but who
    holds a text can find out whether it was learnt from; the shipped labels name those anyway. `sparse` has shape
    (space size, outputs), `bias` (outputs,). The sieve stands before them.
    """

    space: Space
    support: "NDArray[np.float32]"
    dual: "NDArray[np.float32]"
    sparse: "NDArray[np.float32]"
    bias: "NDArray[np.float32]"
    decision: Decision
    sieve: Sieve

    def read(self, vector: "NDArray[np.float32]") -> "NDArray[np.float64]":
        """Return what an encoder vector gives to each output, with the bias: shape (outputs,)."""
        import numpy as np

        alike = likeness(self.space.place(vector)[None], self._support)[0]
        return np.asarray(self.bias + alike @ self.dual, dtype=np.float64)

    def words(self, sparse: Sparse) -> "NDArray[np.float64]":
        """Return what words, rules and shape give to each output, shape (outputs,)."""
        import numpy as np

        return np.asarray(sparse.values @ self.sparse[sparse.indices], dtype=np.float64)

    @cached_property
    def _support(self) -> "Support":
        return Support.of(self.support)


@dataclass(frozen=True)
class Support:
    """Places that others are compared with, and their squared lengths, worked out once."""

    places: "NDArray[np.float64]"
    lengths: "NDArray[np.float64]"

    @classmethod
    def of(cls, places: "NDArray[np.float32] | NDArray[np.float64]") -> "Support":
        """Prepare places, shape (places, components)."""
        import numpy as np

        exact = places.astype(np.float64)
        return cls(exact, (exact**2).sum(axis=1))


def likeness(some: "NDArray[np.float64]", support: Support) -> "NDArray[np.float64]":
    """Return the Gaussian kernel exp(-|x-y|^2) of places, shape (some, places of the support)."""
    import numpy as np

    apart = (some**2).sum(axis=1)[:, None] + support.lengths - 2 * some @ support.places.T
    return np.asarray(np.exp(-np.maximum(apart, 0)))


def save_heads(heads: Heads, path: Path) -> str:
    """Write the artefact and return its sha256; sparse weights are stored in 8 bits a number, scaled per output."""
    import numpy as np

    scale = np.maximum(np.abs(heads.sparse).max(axis=0), 1e-12) / 127
    decision = heads.decision
    arrays: dict[str, NDArray[np.generic]] = {
        "outputs": np.array(OUTPUTS),
        "rules": np.array(heads.space.rules, dtype=np.str_),
        "idf": heads.space.idf.astype(np.float16),
        "projection": heads.space.projection.astype(np.float16),
        "centre": heads.space.centre,
        "support": heads.support.astype(np.float16),
        "dual": heads.dual,
        "sparse": np.rint(heads.sparse / scale).astype(np.int8),
        "sparse_scale": scale.astype(np.float32),
        "bias": heads.bias,
        "platt": np.array([decision.platt[name] for name in CURVES]),
        "sieve": heads.sieve.weights,
        "sieve_pieces": heads.sieve.pieces,
        "sieve_scale": np.array([heads.sieve.scale, heads.sieve.cut]),
        "thresholds": np.array([decision.thresholds[name] for name in CURVES]),
        **{f"cuts_{name}": np.array(decision.cuts[name]) for name in CUTS},
    }
    _write_npz(path, arrays)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_npz(path: Path, arrays: "dict[str, NDArray[np.generic]]") -> None:
    """Like numpy.savez_compressed with a fixed date in the archive, so that the same arrays give the same bytes."""
    import numpy as np

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, buffer.getvalue())


def load_heads(path: Path = MODEL / ARTEFACT) -> Heads:
    """Read an artefact written by `save_heads`."""
    import numpy as np

    if not path.is_file():
        msg = f"{path} is missing: reinstall offscript, or rebuild it with `offscript train`"
        raise ArtefactError(msg)
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in file.files}
        if tuple(data["outputs"].tolist()) != OUTPUTS:
            msg = f"{path} was trained for other outputs: rebuild it with `offscript train`"
            raise ArtefactError(msg)
        decision = Decision(
            platt={name: (float(a), float(b)) for name, (a, b) in zip(CURVES, data["platt"], strict=True)},
            thresholds=dict(zip(CURVES, data["thresholds"].tolist(), strict=True)),
            cuts={name: tuple(data[f"cuts_{name}"].tolist()) for name in CUTS},
        )
        scale, cut = map(float, data["sieve_scale"])
        heads = Heads(
            space=Space(
                tuple(data["rules"].tolist()),
                *(data[name].astype(np.float32) for name in ("idf", "projection", "centre")),
            ),
            support=data["support"].astype(np.float32),
            dual=data["dual"],
            sparse=data["sparse"].astype(np.float32) * data["sparse_scale"],
            bias=data["bias"],
            decision=decision,
            sieve=Sieve(data["sieve"], scale, data["sieve_pieces"], cut),
        )
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        msg = f"{path} is not an artefact of this version: {error}"
        raise ArtefactError(msg) from error
    if heads.sparse.shape != (heads.space.size, len(OUTPUTS)):
        msg = f"{path} was trained on other features: rebuild it with `offscript train`"
        raise ArtefactError(msg)
    return heads
