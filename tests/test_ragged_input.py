"""Lists of lists of several lengths, and what names nothing, where one number or several may stand: refused by name."""

import numpy as np
import pytest

from causal import LinearDebiaser, dsl
from conformal import BatchPredictor, BatchSelector
from uq import datasets
from uq._base.containers import dimensions
from uq.epistemic import PairDistribution, SecondOrderCalibration
from uq.exceptions import InputError
from uq.reuse import PrivateMultiplicativeWeights
from uq.sampling import CoverageCurve, majority_at_k, pass_all_k, pass_at_k

ROWS = np.arange(60.0)
PAIRS = [[[0.5, 0.1], [0.1, 0.3]]]
RAGGED = [[1.0], [1.0, 2.0]]


def second_order(y):
    fitted = SecondOrderCalibration(target="each").fit(PairDistribution(PAIRS * 40), np.ones((40, 2), dtype=int))
    return fitted.predict_interval(PairDistribution(PAIRS), 0.9, y=y)


ASK = {
    "pass_at_k.k": lambda x: pass_at_k([1, 2], 5, x),
    "pass_all_k.k": lambda x: pass_all_k([1, 2], 5, x),
    "majority_at_k.k": lambda x: majority_at_k([[1, 2, 3]], [0], x),
    "pass_at_k.target": lambda x: pass_at_k([1, 2], 5, 1, sampling="inverse", target=x),
    "CoverageCurve.k": lambda x: CoverageCurve(n_resamples=19, random_state=0).fit([1, 2, 3] * 10, 10).predict(x),
    "dsl.sampling_probability": lambda x: dsl(y_pred=ROWS, y=ROWS, labeled=ROWS > 9, sampling_probability=x),
    "ate.propensity": lambda x: LinearDebiaser(True).fit(ROWS, ROWS**1.1).ate(ROWS, ROWS % 2, propensity=x),
    "BatchPredictor.y_pred": lambda x: BatchPredictor().fit(ROWS, 1.1 * ROWS).predict_interval(x),
    "BatchPredictor.n_test": lambda x: BatchPredictor().fit(ROWS).predict_interval(x),
    "BatchSelector.threshold": lambda x: BatchSelector(threshold=x).fit(ROWS, ROWS),
    "PairDistribution.interval.y": lambda x: PairDistribution(PAIRS).interval(y=x),
    "PairDistribution.epistemic_confidence.y": lambda x: PairDistribution(PAIRS).epistemic_confidence(x),
    "SecondOrderCalibration.y": second_order,
    "PrivateMultiplicativeWeights.universe": lambda x: PrivateMultiplicativeWeights(x, 3),
    "make_counts.n_trials": lambda x: datasets.make_counts(5, x),
}  # fmt: skip


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK)
@pytest.mark.parametrize("x", [RAGGED, [None, [1]], {1: 2}, {1, 2}, b"1"], ids=repr)
@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_what_is_no_number_and_no_column_is_refused_by_name(ask, x):
    with pytest.raises(InputError):
        ask(x)


@pytest.mark.parametrize(("x", "n"), [(1, 0), ([1], 1), ([[1]], 2), (RAGGED, 1), (np.ones((2, 3, 4)), 3), ("ab", 0)])
def test_dimensions(x, n):
    assert dimensions(x) == n
