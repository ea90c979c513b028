"""Whether .8 really means 80 %, and how to make it so.

Errors of probabilities
    `expected_calibration_error` (binned), `smooth_calibration_error`, `score_decomposition`; `latent_brier_score` for
    counts of right answers.
    `calibration_test`: could a calibrated forecast show as much?
    `BinnedCalibrationError`: the binned error of partitions, with its interval.
Curves
    `reliability_curve`.
Confidence, held against right and wrong answers
    `risk_coverage_curve`, `aurc` with ties averaged or at their best and worst, `error_at_confidence`.
    `ThresholdCalibration`: from a score to a decision.
Language models
    `vote_confidence` (many draws per question, `Votes`), `p_true` (asked about its own answer), `KnowledgeProbe` (from
    an embedding of the question).
Recalibrators, ``fit(y_prob, y)`` then ``predict_proba(y_prob)``
    Few parameters: `TemperatureScaling`, `PlattScaling`, `BetaCalibration`, `DirichletCalibration`. Any shape:
    `IsotonicCalibration`, `HistogramBinning`, `VennAbersCalibration` with its pair of probabilities.
    `cross_val_calibrate`: out-of-fold calibrated probabilities.
    `MulticalibrationBoosting`, `multicalibration_error`: within each of many subgroups.
"""

from ._accumulator import BinnedCalibrationError as BinnedCalibrationError
from ._beta import BetaCalibration as BetaCalibration
from ._binned import expected_calibration_error as expected_calibration_error
from ._corp import score_decomposition as score_decomposition
from ._cross_val import cross_val_calibrate as cross_val_calibrate
from ._dirichlet import DirichletCalibration as DirichletCalibration
from ._histogram import HistogramBinning as HistogramBinning
from ._isotonic import IsotonicCalibration as IsotonicCalibration
from ._language import p_true as p_true
from ._latent import latent_brier_score as latent_brier_score
from ._multicalibration import MulticalibrationBoosting as MulticalibrationBoosting
from ._multicalibration_error import multicalibration_error as multicalibration_error
from ._platt import PlattScaling as PlattScaling
from ._probe import KnowledgeProbe as KnowledgeProbe
from ._reliability import reliability_curve as reliability_curve
from ._selective import aurc as aurc
from ._selective import error_at_confidence as error_at_confidence
from ._selective_curve import risk_coverage_curve as risk_coverage_curve
from ._smooth import smooth_calibration_error as smooth_calibration_error
from ._temperature import TemperatureScaling as TemperatureScaling
from ._test import calibration_test as calibration_test
from ._threshold import ThresholdCalibration as ThresholdCalibration
from ._venn_abers import VennAbersCalibration as VennAbersCalibration
from ._votes import Votes as Votes
from ._votes import vote_confidence as vote_confidence

__all__ = [
    "BetaCalibration",
    "BinnedCalibrationError",
    "DirichletCalibration",
    "HistogramBinning",
    "IsotonicCalibration",
    "KnowledgeProbe",
    "MulticalibrationBoosting",
    "PlattScaling",
    "TemperatureScaling",
    "ThresholdCalibration",
    "VennAbersCalibration",
    "Votes",
    "aurc",
    "calibration_test",
    "cross_val_calibrate",
    "error_at_confidence",
    "expected_calibration_error",
    "latent_brier_score",
    "multicalibration_error",
    "p_true",
    "reliability_curve",
    "risk_coverage_curve",
    "score_decomposition",
    "smooth_calibration_error",
    "vote_confidence",
]
