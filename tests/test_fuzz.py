import random

import pytest

from tests.fuzz import PARSERS, case


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_says_no_and_nothing_worse(name: str) -> None:
    """The first cases of `make fuzz`."""
    case(name, cases=25, start=1)()


def test_a_case_can_be_led_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What libFuzzer does in `make fuzz-guided`: the bytes it makes up choose the case."""
    led = random.Random(1)
    one = case("dates", cases=1, start=1).hypothesis.fuzz_one_input  # type: ignore[attr-defined]
    taken = [one(led.randbytes(64)) for _ in range(20)]
    assert any(taken)
