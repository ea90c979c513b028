"""SplitConformal and SimultaneousConformal keep the contract of estimators of outputs, whatever the score."""

import numpy as np
import pytest
from contracts.outputs import OutputEstimatorContract
from test_conformal.row_data import Asymmetric, margin

from conformal import SimultaneousConformal, SplitConformal
from uq._base.containers import as_numeric


class OfOutcomes(OutputEstimatorContract):
    verbs = ("predict_interval",)


@pytest.mark.parametrize("score", ["absolute", "signed", Asymmetric()], ids=["absolute", "signed", "own"])
@pytest.mark.parametrize("family", [SplitConformal, SimultaneousConformal])
class TestOutcomes(OfOutcomes):
    @pytest.fixture
    def estimator(self, family, score):
        return family(score, 0.5)


@pytest.mark.parametrize("family", [SplitConformal, SimultaneousConformal])
class TestNormalized(OfOutcomes):
    @pytest.fixture
    def estimator(self, family):
        return family("normalized", 0.5)

    def fit(self, estimator, outputs, y, **params):
        return estimator.fit(outputs, y, y_std=1 + np.abs(as_numeric(y, "test", "y")), **params)

    def ask(self, fitted, outputs):
        n = 17 if outputs is None or len(outputs) == 17 else len(outputs)
        return {"predict_interval": fitted.predict_interval(outputs, y_std=np.linspace(1, 2, n))}

    def bad_fits(self, outputs, y):
        words = super().bad_fits(outputs, y)
        return {what: words[what] for what in ("NaN outputs", "infinite outputs", "no rows", "fewer y", "None")}


@pytest.mark.parametrize("family", [SplitConformal, SimultaneousConformal])
class TestQuantiles(OfOutcomes):
    columns = False

    @pytest.fixture
    def estimator(self, family):
        return family("quantile", 0.5)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        middle = np.round(rng.normal(size=77) * 16) / 16
        outputs = np.column_stack([middle - 0.5, middle + 0.75])
        y = np.round((middle + rng.normal(size=77)) * 8) / 8
        return outputs[:60], y[:60], outputs[60:]


@pytest.mark.parametrize("score", ["lac", "aps", margin], ids=["lac", "aps", "own"])
@pytest.mark.parametrize("family", [SplitConformal, SimultaneousConformal])
class TestClasses(OutputEstimatorContract):
    verbs = ("predict_set",)
    columns = False

    @pytest.fixture
    def estimator(self, family, score):
        return family(score, 0.5)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        y_prob = rng.multinomial(16, [0.2, 0.5, 0.3], 77) / 16
        y = (y_prob.cumsum(axis=1) <= rng.random((77, 1))).sum(axis=1)
        return y_prob[:60], y[:60], y_prob[60:]
