"""Every recalibrator keeps the contract, for one column, two and four."""

import pytest
from contracts.calibrators import CalibratorContract

from calibration import (
    BetaCalibration,
    DirichletCalibration,
    HistogramBinning,
    IsotonicCalibration,
    MulticalibrationBoosting,
    PlattScaling,
    TemperatureScaling,
    VennAbersCalibration,
)


def suite(name, make, columns=(1, 2, 4), **attributes):
    """Make one test class per number of columns."""
    for k in columns:

        class Suite(CalibratorContract):
            n_columns = k

            @pytest.fixture
            def estimator(self):
                return make()

        Suite.__name__ = Suite.__qualname__ = f"Test{name}{k}"
        for attribute, value in attributes.items():
            setattr(Suite, attribute, value)
        globals()[Suite.__name__] = Suite


suite("Platt", PlattScaling, lowers_loss=3.0, monotone=False)
suite("PlattMonotone", lambda: PlattScaling(monotone=True), columns=(1,), lowers_loss=3.0)
suite("PlattPlain", lambda: PlattScaling(smooth_targets=False), columns=(1, 4), monotone=False)
suite("Temperature", TemperatureScaling, finite=False)
suite("Beta", BetaCalibration)
suite("BetaMidpoint", lambda: BetaCalibration("ab"), columns=(1,))
suite("BetaOneSlope", lambda: BetaCalibration("am"), columns=(1,))
suite("BetaSmoothed", lambda: BetaCalibration(smooth_targets=True), columns=(1,), lowers_loss=3.0)
suite("Dirichlet", lambda: DirichletCalibration(penalty=1e-3), lowers_loss=0.0)
suite("Vector", lambda: DirichletCalibration("diagonal", penalty=1e-3), lowers_loss=0.0)
suite("Isotonic", IsotonicCalibration, lowers_loss=2.0)
suite("IsotonicCentred", lambda: IsotonicCalibration(center=True), columns=(1,), lowers_loss=20.0)
suite("Histogram", HistogramBinning, monotone=False, lowers_loss=40.0)
suite(
    "HistogramQuantile",
    lambda: HistogramBinning(20, "quantile"),
    columns=(1, 4),
    monotone=False,
    lowers_loss=40.0,
    turns=False,
)
suite("VennAbers", VennAbersCalibration, lowers_loss=20.0)
suite("Multicalibration", lambda: MulticalibrationBoosting(n_bins=20), monotone=False, changes_under_weights=False)
