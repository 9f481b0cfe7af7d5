import pytest

from tests.fuzz import PARSERS, fuzz


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_says_no_and_nothing_worse(name: str) -> None:
    """The first cases of `make fuzz`."""
    fuzz(name, cases=25, start=1)
