"""Which compressors go with which strategies."""

from itertools import product

import pytest

from orbitfl.errors import ScenarioError
from orbitfl.federation.compressors import COMPRESSORS
from orbitfl.federation.fitting import require_fit
from orbitfl.federation.strategies import STRATEGIES


@pytest.mark.parametrize(("strategy", "compressor"), list(product(STRATEGIES, COMPRESSORS)))
def test_what_is_taken_for_the_whole_goes_whole(strategy, compressor):
    sparse = compressor in ("top_k", "low_rank", "sign")
    if strategy in ("push_sum", "neighbourhood", "fedbuff", "diloco") and sparse:
        with pytest.raises(ScenarioError, match="choose fp32, fp16, int8"):
            require_fit(STRATEGIES[strategy](), COMPRESSORS[compressor]())
    else:
        require_fit(STRATEGIES[strategy](), COMPRESSORS[compressor]())
