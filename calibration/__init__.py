"""Whether .8 really means 80 %, and how to make it so.

Errors of probabilities
    `expected_calibration_error` (binned), `smooth_calibration_error`, `score_decomposition`; `latent_brier_score` for
    counts of right answers.
    `calibration_test`: could a calibrated forecast show as much?
    `BinnedCalibrationError`: the binned error of partitions, with its interval.
Curves
    `reliability_curve`.
"""

from ._accumulator import BinnedCalibrationError as BinnedCalibrationError
from ._binned import expected_calibration_error as expected_calibration_error
from ._corp import score_decomposition as score_decomposition
from ._latent import latent_brier_score as latent_brier_score
from ._reliability import reliability_curve as reliability_curve
from ._smooth import smooth_calibration_error as smooth_calibration_error
from ._test import calibration_test as calibration_test

__all__ = [
    "BinnedCalibrationError",
    "calibration_test",
    "expected_calibration_error",
    "latent_brier_score",
    "reliability_curve",
    "score_decomposition",
    "smooth_calibration_error",
]
