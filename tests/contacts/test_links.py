import numpy as np
import pytest

from orbitfl.contacts import FixedRate
from orbitfl.errors import ScenarioError


def test_a_fixed_rate_holds_at_any_range():
    np.testing.assert_array_equal(FixedRate(rate_bps=1e8).rate_at(np.array([[500.0, 5e4]])), [[1e8, 1e8]])


@pytest.mark.parametrize("rate_bps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_moves_nothing_is_refused(rate_bps: float):
    with pytest.raises(ScenarioError, match=f"^rate_bps is {rate_bps}, but"):
        FixedRate(rate_bps=rate_bps)
