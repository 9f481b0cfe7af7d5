import json

import pytest

from flows.steps import _card
from tests.conftest import ROOT
from warehouse.present.merging import merging
from warehouse.schema.models import MERGES

CARD = {
    "linking": {
        "quality": {
            "cross_validated": {"texts": 157, "b_cubed_f1": 0.955, "f1_interval": [0.928, 0.979]},
            "look_alikes_test": {
                setting: {
                    "texts": 114,
                    "b_cubed_f1": 0.95,
                    "f1_interval": [0.93, 0.98],
                    "look_alike_pairs": 57,
                    "look_alikes_joined": joined,
                    "joined_interval": [0.0, 0.094],
                }
                for setting, joined in (("tight", 0.0), ("normal", 1.0), ("loose", 2.0))
            },
        }
    }
}


def test_a_setting_is_told_with_its_measured_error() -> None:
    card = json.dumps(CARD)
    normal, loose = merging(card, "normal"), merging(card, "loose")
    assert "B-cubed F1 0.955 (0.928-0.979), cross-validated by event on 157 retellings" in normal
    assert "1 of 57 pairs of look-alike events among these joined (0.0%-9.4%)" in normal
    assert "cross-validated" not in loose
    assert "2 of 57 pairs" in loose


@pytest.mark.parametrize("card", [None, "", "{}", "[]", '{"linking": null}', '{"linking": {"quality": {}}}'])
def test_without_a_measurement_none_is_claimed(card: str | None) -> None:
    assert merging(card, "normal").endswith("its error is not stated.")


def test_the_shipped_card_states_every_setting() -> None:
    assert (ROOT / "classifiers" / "model" / "link_card.json").exists()
    shipped = json.dumps(_card())
    assert all("B-cubed F1" in merging(shipped, setting) for setting in MERGES)
