"""What a suggestion is made of."""

import numpy as np
import pytest

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real, expected_improvement
from bayes.optimization import _entropy
from bayes.optimization._entropy import sampled_maxima
from bayes.optimization._lookahead import Lookahead
from bayes.optimization._models import forecast
from bayes.optimization._propose import _contenders, _factors
from uq import citation


def campaign(n, noise, seed=0):
    rng = np.random.default_rng(seed)
    made = BayesianOptimizer({"x": Real(0, 1), "y": Real(0, 1)}, random_state=0)
    for x, y in rng.random((n, 2)):
        made.tell({"x": float(x), "y": float(y)}, float(np.sin(9 * x) - y + noise * rng.normal()))
    return made


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_rows_that_cannot_become_the_best_change_nothing(noise):
    made = campaign(320, noise)
    gp = made._models(made._campaign).objective
    rows = made._campaign.points(range(320))
    few = _contenders(gp, rows)
    assert 0 < len(few) < 320
    whole, part = (Lookahead(gp.posteriors_[0], B) for B in (rows, few))
    A = np.vstack([np.random.default_rng(1).random((60, 2)), few + 0.01])
    assert whole.screen(A).max() > -10
    assert np.allclose(np.exp(whole.screen(A)), np.exp(part.screen(A)), rtol=1e-9, atol=1e-15)


def test_a_forecast_is_the_prediction_of_an_observation():
    made = campaign(30, 0.1)
    gp = made._models(made._campaign).objective
    row = np.array([0.4, 0.7])
    mean, std = forecast(gp, row)
    mu, sd = gp.predict(row[None], return_std=True)
    assert mean == pytest.approx(mu[0])
    assert std == pytest.approx(np.sqrt(sd[0] ** 2 + gp.noise_variance_))


def test_intervals_cite_the_process():
    made = BayesianOptimizer({"x": Real(0, 10)}, random_state=0).run(lambda params: -((params["x"] - 3) ** 2), 12)
    assert "rasmussen2006" in citation(made.best_interval(0.5))


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_nothing_is_forecast_from_one_value(unit):
    made = BayesianOptimizer({"x": Real(0, 10)}, random_state=0)
    made.run(lambda params: -unit * (params["x"] - 3) ** 2, 8)
    assert [r.mean is None for r in made.trials_] == [True, True] + [False] * 6
    assert np.abs(made.diagnostics().forecast_z).max() < 10


def test_forecasts_are_logged_and_judged_in_the_units_of_the_value():
    made = BayesianOptimizer({"x": Real(0, 1)}, direction="minimize", random_state=0)
    for _ in range(12):
        trial = made.ask()
        made.tell(trial, 100 + 10 * (trial.params["x"] - 0.4) ** 2)
    late = made.trials_[8:]
    assert all(abs(r.mean - 100) < 10 for r in late)
    z = [(r.value - r.mean) / r.std for r in made.trials_ if r.mean is not None]
    assert np.allclose(made.diagnostics().forecast_z, z)


def test_the_left_out_coverage_is_that_of_leave_one_out():
    made = campaign(40, 0.2)
    gp = made._models(made._campaign).objective
    z = gp.leave_one_out().z
    assert made.diagnostics().left_out_coverage == pytest.approx(np.mean(np.abs(z) <= 1.6448536269514722))


def test_probabilities_multiply_the_acquisition():
    made = BayesianOptimizer({"x": Real(0, 1)}, constraints=["c"], random_state=0, n_initial=2)
    for x in (0.1, 0.4, 0.8):
        made.tell({"x": x}, x, constraints={"c": x - 0.6})
    made.tell({"x": 0.95}, status="failed")
    models = made._models(made._campaign)
    factors = _factors(models, models.objective, "auto", np.empty((0, 1)), made._campaign.settings.space)
    assert len(factors) == 3
    none = BayesianOptimizer({"x": Real(0, 1)}, constraints=["c"], random_state=0, n_initial=1)
    none.tell({"x": 0.5}, 1.0, constraints={"c": 1.0})
    models = none._models(none._campaign)
    assert len(_factors(models, models.objective, "auto", np.empty((0, 1)), none._campaign.settings.space)) == 1


def test_believed_points_are_a_copy():
    rng = np.random.default_rng(0)
    X, new = rng.random((12, 2)), np.random.default_rng(99).random((7, 2))
    y = 3 + np.sin(5 * X[:, 0]) + 0.1 * rng.normal(size=12)
    gp = GaussianProcess().fit(X, y)
    believer = gp._believe(new[:2])
    assert len(believer.posteriors_[0].y) == 14
    assert len(gp.posteriors_[0].y) == 12
    np.testing.assert_allclose(believer.predict(new), gp.predict(new), atol=1e-10)
    assert (believer.predict(new, True)[1] < gp.predict(new, True)[1]).all()
    rows, post = new[np.argsort(gp.predict(new))[[0, -1]]], gp.posteriors_[0]
    low, high = gp.predict(rows)
    assert low < np.median(y) < high
    capped = gp._believe(rows, at_most_median=True).posteriors_[0]
    np.testing.assert_allclose(post.offset + post.scale * capped.y[-2:], [low, np.median(y)])
    np.testing.assert_allclose(capped.mean(new), post.append(rows, capped.y[-2:]).mean(new), rtol=1e-12)


def test_what_failed_is_believed_to_be_no_good_while_suggestions_are_made(monkeypatch):
    seen = []

    def acquisition(gp, X, *, log, return_grad=False):
        seen.append(gp)
        return expected_improvement(gp, X, best=0.5, log=log, return_grad=return_grad)

    def told(failures):
        made = BayesianOptimizer({"x": Real(0, 1)}, acquisition, failures=failures, random_state=0, n_initial=2)
        for x in (0.0, 0.1, 0.3, 0.4, 0.5):
            made.tell({"x": x}, x)
        made.tell({"x": 0.3}, status="failed")  # gave a value another time, which stands
        made.tell({"x": 0.9}, status="failed")
        made.best = made.best_params_, made.best_value_, made.best_interval(0.5)
        seen.clear()
        made.trial = made.ask()
        return made, seen[0].posteriors_[0]

    made, post = told("classifier")
    assert post.X[5:, 0].tolist() == [0.9]
    assert seen[0].predict([[0.9]])[0] == pytest.approx(0.3, abs=0.05)  # the median of the values
    assert made._models(made._campaign).objective.predict([[0.9]])[0] > 0.5
    plain = made._models(made._campaign).objective
    assert len(plain.posteriors_[0].y) == 5  # what is reported knows nothing of it
    assert made.best == told("abandon")[0].best
    last = made.trials_[-1]  # foreseen without it, too
    assert last.mean == pytest.approx(plain.predict([[last.params["x"]]])[0])
    for failures in ("abandon", "drop"):
        assert len(told(failures)[1].y) == 5


def test_the_knowledge_gradient_of_a_campaign_counts_settings_that_may_be_chosen():
    space = {"x": Real(0, 1), "k": Categorical(["a", "b", "c"])}
    made = BayesianOptimizer(space, constraints=["c"], random_state=0)
    for x in (0.2, 0.4, 0.6):
        for k in "abc":
            made.tell({"x": x, "k": k}, x + 0.1 * (k == "b"), constraints={"c": x - 0.5})
    campaign = made._campaign
    models, joint = made._models(campaign), campaign.settings.space
    gain = _factors(models, models.objective, "knowledge_gradient", np.empty((0, joint.n_columns)), joint)[0]
    chosen = gain.parts[0]._targets._points * models.objective.posteriors_[0].kernel.length_scale
    assert np.allclose(chosen, joint.snap(chosen))  # no mixture of choices
    assert chosen[:, 0].max() > 0.7  # the whole space, and not what was seen of it
    assert (models.constraints[0].predict(chosen) <= 1e-12).all()


def maxima_of(space, monkeypatch, **settings):
    """Return the settings among which the entropy search of a campaign looks for the maximum, and its models."""
    looked_at = []

    def looking(posterior, pool, size, rng):
        looked_at.append(pool)
        return sampled_maxima(posterior, pool, size, rng)

    monkeypatch.setattr(_entropy, "sampled_maxima", looking)
    made = BayesianOptimizer(space, "max_value_entropy_search", constraints=["c"], random_state=0, **settings)
    for x in (0.25, 0.5, 0.75):
        for k in "abc":
            made.tell({"x": x, "k": k}, x + 0.1 * (k == "b"), constraints={"c": x - 0.6})
    made.ask()
    return looked_at[0], made._models(made._campaign), made._campaign.settings.space


def test_the_maximum_of_a_campaign_is_one_of_its_settings(monkeypatch):
    pool, models, space = maxima_of({"x": Real(0, 1), "k": Categorical(["a", "b", "c"])}, monkeypatch)
    assert np.allclose(pool, space.snap(pool))
    assert len(np.unique(pool[:, 1:], axis=0)) == 3
    assert not ((pool[:, 0] > 0.65) & (pool[:, 0] < 0.85)).any()
    assert pool[:, 0].min() < 0.1
    assert (models.constraints[0].predict(pool) <= 1e-12).all()


def test_the_maximum_of_a_finite_campaign_is_sought_among_all_settings(monkeypatch):
    space = {"x": Categorical([0, 0.25, 0.5, 0.75, 1]), "k": Categorical(["a", "b", "c"])}
    pool, models, joint = maxima_of(space, monkeypatch)
    kept = models.constraints[0].predict(joint.cells()) <= 0
    assert 3 < kept.sum() < 15
    assert {tuple(row) for row in joint.cells()[kept]} <= {tuple(row) for row in pool}


@pytest.mark.slow
def test_an_entropy_search_finds_a_known_optimum_under_noise():
    rng, gaps = np.random.default_rng(0), []
    for seed in range(3):
        made = BayesianOptimizer({"x": Real(0, 1)}, "max_value_entropy_search", random_state=seed)
        for _ in range(14):
            trial = made.ask()
            made.tell(trial, float(np.sin(8 * trial.params["x"]) + trial.params["x"] + 0.02 * rng.normal()))
        gaps.append(abs(made.best_params_["x"] - 0.9975))
    assert max(gaps) < 0.05


@pytest.mark.slow
def test_a_knowledge_gradient_keeps_constraints():
    made = BayesianOptimizer(
        {"x": Real(0, 1), "z": Real(0, 1)}, "knowledge_gradient", constraints={"g": "<= .5"}, random_state=0
    )
    for _ in range(16):
        trial = made.ask()
        x, z = trial.params.values()
        made.tell(trial, x + 0.2 * np.sin(5 * z), constraints={"g": x})
    assert made.best_value_ > 0.69  # of 0.7


def test_integers_are_rounded_before_the_model_sees_them():
    made = BayesianOptimizer({"n": Integer(0, 3)}, random_state=0, surrogate=GaussianProcess(noise_variance=0))
    for _ in range(4):
        trial = made.ask()
        assert isinstance(trial.params["n"], int)
        made.tell(trial, float(trial.params["n"]))
    assert np.allclose(np.sort(made._campaign.points(range(4))[:, 0]), [0, 1 / 3, 2 / 3, 1])
