"""Scores of scikit-learn through a holdout."""

import numpy as np
import pytest
from contracts import require
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import brier_score_loss, f1_score, get_scorer, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from uq.exceptions import InputError
from uq.reuse import GuessAndCheck, Holdout, Ladder, NaiveReuse

BINARY = ("accuracy", "neg_brier_score", "neg_log_loss")
REAL = ("neg_mean_absolute_error", "neg_mean_squared_error")


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:200], y[:200])
    return model, (X[200:300], y[200:300]), (X[300:], y[300:])


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return Ridge().fit(X[:200], y[:200]), (X[300:], y[300:])


@pytest.mark.parametrize("name", BINARY)
def test_scores_are_those_of_scikit_learn(cancer, name):
    model, _, held = cancer
    answer = Holdout(held, NaiveReuse(3)).score(model, name, bounds=(-50, 1))
    assert answer.value == pytest.approx(get_scorer(name)(model, *held), abs=1e-12)
    assert Holdout(held, NaiveReuse(3)).score(model, get_scorer(name), bounds=(-50, 1)).value == answer.value


@pytest.mark.parametrize("name", REAL)
def test_errors_are_those_of_scikit_learn(diabetes, name):
    model, held = diabetes
    answer = Holdout(held, NaiveReuse(3)).score(model, name, bounds=(-1e5, 0))
    assert answer.value == pytest.approx(get_scorer(name)(model, *held))


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array(["no", "yes"], dtype=object), np.array([3, 7])])
def test_labels_of_any_kind(cancer, labels):
    _, _, (X, y) = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, labels[y])
    for name in ("accuracy", "neg_brier_score"):
        answer = Holdout((X, labels[y]), NaiveReuse(3)).score(model, name)
        expected = (
            model.score(X, labels[y]) if name == "accuracy" else -np.mean((model.predict_proba(X)[:, 1] - y) ** 2)
        )
        assert answer.value == pytest.approx(expected)


def test_frames(cancer):
    pd = require("pandas")
    _, _, (X, y) = cancer
    frame, labels = pd.DataFrame(X).rename(columns=str), pd.Series(y)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, labels)
    assert Holdout((frame, labels), NaiveReuse(3)).score(model).value == model.score(frame, labels)


def test_the_guess_comes_from_rows_that_are_given_for_it(cancer):
    model, (X, y), held = cancer
    holdout = Holdout(held, GuessAndCheck(10, 2, tolerance=0.4))
    answer = holdout.score(model, X_train=X, y_train=y, query_id="m")
    assert (answer.source, answer.value) == ("guess", model.score(X, y))
    assert holdout.score(model, guess=0.9).value == 0.9
    assert holdout.score(model, query_id="m").value == answer.value
    assert holdout.score(model, X_train=X, y_train=y, query_id="m").value == answer.value
    with pytest.raises(InputError, match="was answered for guess"):
        holdout.score(model, guess=0.1, query_id="m")
    with pytest.raises(InputError, match="guess"):
        holdout.score(model)


def test_a_function_of_estimator_and_rows(cancer):
    model, _, held = cancer
    holdout = Holdout(held, NaiveReuse(3))
    answer = holdout.score(model, lambda m, X, y: (m.predict(X) == 1) & (y == 1), bounds=(0, 1))
    assert answer.value == np.mean((model.predict(held[0]) == 1) & (held[1] == 1))


def test_bounds_of_functions_are_given_and_hold_on_the_rows_for_the_guess(diabetes):
    model, held = diabetes
    X, y = load_diabetes(return_X_y=True)
    holdout = Holdout(held, GuessAndCheck(9, 2, tolerance=0.4))

    def loss(model, X, y):
        return (model.predict(X) - y) ** 2

    with pytest.raises(InputError, match="bounds must be given for a function"):
        holdout.score(model, loss, guess=0.5)
    with pytest.raises(InputError, match=r"stay within bounds \(0, 1\)"):
        holdout.score(model, loss, X_train=X[200:300], y_train=y[200:300], bounds=(0, 1))
    with pytest.raises(InputError, match=r"stay within bounds \(-1, 0\)"):
        holdout.score(model, "neg_mean_squared_error", X_train=X[200:300], y_train=y[200:300], bounds=(-1, 0))
    assert holdout.audit().n_asked == 0
    # a tenth of the rows lie beyond: what bounds of a loss without limits are for
    bounds = (-float(np.quantile(loss(model, X[200:300], y[200:300]), 0.9)), 0)
    answer = holdout.score(model, "neg_mean_squared_error", X_train=X[200:300], y_train=y[200:300], bounds=bounds)
    assert answer.value == pytest.approx(np.clip(-loss(model, X[200:300], y[200:300]), *bounds).mean())


def test_a_ladder_takes_losses_and_no_scores(cancer):
    model, (X, y), held = cancer
    bad = LogisticRegression(max_iter=10_000).fit(X, 1 - y)
    holdout = Holdout(held, Ladder(9, 0.1))
    for scorer in ("accuracy", get_scorer("accuracy"), "neg_brier_score"):
        with pytest.raises(InputError, match=r"loss for a Ladder.*predict\(X\) != y"):
            holdout.score(model, scorer)
    assert holdout.remaining() == 9

    def wrong(model, X, y):
        return model.predict(X) != y

    losses = [holdout.score(m, wrong, bounds=(0, 1)).value for m in (bad, model)]
    assert losses == pytest.approx([round(np.mean(m.predict(held[0]) != held[1]), 1) for m in (bad, model)])


def test_scores_that_depend_on_other_rows_are_refused_for_nothing(cancer):
    model, (X, y), held = cancer
    holdout = Holdout(held, GuessAndCheck(9, 2, tolerance=0.4))

    def above_the_mean(model, X, y):
        p = model.predict_proba(X)[:, 1]
        return p > p.mean()

    with pytest.raises(InputError, match="depends on this row only"):
        holdout.score(model, above_the_mean, bounds=(0, 1), X_train=X, y_train=y)
    with pytest.raises(InputError, match="one number per row"):
        holdout.score(model, lambda m, X, y: (m.predict(X) == y).mean(), bounds=(0, 1), guess=0.9)
    assert holdout.audit().n_asked == 0


@pytest.mark.parametrize(
    "scorer", ["f1", "roc_auc", "r2", "nonsense", None, 3, get_scorer("f1"), make_scorer(f1_score), get_scorer("r2")]
)
def test_scores_that_are_no_means_are_refused_for_nothing(cancer, scorer):
    model, _, held = cancer
    holdout = Holdout(held, NaiveReuse(3))
    with pytest.raises(InputError, match="Only means over rows"):
        holdout.score(model, scorer)
    assert holdout.remaining() == 3


def test_what_is_missing_is_said(cancer, diabetes):
    model, (X, y), held = cancer
    holdout = Holdout(held, NaiveReuse(3))
    with pytest.raises(InputError, match="bounds must be given"):
        holdout.score(model, "neg_log_loss")
    with pytest.raises(InputError, match="together"):
        holdout.score(model, X_train=X)
    with pytest.raises(InputError, match="pair"):
        Holdout(y, NaiveReuse(3)).score(model)
    with pytest.raises(InputError, match="rehearsal"):
        holdout.score(LogisticRegression())
    with pytest.raises(InputError, match="rehearsal"):
        holdout.score(diabetes[0], X_train=X, y_train=y)
    assert holdout.remaining() == 3


def test_a_class_that_was_never_seen_is_as_bad_as_the_bounds_say():
    X = np.linspace(-1, 1, 40)[:, None]
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    held = (X, np.full(40, 5))
    assert Holdout(held, NaiveReuse(3)).score(model, "neg_log_loss", bounds=(-7, 0)).value == -7


def test_truth_in_a_column(cancer):
    model, _, (X, y) = cancer
    for estimator, scorer in ((model, "accuracy"), (model, "neg_brier_score"), (model, "neg_log_loss")):
        bounds = (-5, 0) if scorer == "neg_log_loss" else None
        flat, column = (
            Holdout((X, truth), NaiveReuse(5)).score(estimator, scorer, bounds=bounds) for truth in (y, y[:, None])
        )
        assert flat.value == column.value


def test_a_scorer_of_classes_is_not_one_of_probabilities(cancer):
    model, _, rows = cancer
    classes = make_scorer(brier_score_loss, greater_is_better=False, response_method="predict")
    with pytest.raises(InputError, match="scorer must be one of"):
        Holdout(rows, NaiveReuse(5)).score(model, classes)
    probabilities = make_scorer(brier_score_loss, greater_is_better=False, response_method="predict_proba")
    value = Holdout(rows, NaiveReuse(5)).score(model, probabilities).value
    assert value == Holdout(rows, NaiveReuse(5)).score(model, "neg_brier_score").value
