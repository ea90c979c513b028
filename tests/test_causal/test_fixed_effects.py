"""Regressions with a dummy per site: who is told that few rows carry which coefficient."""

import warnings

import numpy as np
import pytest
from contracts import require

from causal import Classical, LinearDebiaser, Naive, PredictionPowered, dsl
from uq.exceptions import SmallSampleWarning

pd = require("pandas")

SITE = np.repeat(np.arange(40), 5)
RNG = np.random.default_rng(0)
Y = RNG.normal(size=40)[SITE] + RNG.normal(size=200)
Z = 0.6 * Y + 0.4 * RNG.normal(size=200)
X = pd.get_dummies(pd.Series(SITE), prefix="site", dtype=float)
X.insert(0, "age", RNG.normal(size=200))
LABELED = np.arange(200) % 5 < 2

ASKED = {
    "classical": lambda X, g: Classical().fit(Z, Y, X=X, groups=g).ols(),
    "debiased": lambda X, g: LinearDebiaser(nondifferential=True).fit(Z, Y).ols(Z, X, groups=g),
    "powered": lambda X, g: (
        PredictionPowered().fit(Z, Y, X=X, groups=g).ols(Z + 0.1, X, groups=None if g is None else g + 100)
    ),
    "dsl": lambda X, g: dsl(y_pred=Z, y=Y, labeled=LABELED, sampling_probability=0.4, X=X, groups=g),
}


@pytest.mark.parametrize("name", ["classical", "debiased", "powered", "dsl"])
def test_dummies_of_single_clusters_are_not_warned_of(name):
    for columns in (X, X.to_numpy()):
        ASKED[name](columns, SITE)


@pytest.mark.parametrize("name", ["classical", "debiased", "powered", "dsl"])
def test_another_column_that_few_clusters_carry_is(name):
    rare = X.assign(rare=np.isin(SITE, [3, 4, 5]) * np.arange(200) % 2)
    with pytest.warns(SmallSampleWarning, match="40 .*clusters differ so much.* for column 'rare' of X, few"):
        ASKED[name](rare, SITE)


@pytest.mark.parametrize("name", ASKED)
def test_columns_that_few_rows_carry_are_named(name):
    with pytest.warns(SmallSampleWarning, match="for columns 'site_0', 'site_1', 'site_2' and 37 more of X, few"):
        ASKED[name](X, None)
    with pytest.warns(SmallSampleWarning, match="for columns 1, 2, 3 and 37 more of X .counting from 0., few"):
        ASKED[name](X.to_numpy(), None)


def test_moments_name_columns_as_well():
    few = X.iloc[:, :3]
    with pytest.warns(SmallSampleWarning, match="for columns 'site_0', 'site_1' of X, few"):
        PredictionPowered().partial_fit(Z, Y, X=few).ols(Z + 0.1, few)


def test_what_many_rows_carry_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Classical().fit(Z, Y, X=X[["age"]]).ols()
        Naive().fit(Z, Y).ols(Z, X)
