"""What every recalibrator keeps: probabilities in, probabilities out, no worse than they came."""

import inspect
import warnings

import numpy as np
import pytest
from scipy.special import expit, log_softmax
from sklearn.base import clone

from .outputs import OutputEstimatorContract


def log_loss(y, p, weights=None):
    """Return the mean log loss of codes or shares y under (n,) or (n, K) probabilities."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if p.ndim == 1:
            losses = -np.where(y > 0, y * np.log(p), 0) - np.where(y < 1, (1 - y) * np.log1p(-p), 0)
        else:
            losses = -np.log(p[np.arange(len(y)), y])
    return float(np.average(losses, weights=weights))


def draw(n, columns, rng, distort=1.0):
    """Return logits and outcomes; the logits are true ones times `distort`."""
    if columns == 1:
        z = 2 * rng.normal(size=n)
        return distort * z, (rng.random(n) < expit(z)).astype(float)
    z = 1.5 * rng.normal(size=(n, columns))
    return distort * z, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def as_prob(z):
    """Return the probabilities of logits."""
    return expit(z) if z.ndim == 1 else np.exp(log_softmax(z, axis=1))


class CalibratorContract(OutputEstimatorContract):
    """Tests of a recalibrator; give a fixture `estimator`, and override `n_columns` for several columns.

    Attributes
    ----------
    n_columns : int
        1 for P(y = 1), else the number of classes.
    monotone : bool
        Whether the answer of one column never decreases with it.
    finite : bool
        Whether no later row can have an infinite log loss.
    lowers_loss : float
        By how much the log loss may rise in sample, in units of 1 / n: 0 where the identity is in the family.
    turns : bool
        Whether P(y = 1) and P(y = 0) are treated alike.
    """

    verbs = ("predict_proba",)
    same_shape = ("predict_proba",)
    rtol = 1e-7
    n_columns = 1
    monotone = True
    finite = True
    lowers_loss = 0.0
    turns = True

    @property
    def columns(self):
        return self.n_columns == 1

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        if self.n_columns == 1:
            p = rng.integers(1, 32, 77) / 32
            return p[:60], (rng.random(60) < p[:60] ** 2).astype(float), p[60:]
        p = (rng.multinomial(32 - self.n_columns, np.full(self.n_columns, 1 / self.n_columns), 77) + 1) / 32
        y = (p.cumsum(axis=1) <= rng.random((77, 1))).sum(axis=1)
        y[: self.n_columns] = np.arange(self.n_columns)
        y[30 : 30 + self.n_columns] = np.arange(self.n_columns)
        return p[:60], y[:60], p[60:]

    def bad_fits(self, outputs, y):
        return {
            **super().bad_fits(outputs, y),
            "no probabilities": (outputs * 3 + 1, y),
            "negative": (outputs - 1, y),
            "labels of no column": (outputs, y + 2 if self.columns else np.arange(len(y)) % 5 + 1),
            "one label": (outputs, np.full(len(y), "a")),
        }

    def bad_outputs(self, outputs):
        other = np.full((3, self.n_columns + 1), 1 / (self.n_columns + 1))
        return {**super().bad_outputs(outputs), "no probabilities": outputs + 1, "other columns": other}

    # ---- the answer

    def test_answers_are_probabilities(self, estimator, data):
        outputs, y, new = data
        p = self.fit(estimator, outputs, y).predict_proba(new)
        assert p.shape == new.shape
        assert p.dtype == np.float64
        assert ((p >= 0) & (p <= 1)).all()
        if p.ndim == 2:
            assert np.abs(p.sum(axis=1) - 1).max() < 1e-12

    def test_the_ends_of_the_scale_are_answered(self, estimator, data):
        outputs, y, _ = data
        fitted = self.fit(estimator, outputs, y)
        ends = np.array([0.0, 1e-300, 1 - 2**-53, 1.0]) if self.columns else np.eye(self.n_columns)
        p = fitted.predict_proba(ends)
        assert ((p >= 0) & (p <= 1)).all()
        if p.ndim == 2:
            assert np.abs(p.sum(axis=1) - 1).max() < 1e-12

    def test_the_order_of_scores_is_kept(self, estimator, data):
        if self.columns and self.monotone:
            p = self.fit(estimator, *data[:2]).predict_proba(np.linspace(0, 1, 1001))
            assert (np.diff(p) >= -1e-15).all()

    def test_later_rows_have_a_finite_log_loss(self, estimator, data):
        if not self.finite:
            return
        outputs, y, _ = data
        p = self.fit(estimator, outputs, y).predict_proba(outputs)
        assert (p > 0).all()
        assert (p < 1).all()

    def test_each_row_is_answered_by_itself(self, estimator, data):
        outputs, y, new = data
        fitted = self.fit(estimator, outputs, y)
        one_by_one = np.concatenate([fitted.predict_proba(new[i : i + 1]) for i in range(len(new))])
        np.testing.assert_allclose(one_by_one, fitted.predict_proba(new), rtol=1e-13, atol=1e-15)

    # ---- calibration

    @pytest.mark.parametrize("distort", [1.0, 3.0, 0.3])
    def test_the_log_loss_in_sample_does_not_rise(self, estimator, distort):
        z, y = draw(2000, self.n_columns, np.random.default_rng(1), distort)
        p = as_prob(z)
        after = log_loss(y, self.fit(estimator, p, y).predict_proba(p))
        assert after <= log_loss(y, p) + self.lowers_loss / len(y) + 1e-12

    def test_what_is_calibrated_stays_nearly_so(self, estimator):
        rng = np.random.default_rng(2)
        z, y = draw(20000, self.n_columns, rng)
        fitted = self.fit(estimator, as_prob(z), y)
        new = as_prob(draw(4000, self.n_columns, rng)[0])
        assert np.abs(fitted.predict_proba(new) - new).mean() < 0.02

    def test_overconfidence_is_mended(self, estimator):
        rng = np.random.default_rng(3)
        z, y = draw(8000, self.n_columns, rng, 3.0)
        fitted = self.fit(estimator, as_prob(z), y)
        z, y = draw(8000, self.n_columns, rng, 3.0)
        p = as_prob(z)
        best = log_loss(y, as_prob(z / 3))
        excess = log_loss(y, fitted.predict_proba(p)) - best
        assert excess < 0.2 * (log_loss(y, p) - best)

    # ---- input

    def test_logits_equal_probabilities(self, estimator, data):
        if "input" not in estimator.get_params():
            return
        outputs, y, new = data
        if not self.columns:  # rounding may part what is tied
            (z, y), (more, _) = (draw(n, self.n_columns, np.random.default_rng(n)) for n in (60, 17))
            outputs, new = as_prob(z), as_prob(more)
        logits = [np.log(p) - np.log1p(-p) if p.ndim == 1 else np.log(p) + 5 for p in (outputs, new)]
        there = self.fit(clone(estimator), outputs, y).predict_proba(new)
        fitted = self.fit(clone(estimator).set_params(input="logit"), logits[0], y)
        np.testing.assert_allclose(fitted.predict_proba(logits[1]), there, rtol=1e-8, atol=1e-10)
        with pytest.raises(ValueError):
            fitted.predict_proba(np.full(logits[1].shape, np.nan))

    def test_two_columns_are_one_and_its_rest(self, estimator, data):
        if self.columns:
            outputs, y, new = data
            there = self.fit(clone(estimator), outputs, y).predict_proba(new)
            two = [np.column_stack([1 - p, p]) for p in (outputs, new)]
            here = self.fit(clone(estimator), two[0], y.astype(int)).predict_proba(two[1])
            np.testing.assert_allclose(here, np.column_stack([1 - there, there]), rtol=1e-8, atol=1e-10)

    def test_classes_name_the_columns_in_any_order(self, estimator, data):
        if self.columns:
            with pytest.raises(ValueError, match="classes"):
                self.fit(estimator, *data[:2], classes=[0, 1])
            return
        outputs, y, new = data
        names = np.array([f"class {9 - k}" for k in range(self.n_columns)])
        there = self.fit(clone(estimator), outputs, y)
        here = self.fit(clone(estimator), outputs, names[y], classes=names)
        assert here.classes_.tolist() == names.tolist()
        assert there.classes_.tolist() == list(range(self.n_columns))
        np.testing.assert_array_equal(here.predict_proba(new), there.predict_proba(new))
        if not self.turns:
            return
        turned = self.fit(clone(estimator), outputs[:, ::-1], names[y], classes=names[::-1])
        np.testing.assert_allclose(turned.predict_proba(new[:, ::-1])[:, ::-1], here.predict_proba(new), rtol=1e-6)

    def test_rows_of_weight_0_do_not_take_part(self, estimator, data):
        outputs, y, new = data
        weights = np.where(np.arange(len(y)) < 30, 1.0, 0.0)
        # the rest still names its labels
        there = self.fit(clone(estimator), outputs[:30], y[:30]).predict_proba(new)
        here = self.fit(clone(estimator), outputs, y, sample_weight=weights).predict_proba(new)
        np.testing.assert_allclose(here, there, rtol=1e-8, atol=1e-10)

    # ---- degenerate but legal

    def test_degenerate_rows_give_a_valid_answer(self, estimator, data):
        """One row, one score, one outcome, scores that separate: at most one warning, and probabilities."""
        outputs, y, new = data
        cases = {"one score": (outputs[[0] * 20], y[:20]), "one row": (outputs[:1], y[:1])}
        if self.columns:
            cases |= {
                "all 1": (outputs, np.ones(len(y))),
                "all 0": (outputs, np.zeros(len(y))),
                "separated": (outputs, (outputs > 0.5).astype(float)),
                "turned around": (outputs, (outputs < 0.5).astype(float)),
                "certain and right": (y, y),
                "certain and wrong": (1 - y, y),
            }
        else:
            cases |= {
                "one class": (outputs, np.zeros(len(y), dtype=int)),
                "right": (outputs, outputs.argmax(axis=1)),
                "certain": (np.eye(self.n_columns)[y], y),
                "wrong": (np.eye(self.n_columns)[(y + 1) % self.n_columns], y),
            }
        for what, (some, truth) in cases.items():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                p = self.fit(clone(estimator), some, truth).predict_proba(new)
            assert np.isfinite(p).all(), what
            assert ((p >= 0) & (p <= 1)).all(), what
            assert p.ndim == 1 or np.abs(p.sum(axis=1) - 1).max() < 1e-9, what
            assert len(caught) <= 1, f"{what}: {[str(w.message) for w in caught]}"
            assert all(w.category is UserWarning and "contracts" in w.filename for w in caught), what

    def test_shares_are_taken_or_refused(self, estimator, data):
        if self.columns:
            outputs, _, new = data
            shares = np.round(outputs**2 * 4) / 4
            if estimator._soft:
                rows = np.repeat(np.arange(60), 4)
                hits = (np.tile(np.arange(4), 60) < 4 * shares[rows]).astype(float)
                quarter = np.full(240, 0.25)
                there = self.fit(clone(estimator), outputs[rows], hits, sample_weight=quarter).predict_proba(new)
                here = self.fit(clone(estimator), outputs, shares).predict_proba(new)
                np.testing.assert_allclose(here, there, rtol=1e-8, atol=1e-10)
            else:
                with pytest.raises(ValueError):
                    self.fit(estimator, outputs, shares)

    def test_fit_and_predict_name_their_owner(self, estimator, data):
        outputs, y, _ = data
        name = type(estimator).__name__
        with pytest.raises(ValueError, match=rf"{name}\.fit: y_prob"):
            self.fit(clone(estimator), outputs * 3 + 1, y)
        with pytest.raises(ValueError, match=rf"{name}\.predict_proba: y_prob"):
            self.fit(estimator, outputs, y).predict_proba(outputs * 3 + 1)
        assert "sample_weight" in inspect.signature(estimator.fit).parameters
