"""What comes back brings the references of how it was made."""

import numpy as np
import pytest

from uq._base.citation import reference_keys
from uq.epistemic import (
    PairDistribution,
    SecondOrderCalibration,
    decompose_samples,
    pair_counts,
    repeated_answer_scores,
    second_order_calibration_error,
    selective_answer,
    squared_error_ustatistic,
)

PAIRS = PairDistribution(np.tile([[0.4, 0.1], [0.1, 0.4]], (6, 1, 1)))
Y = [[2, 0], [1, 1], [0, 2]] * 2
ANSWERS = repeated_answer_scores([["a", "b", "a"]], [["a", "b", "b"]])
JUDGED = second_order_calibration_error(Y, PAIRS)


@pytest.mark.parametrize(
    ("result", "keys"),
    [
        (PAIRS, {"johnson2024"}),
        (PAIRS.interval(), {"johnson2024"}),
        (PAIRS.interval(alternative="less"), {"johnson2024"}),
        (PAIRS.decompose(), {"johnson2024"}),
        (PAIRS.diagnose(), {"johnson2024"}),
        (decompose_samples([[[0.9, 0.1]], [[0.1, 0.9]]]), {"depeweg2018", "houlsby2011"}),
        (selective_answer(PAIRS, 0.5, "argmax"), {"johnson2024"}),
        (JUDGED, {"johnson2024"}),
        (JUDGED.interval(), {"johnson2024", "waudbysmith2024"}),
        (pair_counts, {"johnson2024"}),
        (squared_error_ustatistic, {"johnson2024"}),
        (ANSWERS, {"johnson2024"}),
        (ANSWERS.interval(), {"johnson2024", "clopper1934"}),
    ],
)
def test_results_cite(result, keys):
    assert set(reference_keys(result)) == keys


@pytest.mark.parametrize(
    ("bound", "key"),
    [("betting", "waudbysmith2024"), ("empirical_bernstein", "maurer2009"), ("hoeffding", "hoeffding1963")],
)
def test_intervals_cite_the_bound_behind_their_factor(bound, key):
    fitted = SecondOrderCalibration(bound, floor=0.25).fit(PAIRS[[0] * 500], np.tile([[2, 0], [0, 2]], (250, 1)))
    assert set(reference_keys(fitted.predict_interval(PAIRS))) == {"johnson2024", key}
