import json
import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.rates import confint_poisson

from warehouse.trends.statistics import (
    DISPERSIONS,
    RateRatio,
    format_interval,
    format_rate_ratio,
    poisson_interval,
    rate_ratio,
    ratio_of_ratios,
    wilson_interval,
)

COUNTS = st.integers(1, 5000)
EXPOSURES = st.floats(0.01, 1000)


def ends(found: RateRatio) -> tuple[float, float]:
    assert found.exact.low is not None
    assert found.exact.high is not None
    return found.exact.low, found.exact.high


def test_the_published_study_65_to_319() -> None:
    found = rate_ratio(65, 319)
    assert found.ratio == pytest.approx(4.91, abs=0.005)
    assert ends(found) == pytest.approx((3.75, 6.51), abs=0.005)
    assert found.exact.p is not None
    assert found.exact.p < 1e-30
    assert [item.dispersion for item in found.over_dispersed] == list(DISPERSIONS)
    four = found.over_dispersed[2]
    assert (four.low, four.high) == pytest.approx((2.88, 8.37), abs=0.005)


def test_a_stated_dispersion_gives_one_interval() -> None:
    found = rate_ratio(65, 319, dispersion=4)
    assert [item.dispersion for item in found.over_dispersed] == [4]
    assert not any("assumptions" in note for note in found.notes)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (3, 9), (65, 319), (200, 20), (100_000, 101_000)])
def test_the_exact_interval_is_scipys_binomial_one(before: int, after: int) -> None:
    share = stats.binomtest(after, before + after).proportion_ci(method="exact")
    low, high = ends(rate_ratio(before, after))
    assert low == pytest.approx(share.low / (1 - share.low))
    assert high == pytest.approx(share.high / (1 - share.high))


@pytest.mark.filterwarnings("ignore")  # Two points and two parameters fit perfectly: meant here.
def test_the_over_dispersed_interval_is_that_of_a_quasi_poisson_regression() -> None:
    counts, exposure, dispersion = [65, 319], (31.0, 28.0), 2.9
    model = sm.GLM(counts, [[1, 0], [1, 1]], family=sm.families.Poisson(), exposure=np.array(exposure))
    fit = model.fit(scale=dispersion)
    low, high = np.exp(fit.conf_int()[1])
    (found,) = rate_ratio(65, 319, exposure=exposure, dispersion=dispersion).over_dispersed
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(fit.pvalues[1])


@given(COUNTS, COUNTS, EXPOSURES, EXPOSURES)
def test_swapping_before_and_after_inverts_everything(before: int, after: int, first: float, last: float) -> None:
    there, back = rate_ratio(before, after, exposure=(first, last)), rate_ratio(after, before, exposure=(last, first))
    assert there.ratio is not None
    assert back.ratio is not None
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert ends(there) == pytest.approx(tuple(1 / end for end in reversed(ends(back))), rel=1e-6)
    assert there.exact.p == pytest.approx(back.exact.p, rel=1e-6, abs=1e-300)
    for one, other in zip(there.over_dispersed, back.over_dispersed, strict=True):
        assert one.low is not None
        assert other.high is not None
        assert one.low == pytest.approx(1 / other.high)


@given(COUNTS, COUNTS, EXPOSURES, st.floats(0.01, 100))
def test_only_the_ratio_of_exposures_matters(before: int, after: int, last: float, factor: float) -> None:
    plain, scaled = rate_ratio(before, after), rate_ratio(before, after, exposure=(factor, factor * last))
    assert scaled.ratio == pytest.approx((plain.ratio or 0) / last)
    assert ends(scaled) == pytest.approx(tuple(end / last for end in ends(plain)), rel=1e-6)


@given(COUNTS, COUNTS)
def test_p_agrees_with_the_interval_and_the_interval_holds_the_ratio(before: int, after: int) -> None:
    found = rate_ratio(before, after)
    low, high = ends(found)
    assert found.ratio is not None
    assert low < found.ratio < high
    assert found.exact.p is not None
    assert (found.exact.p < 0.05) == (low > 1 or high < 1)
    widths = [math.log((item.high or 0) / (item.low or 1)) for item in found.over_dispersed]
    assert widths == sorted(widths)


def test_a_zero_before_leaves_the_upper_end_open() -> None:
    found = rate_ratio(0, 5)
    assert found.ratio is None
    assert found.exact.high is None
    # Clopper-Pearson for 5 of 5: the share is at least (alpha/2)^(1/5).
    share = 0.025 ** (1 / 5)
    assert found.exact.low == pytest.approx(share / (1 - share))
    assert all(item.low is None and item.high is None and item.p is None for item in found.over_dispersed)
    assert "zero" in found.notes[0]
    assert format_interval(found.exact) == "above 0.92"


def test_a_zero_after_leaves_the_lower_end_at_zero() -> None:
    found = rate_ratio(5, 0)
    assert found.ratio is None
    low, high = ends(found)
    assert low == 0
    assert high == pytest.approx(1 / (rate_ratio(0, 5).exact.low or 0))


def test_two_zeros_say_nothing() -> None:
    found = rate_ratio(0, 0)
    assert (found.ratio, found.exact.low, found.exact.high, found.exact.p) == (None, 0, None, 1)


@pytest.mark.parametrize(
    ("arguments", "options", "told"),
    [
        ((-1, 3), {}, "before must be a whole number"),
        ((3, -1), {}, "after must be a whole number"),
        ((3, float("nan")), {}, "after must be a whole number"),
        ((float("inf"), 3), {}, "before must be a whole number"),
        ((2.5, 3), {}, "before must be a whole number"),
        ((3, 10**400), {}, "after must be a whole number"),
        ((1, 2), {"exposure": (0, 1)}, "exposure before must be positive"),
        ((1, 2), {"exposure": (1, float("inf"))}, "exposure after must be positive"),
        ((1, 2), {"exposure": (1e-300, 1e300)}, "too far apart"),
        ((1, 2), {"dispersion": 0}, "dispersion must be positive"),
        ((1, 2), {"dispersion": float("nan")}, "dispersion must be positive"),
        ((1, 2), {"level": 1}, "level must lie between"),
        ((1, 2), {"level": float("nan")}, "level must lie between"),
    ],
)
def test_senseless_input_is_refused_in_words(arguments: tuple[int, int], options: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rate_ratio(*arguments, **options)  # type: ignore[arg-type]


def test_the_exact_interval_covers_at_small_counts() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.poisson(6, 2000), rng.poisson(18, 2000)
    seen = {pair: rate_ratio(*pair).exact for pair in {(int(b), int(a)) for b, a in zip(before, after, strict=True)}}
    held = [
        (item.low or 0) <= 3 <= (math.inf if item.high is None else item.high)
        for item in (seen[int(b), int(a)] for b, a in zip(before, after, strict=True))
    ]
    assert np.mean(held) >= 0.94


def test_over_dispersed_counts_need_the_wider_interval() -> None:
    # Negative binomial with variance 4 times the mean: size = mean / (4 - 1), p = 1 / 4.
    rng = np.random.default_rng(2)
    before = rng.negative_binomial(65 / 3, 0.25, 2000)
    after = rng.negative_binomial(319 / 3, 0.25, 2000)
    truth = 319 / 65
    found = [rate_ratio(int(b), int(a), dispersion=4) for b, a in zip(before, after, strict=True)]
    wide = np.mean([(item.over_dispersed[0].low or 0) <= truth <= (item.over_dispersed[0].high or 0) for item in found])
    exact = np.mean([ends(item)[0] <= truth <= ends(item)[1] for item in found])
    assert 0.93 <= wide <= 0.97
    assert exact < 0.85


@pytest.mark.parametrize("count", [0, 1, 7, 65, 319])
def test_poisson_interval_is_garwoods(count: int) -> None:
    low, high = poisson_interval(count)
    expected = confint_poisson(count, 1, method="exact-c")
    assert low == pytest.approx(float(np.nan_to_num(expected[0])))
    assert high == pytest.approx(float(expected[1]))


def test_poisson_interval_of_zero_is_the_known_bound() -> None:
    assert poisson_interval(0) == pytest.approx((0, -math.log(0.025)))


def test_wilson_interval_of_a_known_share() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263 gives 0.2553-0.3662.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    with pytest.raises(ValueError, match="part <= whole"):
        wilson_interval(3, 2)


def test_the_published_controls_without_counts_have_no_interval() -> None:
    for control, adjusted in ((1.7, 2.9), (1.3, 3.8)):
        found = ratio_of_ratios(rate_ratio(65, 319), control)
        assert found.value == pytest.approx(adjusted, abs=0.05)
        assert (found.low, found.high) == (None, None)
        assert "not published" in found.note


def test_a_control_with_counts_widens_the_interval() -> None:
    found = ratio_of_ratios(rate_ratio(65, 319), rate_ratio(1000, 1700), dispersion=4)
    alone = rate_ratio(65, 319, dispersion=4).over_dispersed[0]
    assert found.low is not None
    assert found.high is not None
    assert found.high / found.low > (alone.high or 0) / (alone.low or 1)
    assert found.value == pytest.approx(math.sqrt(found.low * found.high))
    with pytest.raises(ValueError, match="a count behind it is zero"):
        ratio_of_ratios(rate_ratio(0, 3), 1.7)


def test_the_table_names_every_test_and_the_values_survive_json() -> None:
    found = rate_ratio(65, 319, exposure=(31, 28))
    text = format_rate_ratio(found)
    for part in ("ratio 5.43", "exposure 31 and 28", "Clopper-Pearson", "quasi-Poisson", "dispersion 8", "<0.0001"):
        assert part in text
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["exact"]["low"] == found.exact.low
    open_ended = rate_ratio(0, 5)
    assert json.loads(json.dumps(open_ended.to_json(), allow_nan=False))["exact"]["high"] is None
    assert "not computable" in format_rate_ratio(open_ended)
