"""The calibration step in statsmodels' errors: against our own least squares, against derivatives taken numerically."""

import warnings

import numpy as np
import pytest
from contracts import require
from scipy import stats

from causal import LinearDebiaser, Naive, SplineDebiaser, TweedieDebiaser, add_calibration_variance
from causal._functional import ols_functional
from causal._statsmodels import row_coefficients
from uq.exceptions import InputError

sm = require("statsmodels.api")
smf = require("statsmodels.formula.api")
pd = require("pandas")
gmm = require("statsmodels.sandbox.regression.gmm")

RNG = np.random.default_rng(7)
N = 300
Y = RNG.normal(size=120)
DEBIASER = LinearDebiaser(nondifferential=True).fit(0.5 * Y + 0.5 * RNG.normal(size=120) + 0.3, Y)
TREATMENT = RNG.integers(0, 2, N)
AGE = RNG.normal(size=N)
Z = 0.5 * (TREATMENT + AGE + RNG.normal(size=N)) + 0.5 * RNG.normal(size=N) + 0.3
X = np.column_stack([np.ones(N), TREATMENT, AGE])
F = DEBIASER.transform(Z)
WEIGHTS = RNG.uniform(0.2, 2, N)
GROUPS = np.repeat(np.arange(30), 10)
DISTANCES = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
INSTRUMENTS = np.column_stack([np.ones(N), TREATMENT + RNG.normal(size=N), AGE, AGE**2])
MODELS = {
    "OLS": lambda f: sm.OLS(f, X),
    "WLS": lambda f: sm.WLS(f, X, weights=WEIGHTS),
    "GLS": lambda f: sm.GLS(f, X, sigma=0.4**DISTANCES),
    "GLS, variances": lambda f: sm.GLS(f, X, sigma=1 / WEIGHTS),
    "GLS, plain": lambda f: sm.GLS(f, X),
    "IV2SLS": lambda f: gmm.IV2SLS(f, X, INSTRUMENTS),
    "GLM": lambda f: sm.GLM(f, X),
    "GLM, weighted": lambda f: sm.GLM(f, X, var_weights=WEIGHTS, freq_weights=np.arange(N) % 3 + 1),
}


def inner(results):
    return results._results


@pytest.mark.parametrize("kind", MODELS)
def test_row_coefficients_are_the_derivatives_of_the_parameters(kind):
    results = MODELS[kind](F).fit()
    coefficients = row_coefficients(inner(results), results.model)
    for row in (0, 17, N - 1):
        moved = F.copy()
        moved[row] += 1.0
        assert MODELS[kind](moved).fit().params - results.params == pytest.approx(coefficients[:, row], abs=1e-10)


@pytest.fixture(scope="module")
def movements():
    """How the debiased column moves with the weight of each calibration row, shape (120, N)."""
    columns = []
    for i in range(120):
        ends = []
        for step in (-1e-4, 1e-4):
            weights = np.ones(120)
            weights[i] += step
            again = LinearDebiaser(nondifferential=True).fit(DEBIASER._rows.z, DEBIASER._rows.y, sample_weight=weights)
            ends.append(again.transform(Z))
        columns.append((ends[1] - ends[0]) / 2e-4)
    return np.array(columns)


@pytest.mark.parametrize("kind", MODELS)
def test_what_is_added_is_how_the_coefficients_move_with_the_calibration_rows(kind, movements):
    results = MODELS[kind](F).fit()
    added = add_calibration_variance(results, DEBIASER, Z).calibration_cov
    influence = movements @ row_coefficients(inner(results), results.model).T
    assert added == pytest.approx(120 / 118 * influence.T @ influence, rel=1e-5)


COVARIANCES = {
    "classical": {},
    "HC0": {"cov_type": "HC0"},
    "HC3": {"cov_type": "HC3"},
    "HAC": {"cov_type": "HAC", "cov_kwds": {"maxlags": 2}},
    "cluster": {"cov_type": "cluster", "cov_kwds": {"groups": GROUPS}},
}


@pytest.mark.parametrize("fit", COVARIANCES.values(), ids=COVARIANCES)
@pytest.mark.parametrize("kind", ["OLS", "WLS", "GLM"])
def test_any_covariance_is_added_to_and_everything_follows(kind, fit):
    results = MODELS[kind](F).fit(**fit)
    before = results.cov_params().copy(), results.bse.copy(), str(results.cov_type), results.summary().as_text()
    honest = add_calibration_variance(results, DEBIASER, Z)
    assert type(honest) is type(results)
    assert honest is not results
    assert honest.cov_params() == pytest.approx(before[0] + honest.calibration_cov)
    assert honest.bse == pytest.approx(np.sqrt(np.diag(honest.cov_params())))
    assert (honest.bse > results.bse).all()
    assert honest.params is results.params or np.array_equal(honest.params, results.params)
    assert honest.tvalues == pytest.approx(results.params / honest.bse)
    df = honest.df_resid_inference
    assert honest.pvalues == pytest.approx(2 * stats.t.sf(np.abs(honest.tvalues), df))
    half = stats.t.isf(0.05, df) * honest.bse
    assert honest.conf_int(0.1) == pytest.approx(np.stack([results.params - half, results.params + half], axis=1))
    assert honest.t_test([0, 1, 0]).sd.item() == pytest.approx(honest.bse[1])
    wald = honest.wald_test(np.eye(3), scalar=True)
    expected = honest.params @ np.linalg.solve(honest.cov_params(), honest.params) / 3
    assert float(wald.statistic) == pytest.approx(expected)
    text = honest.summary().as_text()
    assert "+ calibration" in text
    assert f"{honest.bse[1]:.3f}" in text
    # the caller's object stays as it was
    assert np.array_equal(results.cov_params(), before[0])
    assert np.array_equal(results.bse, before[1])
    assert results.cov_type == before[2]
    assert results.summary().as_text()[:400] == before[3][:400]
    assert not hasattr(results, "calibration_cov")


def test_least_squares_here_and_there_agree():
    results = sm.OLS(F, X).fit(cov_type="HC1")
    honest = add_calibration_variance(results, DEBIASER, Z)
    ours = DEBIASER.ols(Z, X)
    assert honest.params == pytest.approx(ours.estimate)
    assert honest.cov_params() == pytest.approx(ours.cov)
    mine = ols_functional(X).coefficients
    assert row_coefficients(inner(results), results.model) == pytest.approx(mine)


@pytest.mark.parametrize(
    "debiaser",
    [SplineDebiaser(nondifferential=True), TweedieDebiaser(nondifferential=True),
     TweedieDebiaser(nondifferential=True, scale="moment")], ids=repr
)  # fmt: skip
def test_other_debiasers(debiaser):
    debiaser = debiaser.fit(DEBIASER._rows.z, DEBIASER._rows.y)
    z = np.clip(Z, *np.quantile(DEBIASER._rows.z, [0.01, 0.99]))  # beyond, these warn
    results = sm.OLS(debiaser.transform(z), X).fit(cov_type="HC1")
    assert add_calibration_variance(results, debiaser, z).cov_params() == pytest.approx(debiaser.ols(z, X).cov)


def test_clusters_of_calibration_rows():
    regions = np.arange(120) // 6
    debiaser = LinearDebiaser().fit(DEBIASER._rows.z, DEBIASER._rows.y, groups=regions)
    results = sm.OLS(debiaser.transform(Z), X).fit(cov_type="cluster", cov_kwds={"groups": GROUPS})
    honest = add_calibration_variance(results, debiaser, Z)
    assert honest.cov_params() == pytest.approx(debiaser.ols(Z, X, groups=GROUPS).cov)
    assert honest.df_resid_inference < 10**6


def test_degrees_of_freedom_are_those_of_the_weaker_part():
    results = sm.OLS(F, X).fit()
    few = LinearDebiaser(nondifferential=True).fit(DEBIASER._rows.z[:8], DEBIASER._rows.y[:8])
    refit = sm.OLS(few.transform(Z), X).fit(cov_type="HC1")
    honest = add_calibration_variance(refit, few, Z)
    share = np.diag(honest.calibration_cov) / np.diag(honest.cov_params())
    assert honest.df_resid_inference == pytest.approx((6 / share**2).min())  # the other part is normal
    assert add_calibration_variance(results, DEBIASER, Z).df_resid_inference > 100


def test_formulas_frames_and_rows_left_out():
    frame = pd.DataFrame({"z": Z, "treatment": TREATMENT, "age": AGE}, index=[f"r{i}" for i in range(N)])
    frame["outcome"] = DEBIASER.transform(frame["z"])
    frame.iloc[3, 2] = np.nan
    results = smf.ols("outcome ~ treatment + age", frame).fit(cov_type="HC1")
    assert len(results.model.endog) == N - 1
    honest = add_calibration_variance(results, DEBIASER, frame["z"])
    kept = np.delete(np.arange(N), 3)
    expected = add_calibration_variance(sm.OLS(F[kept], X[kept]).fit(cov_type="HC1"), DEBIASER, Z[kept])
    assert honest.bse.to_numpy() == pytest.approx(expected.bse)
    assert list(honest.bse.index) == ["Intercept", "treatment", "age"]
    assert list(honest.conf_int().index) == ["Intercept", "treatment", "age"]
    with pytest.raises(InputError, match="pandas column with the index"):
        add_calibration_variance(results, DEBIASER, Z)


def test_a_pandas_column_is_matched_by_its_index_in_any_order():
    frame = pd.DataFrame({"z": Z, "treatment": TREATMENT, "age": AGE}, index=[f"r{i}" for i in range(N)])
    frame["outcome"] = DEBIASER.transform(frame["z"])
    results = smf.ols("outcome ~ treatment + age", frame).fit(cov_type="HC1")
    expected = add_calibration_variance(results, DEBIASER, frame["z"])
    more = pd.concat([frame["z"], pd.Series([0.0], ["another"])])
    for z in (frame["z"].sample(frac=1, random_state=0), more[::-1]):
        assert add_calibration_variance(results, DEBIASER, z).bse.to_numpy() == pytest.approx(expected.bse.to_numpy())


def test_rows_of_a_reset_index_are_told_to_have_been_matched_by_it():
    frame = pd.DataFrame({"z": Z, "treatment": TREATMENT}).sample(frac=1, random_state=0)
    frame["outcome"] = DEBIASER.transform(frame["z"])
    results = smf.ols("outcome ~ treatment", frame).fit()
    with pytest.raises(
        InputError, match=r"Rows were matched by the index of y_pred.*reset_index.*an array in the order"
    ):
        add_calibration_variance(results, DEBIASER, frame["z"].reset_index(drop=True))
    add_calibration_variance(results, DEBIASER, frame["z"].to_numpy())
    with pytest.raises(InputError) as told:
        add_calibration_variance(results, DEBIASER, Z)
    assert "by the index" not in str(told.value)
    add_calibration_variance(results, DEBIASER, frame["z"].set_axis(pd.period_range("2020", periods=N, freq="D")))


def test_an_index_that_repeats_itself_cannot_be_matched():
    frame = pd.DataFrame({"z": Z, "treatment": TREATMENT, "age": AGE}, index=np.arange(N) // 2)
    frame["outcome"] = DEBIASER.transform(frame["z"])
    whole = smf.ols("outcome ~ treatment + age", frame).fit(cov_type="HC1")
    assert add_calibration_variance(whole, DEBIASER, frame["z"]).calibration_cov.shape == (3, 3)  # row by row
    frame.iloc[3, 2] = np.nan
    results = smf.ols("outcome ~ treatment + age", frame).fit(cov_type="HC1")
    with pytest.raises(InputError, match="unique index"):
        add_calibration_variance(results, DEBIASER, frame["z"])


def test_the_calibration_step_counts_once():
    once = add_calibration_variance(sm.OLS(F, X).fit(), DEBIASER, Z)
    with pytest.raises(InputError, match="count twice"):
        add_calibration_variance(once, DEBIASER, Z)


@pytest.mark.parametrize("convert", [list, lambda z: z[:, None], pd.Series], ids=["list", "column", "pandas"])
def test_containers(convert):
    results = sm.OLS(F, X).fit()
    expected = add_calibration_variance(results, DEBIASER, Z)
    assert add_calibration_variance(results, DEBIASER, convert(Z)).bse == pytest.approx(expected.bse, rel=1e-12)


def binary():
    return (np.median(F) < F).astype(float)


NOT_LINEAR = {
    "Logit": lambda: sm.Logit(binary(), X).fit(disp=0),
    "Probit": lambda: sm.Probit(binary(), X).fit(disp=0),
    "Poisson": lambda: sm.GLM(np.exp(F - F.max()), X, family=sm.families.Poisson()).fit(),
    "Log": lambda: sm.GLM(np.exp(F / 10), X, family=sm.families.Gaussian(sm.families.links.Log())).fit(),
    "QuantReg": lambda: sm.QuantReg(F, X).fit(0.5),
    "RLM": lambda: sm.RLM(F, X).fit(),
    "GLSAR": lambda: sm.GLSAR(F, X, 1).iterative_fit(3),
    "MixedLM": lambda: sm.MixedLM(F, X, GROUPS).fit(),
}


@pytest.mark.parametrize("kind", NOT_LINEAR)
def test_what_is_not_linear_in_the_outcome_is_refused(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = NOT_LINEAR[kind]()
    with pytest.raises(InputError, match=r"linear in its outcome|covariance"):
        add_calibration_variance(results, DEBIASER, Z)


def test_a_penalty_and_a_constraint_are_refused():
    with pytest.raises(InputError, match=r"covariance|not"):
        add_calibration_variance(sm.OLS(F, X).fit_regularized(alpha=0.1), DEBIASER, Z)
    constrained = sm.GLM(F, X).fit_constrained(([[0, 1, 0]], [0.5]))
    with pytest.raises(InputError, match="plain fit"):
        add_calibration_variance(constrained, DEBIASER, Z)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: (r, DEBIASER, Z[::-1]), "row by row"),
        (lambda r: (r, DEBIASER, Z[:-1]), "one prediction per row"),
        (lambda r: (r, DEBIASER, np.r_[Z[:-1], np.nan]), "finite"),
        (lambda r: (r, DEBIASER, None), "y_pred"),
        (lambda r: (r, Naive(), Z), "debiaser"),
        (lambda r: (r, None, Z), "debiaser"),
        (lambda r: (r.model, DEBIASER, Z), "fitted statsmodels results"),
        (lambda r: (None, DEBIASER, Z), "fitted statsmodels results"),
        (lambda r: (sm.OLS(2 * F, X).fit(), DEBIASER, Z), "neither rescaled"),
        (lambda r: (sm.OLS(np.column_stack([F, F]), X).fit(), DEBIASER, Z), "one outcome"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InputError, match=message):
        add_calibration_variance(*change(sm.OLS(F, X).fit()))


@pytest.mark.parametrize("offset", [1e3, 1e5, 1e7])
def test_an_offset_of_the_outcome_hides_nothing(offset):
    far = LinearDebiaser(nondifferential=True).fit(DEBIASER._rows.z, DEBIASER._rows.y + offset)
    results = sm.OLS(far.transform(Z), X).fit()
    honest = add_calibration_variance(results, far, Z)
    assert honest.bse[1:] == pytest.approx(add_calibration_variance(sm.OLS(F, X).fit(), DEBIASER, Z).bse[1:], rel=1e-5)
    for wrong in (Z[::-1], Z + 1e-4, np.r_[Z[1], Z[0], Z[2:]]):
        with pytest.raises(InputError, match="row by row"):
            add_calibration_variance(results, far, wrong)
    constrained = sm.GLM(far.transform(Z), X).fit_constrained(([[0, 1, 0]], [0.5]))
    with pytest.raises(InputError, match="plain fit"):
        add_calibration_variance(constrained, far, Z)


def test_a_debiaser_that_was_not_fitted():
    with pytest.raises(ValueError, match="not fitted"):
        add_calibration_variance(sm.OLS(F, X).fit(), LinearDebiaser(), Z)


def test_a_calibration_step_without_rows_to_spare():
    line = LinearDebiaser(nondifferential=True).fit([0.0, 1.0], [0.0, 2.0])
    with pytest.raises(InputError, match="know its own error"):
        add_calibration_variance(sm.OLS(line.transform(Z), X).fit(), line, Z)
