"""RiskControl: its p-values against SciPy and the betting law, its walks by hand, its risk by simulation."""

import warnings

import numpy as np
import pytest
from contracts.outputs import OutputEstimatorContract
from scipy import stats
from sklearn.exceptions import NotFittedError

from conformal import RiskControl
from conformal._risk import _fewest, _last_of_runs, _starts
from uq import estimate_mean
from uq.exceptions import InfiniteBoundWarning, InputError


class TestContract(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return RiskControl(target=0.6, confidence_level=0.7)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        confidence = np.round(rng.random(60) * 16) / 16
        return confidence, (rng.random(60) < confidence).astype(float), np.round(rng.random(17) * 16) / 16


class TestContractOfLosses(TestContract):
    @pytest.fixture
    def estimator(self):
        return RiskControl(complement, target=0.6, confidence_level=0.7)

    def test_row_order_in_fit_does_not_matter(self, estimator, data):
        """It does: bets are laid row by row, in an order that is fixed before the losses are seen."""
        confidence, y, _ = data
        same = RiskControl(complement, target=0.6, confidence_level=0.7).fit(confidence, y)
        assert same.threshold_ == estimator.fit(confidence, y).threshold_


def complement(y):
    return 1 - 0.9 * np.asarray(y, dtype=float)


def data(n, curve, seed=0):
    rng = np.random.default_rng(seed)
    confidence = rng.random(n)
    return confidence, (rng.random(n) >= curve(confidence)).astype(float)


def test_p_values_are_binomial_tails():
    confidence, correct = data(400, lambda c: 0.5 - c / 2)
    control = RiskControl().fit(confidence, correct)
    for t, count, risk, p in zip(
        control.thresholds_, control.n_accepted_, control.risks_, control.pvalues_, strict=True
    ):
        accepted = confidence >= t
        assert count == accepted.sum()
        assert risk == pytest.approx(1 - correct[accepted].mean())
        assert p == pytest.approx(stats.binom.cdf((1 - correct[accepted]).sum(), count, 0.1), rel=1e-9)


@pytest.mark.parametrize("wrong", range(10, 26))
def test_rejection_is_clopper_pearson_below_the_target(wrong):
    losses = np.repeat([1.0, 0.0], [wrong, 200 - wrong])
    upper = estimate_mean(losses, method="clopper_pearson").conf_int(0.95, "less").upper
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        control = RiskControl(thresholds=[0.5]).fit(np.ones(200), 1 - losses)
    assert control.threshold_ == (0.5 if upper < 0.1 else np.inf)


def test_the_walk_ends_at_the_first_threshold_that_is_not_rejected():
    passed = np.array([1, 1, 0, 1, 1, 1, 0, 0, 1], dtype=bool)
    assert _last_of_runs(passed, np.array([0])).tolist() == [1]
    assert _last_of_runs(passed, np.array([2])).tolist() == []
    assert _last_of_runs(passed, np.array([0, 3, 6, 8])).tolist() == [1, 5, 8]


@pytest.mark.parametrize("n", [1, 5, 30, 100, 1000, 10**5])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_starts_depend_on_numbers_alone_and_lie_among_the_rows(n, alpha):
    starts = _starts(n, alpha, 0.1)
    assert all(1 <= start <= n for start in starts)
    assert len(set(starts)) == len(starts)
    assert stats.binom.cdf(0, _fewest(alpha, 0.1), 0.1) <= alpha < stats.binom.cdf(0, _fewest(alpha, 0.1) - 1, 0.1)


CURVES = {  # the risk of an answer by its confidence; the risk among the accepted never falls with the threshold
    "linear": (lambda c: 0.5 - c / 2, lambda t: 0.25 - t / 4),
    "step": (
        lambda c: np.where(c < 0.5, 0.3, 0.02),
        lambda t: np.where(t < 0.5, 0.3 * (0.5 - t) + 0.01, 0.02 * (1 - t)) / (1 - t),
    ),
    "flat at the target": (lambda c: np.full_like(c, 0.1), lambda t: 0.1),
    "just above": (lambda c: np.full_like(c, 0.11), lambda t: 0.11),
    "always bad": (lambda c: 0.4 + 0 * c, lambda t: 0.4),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("n", [60, 400])
@pytest.mark.parametrize("rounded", [False, True])
def test_risk_is_below_the_target_as_often_as_promised(curve, n, rounded):
    local, among = CURVES[curve]
    rng, reps, exceeded, level = np.random.default_rng(1), 500, 0, 0.8
    for _ in range(reps):
        confidence = rng.random(n)
        if rounded:  # confidences with ties, as language models give them
            confidence = np.ceil(confidence * 10) / 10 - 0.05
        # the risk of a rounded confidence is that of its cell's middle
        correct = rng.random(n) >= local(confidence)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            threshold = RiskControl(confidence_level=level).fit(confidence, correct).threshold_
        if np.isfinite(threshold):
            if rounded:
                cells = np.arange(0.05, 1, 0.1)
                risk = local(cells[cells >= threshold - 1e-9]).mean()
            else:
                risk = among(threshold)
            exceeded += risk >= 0.1 + 1e-12 if curve != "flat at the target" else risk >= 0.1
    assert stats.binom.sf(exceeded - 1, reps, 1 - level) > 1e-5, exceeded


@pytest.mark.parametrize("wave", ["falling back", "sawtooth"])
def test_fixed_thresholds_hold_for_any_curve(wave):
    """Confident answers that are the wrong ones: the risk among the accepted rises with the threshold."""
    local = {
        "falling back": lambda c: np.where(c > 0.8, 0.4, 0.05),
        "sawtooth": lambda c: 0.15 * (np.floor(c * 10) % 2),
    }[wave]
    grid, fine = np.arange(0, 1, 0.1), np.linspace(0, 1, 20001)
    rng, reps, exceeded = np.random.default_rng(3), 500, 0
    for _ in range(reps):
        confidence = rng.random(300)
        correct = rng.random(300) >= local(confidence)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            threshold = RiskControl(confidence_level=0.8, thresholds=grid).fit(confidence, correct).threshold_
        exceeded += np.isfinite(threshold) and local(fine[fine >= threshold]).mean() >= 0.1
    assert stats.binom.sf(exceeded - 1, reps, 0.2) > 1e-5, exceeded


@pytest.mark.parametrize("n", [60, 1000])
@pytest.mark.slow
def test_bounded_losses_by_betting(n):
    rng, reps, exceeded, found = np.random.default_rng(4), 150, 0, 0
    for _ in range(reps):
        confidence = rng.random(n)
        loss = rng.beta(1, 4, n) * (1 - confidence)  # mean loss among the accepted: .1 (1 - t)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            threshold = RiskControl(np.asarray, target=0.05, confidence_level=0.8).fit(confidence, loss).threshold_
        found += np.isfinite(threshold)
        exceeded += np.isfinite(threshold) and 0.1 * (1 - threshold) >= 0.05
    assert stats.binom.sf(exceeded - 1, reps, 0.2) > 1e-5, exceeded
    assert n == 60 or found > 0.5 * reps


def test_accepts_what_it_says():
    confidence, correct = data(1000, lambda c: 0.5 - c / 2)
    control = RiskControl().fit(confidence, correct)
    selection = control.select(confidence)
    np.testing.assert_array_equal(selection.mask, confidence >= control.threshold_)
    assert selection.target == 0.1
    assert "risk below 0.1" in str(selection)
    assert control.threshold_ > 0.6


@pytest.mark.parametrize(
    ("n", "curve", "least"),
    [
        (1000, lambda c: np.full_like(c, 0.05), 0.95),
        (1000, lambda c: np.where(c > 0.98, 0.3, 0.03), 0.95),
        (500, lambda c: np.full_like(c, 0.05), 0.85),
        (500, lambda c: 0.3 * (1 - c), 0.22),
        (1000, lambda c: 0.5 - c / 2, 0.14),
        (5000, lambda c: 0.5 - c / 2, 0.3),
        (250, lambda c: np.full_like(c, 0.05), 0.6),
    ],
)
@pytest.mark.filterwarnings("ignore::uq.exceptions.InfiniteBoundWarning")
def test_one_unlucky_first_step_does_not_decide_everything(n, curve, least):
    """A single walk lost more than half of what can be accepted, and the more rows there were, the more it lost."""
    share = []
    for seed in range(60):
        confidence, correct = data(n, curve, seed)
        share.append((confidence >= RiskControl().fit(confidence, correct).threshold_).mean())
    assert np.mean(share) > least


def test_promises_are_those_that_fit_checked():
    confidence, correct = data(1000, lambda c: 0.5 - c / 2)
    control = RiskControl().fit(confidence, correct)
    selection = control.select(confidence)
    control.set_params(target=0.001, confidence_level=0.999)
    assert control.select(confidence) == selection
    assert (selection.target, selection.confidence_level) == (0.1, 0.95)


@pytest.mark.filterwarnings("ignore::uq.exceptions.InfiniteBoundWarning")
def test_what_a_classifier_gives_is_explained():
    with pytest.raises(InputError, match=r"y_prob\.max\(axis=1\)"):
        RiskControl().fit(np.full((9, 3), 1 / 3), np.ones(9))
    with pytest.raises(InputError, match="y_pred == y_true"):
        RiskControl().fit(np.full(9, 0.5), ["cat"] * 9)
    with pytest.raises(InputError, match=r"y_prob\.max\(axis=1\)"):
        RiskControl().fit(np.arange(9.0), np.ones(9)).select(np.full((9, 3), 1 / 3))


def test_more_thresholds_than_can_be_betted_on_are_refused():
    n = 10**5
    with pytest.raises(InputError, match="thresholds must number at most 2000"):
        RiskControl(np.asarray, thresholds=np.linspace(0, 1, 2001)).fit(np.linspace(0, 1, n), np.full(n, 0.05))


def test_fixed_thresholds_bet_on_the_rows_they_accept():
    rng = np.random.default_rng(6)
    confidence, losses, grid = rng.random(300), rng.beta(1, 9, 300), [0.0, 0.3, 0.6]
    control = RiskControl(np.asarray, target=0.2, thresholds=grid).fit(confidence, losses)
    for t, p in zip(control.thresholds_, control.pvalues_, strict=True):
        alone = RiskControl(np.asarray, target=0.2, confidence_level=1 - 0.05 / 3, thresholds=[t])
        assert alone.fit(confidence, losses).pvalues_[0] == pytest.approx(p, rel=1e-9)


def test_no_threshold_is_an_answer():
    confidence, correct = data(500, lambda c: 0.5 + 0 * c)
    with pytest.warns(InfiniteBoundWarning, match="no threshold passes") as caught:
        control = RiskControl().fit(confidence, correct)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert control.threshold_ == np.inf
    assert control.select(confidence).n_selected == 0


def test_everything_correct_accepts_everything():
    confidence = np.linspace(0, 1, 200)
    assert RiskControl().fit(confidence, np.ones(200)).threshold_ == 0.0


@pytest.mark.slow
def test_a_million_rows():
    confidence, correct = data(10**6, lambda c: 0.5 - c / 2)
    control = RiskControl().fit(confidence, correct)
    assert control.threshold_ == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    "parameters",
    [{"target": 0}, {"target": 1.0}, {"target": "a"}, {"confidence_level": 1.5}, {"confidence_level": 0},
     {"loss": "squared"}, {"loss": 3}, {"thresholds": [np.nan]}, {"thresholds": []}, {"thresholds": "a"}],
)  # fmt: skip
def test_bad_parameters(parameters):
    with pytest.raises(InputError):
        RiskControl(**parameters).fit([0.1, 0.2, 0.3], [1, 0, 1])


@pytest.mark.parametrize(
    ("confidence", "y"),
    [
        ([], []),
        ([np.nan], [1]),
        ([np.inf], [1]),
        ([0.1, 0.2], [1]),
        ([0.1], [0.5]),
        ([0.1], [None]),
        ([[0.1, 0.2]], [1]),
    ],
)
def test_bad_data(confidence, y):
    with pytest.raises(InputError):
        RiskControl().fit(confidence, y)


def test_losses_beyond_one_are_refused():
    with pytest.raises(InputError, match="largest loss"):
        RiskControl(lambda y: 3 * np.asarray(y)).fit([0.1, 0.2], [1, 0])


def test_before_fit():
    with pytest.raises(NotFittedError):
        RiskControl().select([0.5])
