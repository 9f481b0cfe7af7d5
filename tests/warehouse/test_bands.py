"""A quiet series stays in its band as often as stated, a real jump leaves it, many series at once do not cry wolf."""

import numpy as np
import pytest

from warehouse.trends.bands import LEVEL, band, holm

FLAT = [(10, 7.0)] * 8


def test_a_jump_leaves_the_band_and_an_ordinary_week_does_not() -> None:
    jump, ordinary, fall = (band(FLAT, count, 7.0) for count in (30, 12, 0))
    assert jump is not None
    assert ordinary is not None
    assert fall is not None
    assert jump.p < 1e-4
    assert jump.count > jump.high
    assert ordinary.low <= 12 <= ordinary.high
    assert ordinary.p > 0.3
    assert fall.p < 0.01
    assert jump.mean == pytest.approx(10)


def test_bursts_in_the_past_widen_the_band() -> None:
    bursts = [(1, 7.0), (30, 7.0), (2, 7.0), (3, 7.0), (20, 7.0), (4, 7.0), (18, 7.0), (2, 7.0)]
    found = band(bursts, 30, 7.0)
    assert found is not None
    assert found.dispersion > 5
    assert found.p > 0.01


def test_a_longer_period_is_expected_to_hold_more() -> None:
    found = band(FLAT, 20, 14.0)
    assert found is not None
    assert found.mean == pytest.approx(20)


@pytest.mark.parametrize("history", [[(10, 7.0)] * 5, [(0, 7.0)] * 8, []])
def test_without_enough_history_nothing_is_expected(history: list[tuple[int, float]]) -> None:
    assert band(history, 99, 7.0) is None


@pytest.mark.parametrize("dispersion", [1.0, 4.0])
def test_false_alerts_over_many_series_are_as_rare_as_stated(dispersion: float) -> None:
    generator = np.random.default_rng(7)
    weeks, series, mean, alarms = 400, 10, 20.0, 0
    for _ in range(weeks):
        if dispersion == 1:
            counts = generator.poisson(mean, (series, 27))
        else:
            r = mean / (dispersion - 1)
            counts = generator.negative_binomial(r, r / (r + mean), (series, 27))
        p = {}
        for number, row in enumerate(counts):
            found = band([(int(value), 7.0) for value in row[:-1]], int(row[-1]), 7.0)
            assert found is not None
            p[str(number)] = found.p
        alarms += any(value < 1 - LEVEL for value in holm(p).values())
    # 1 % is stated. The dispersion is estimated from 26 weeks, so somewhat more is met; 4 % would be crying wolf.
    assert alarms / weeks <= 0.04


def test_holm_is_stricter_the_more_is_tested_and_keeps_the_order() -> None:
    adjusted = holm({"a": 0.001, "b": 0.02, "c": 0.04})
    assert adjusted == pytest.approx({"a": 0.003, "b": 0.04, "c": 0.04})
    assert holm({}) == {}
