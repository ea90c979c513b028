"""PairHeadClassifier: the contract of estimators of outputs, what it learns, and what it leaves alone."""

import sys

import numpy as np
import pytest
from contracts import OutputEstimatorContract, require

from uq.epistemic import PairDistribution, PairHeadClassifier
from uq.exceptions import InputError, MissingExtraError

torch = require("torch")

SMALL = {"hidden": (4,), "max_epochs": 3, "batch_size": 16, "device": "cpu", "random_state": 0}


def two_answers(n, k, d, seed=0):
    """Return features whose values fit into every float type, and counts of two to four answers."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(n, d)) * 16) / 16
    logits = X @ rng.normal(size=(d, k))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return X, np.array([rng.multinomial(rng.integers(2, 5), row) for row in p]).astype(float)


class TestContract(OutputEstimatorContract):
    verbs = ("predict_proba", "predict_pair")
    columns = False
    rtol = 1e-9

    @pytest.fixture(params=["dirichlet", "mixture", "joint"])
    def estimator(self, request):
        return PairHeadClassifier(request.param, n_components=2, **SMALL)

    @pytest.fixture
    def data(self):
        X, y = two_answers(40, 3, 2)
        return X, y, two_answers(11, 3, 2, seed=1)[0]

    def ask(self, fitted, outputs):
        answers = {verb: getattr(fitted, verb)(outputs) for verb in self.verbs}
        return answers | {"predict_pair": np.array(answers["predict_pair"].joint)}

    def bad_fits(self, outputs, y):
        one, half, negative = y.copy(), y.copy(), y.copy()
        one[3] = [1, 0, 0]
        half[3] = [1.5, 0.5, 0]
        negative[3] = [4, -1, 0]
        return super().bad_fits(outputs, y) | {
            "one answer": (outputs, one),
            "half an answer": (outputs, half),
            "negative counts": (outputs, negative),
            "NaN counts": (outputs, np.full(y.shape, np.nan)),
            "labels": (outputs, y.argmax(axis=1)),
            "one class": (outputs, y.sum(axis=1, keepdims=True)),
            "one row": (outputs[:1], y[:1]),
        }

    def bad_outputs(self, outputs):
        return super().bad_outputs(outputs) | {"fewer columns": outputs[:, :1], "no rows": outputs[:0]}

    def test_the_marginal_of_the_pairs_is_the_probability(self, estimator, data):
        X, y, new = data
        fitted = estimator.fit(X, y)
        pairs, p = fitted.predict_pair(new), fitted.predict_proba(new)
        assert isinstance(pairs, PairDistribution)
        assert np.allclose(pairs.marginal, p, atol=1e-14)
        assert np.allclose(p.sum(axis=1), 1, atol=1e-14)
        assert pairs.guarantee == "none"

    def test_rows_are_answered_one_by_one(self, estimator, data):
        X, y, new = data
        fitted = estimator.fit(X, y)
        one_by_one = np.concatenate([fitted.predict_pair(new[i : i + 1]).joint for i in range(len(new))])
        assert np.allclose(fitted.predict_pair(new).joint, one_by_one, atol=1e-14)


def test_what_is_noise_and_what_is_not_known():
    """Coins where the feature says so; elsewhere sure of a class that the feature does not tell."""
    rng = np.random.default_rng(0)
    coin = rng.integers(2, size=800)
    p = np.where(coin == 1, 0.5, rng.integers(2, size=800))
    ones = rng.binomial(2, p)
    X, y = coin[:, None].astype(float), np.column_stack([2 - ones, ones])
    for head in ("dirichlet", "mixture", "joint"):
        model = PairHeadClassifier(
            head, 4, hidden=(8,), learning_rate=0.03, max_epochs=40, device="cpu", random_state=1
        ).fit(X, y)
        pairs = model.predict_pair([[0.0], [1.0]])
        assert np.allclose(pairs.marginal, 0.5, atol=0.06), head
        assert pairs.epistemic_variance[0, 0] > 0.2, head
        assert pairs.epistemic_variance[1, 0] < 0.03, head
        assert pairs.method == f"{head} head"


def test_the_best_epoch_is_kept():
    X, y = two_answers(60, 3, 4)
    model = PairHeadClassifier(hidden=(32,), learning_rate=0.1, patience=3, device="cpu", random_state=0).fit(X, y)
    curve = model.loss_curve_
    assert len(curve) == int(np.argmin(curve)) + 1 + 3, "training stops so many epochs after the best"
    again = PairHeadClassifier(
        hidden=(32,), learning_rate=0.1, patience=3, max_epochs=int(np.argmin(curve)) + 1, device="cpu", random_state=0
    ).fit(X, y)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))


def test_without_rows_held_out_all_epochs_are_trained():
    X, y = two_answers(20, 3, 2)
    model = PairHeadClassifier(**SMALL | {"validation_fraction": 0, "max_epochs": 7}).fit(X, y)
    assert len(model.loss_curve_) == 7
    assert PairHeadClassifier(**SMALL | {"validation_fraction": 0}).fit(X[:1], y[:1]).predict_proba(X).shape == (20, 3)


@pytest.mark.parametrize("fraction", [0, 0.2])
def test_training_that_diverges_changes_nothing(fraction, monkeypatch):
    X, y = two_answers(40, 3, 2)
    model = PairHeadClassifier(**SMALL | {"validation_fraction": fraction}).fit(X, y)
    before = dict(vars(model))
    model.learning_rate = 9.0
    monkeypatch.setattr("uq.epistemic._training._whole_loss", lambda network, rows: float("nan"))
    with pytest.raises(InputError, match="learning_rate"):
        model.fit(X, y)
    assert all(vars(model)[name] is value for name, value in before.items() if name != "learning_rate")


def test_units_of_the_features_do_not_matter():
    X, y = two_answers(40, 3, 3)
    expected = PairHeadClassifier(**SMALL).fit(X, y).predict_proba(X)
    for factor in (1e-200, 2.0**20, 1e100):
        got = PairHeadClassifier(**SMALL).fit(factor * X, y).predict_proba(factor * X)
        assert np.allclose(got, expected, atol=1e-4)
    with_constant = np.column_stack([X, np.full(40, 3e9)])
    assert np.isfinite(PairHeadClassifier(**SMALL).fit(with_constant, y).predict_proba(with_constant * 2)).all()


@pytest.mark.parametrize("head", ["dirichlet", "mixture", "joint"])
def test_far_away_rows_have_finite_answers(head):
    X, y = two_answers(40, 3, 3)
    model = PairHeadClassifier(head, **SMALL).fit(X, y)
    far = np.array([[1e149, -1e149, 1e149], [-1e149, 0, 0]])
    assert np.isfinite(model.predict_pair(far).joint).all()
    assert np.isfinite(model.predict_proba(far)).all()


def test_seeds():
    X, y = two_answers(40, 3, 2)

    def answer(seed):
        return PairHeadClassifier(**SMALL | {"random_state": seed}).fit(X, y).predict_proba(X)

    assert np.array_equal(answer(3), answer(3))
    assert not np.array_equal(answer(3), answer(4))
    assert np.array_equal(answer(np.random.RandomState(3)), answer(np.random.RandomState(3)))
    stateful = np.random.RandomState(3)
    assert not np.array_equal(answer(stateful), answer(stateful))
    answer(None)


def test_the_process_is_left_alone():
    X, y = two_answers(40, 3, 2)
    state, threads, dtype = torch.random.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    PairHeadClassifier(**SMALL).fit(X, y).predict_pair(X)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, dtype)


def test_names_of_columns():
    pd = require("pandas")
    X, y = two_answers(40, 3, 2)
    frame, votes = pd.DataFrame(X, columns=["a", "b"]), pd.DataFrame(y, columns=["no", "maybe", "yes"])
    model = PairHeadClassifier(**SMALL).fit(frame, votes)
    assert model.classes_.tolist() == ["no", "maybe", "yes"]
    assert model.feature_names_in_.tolist() == ["a", "b"]
    pairs = model.predict_pair(frame.iloc[5:8])
    assert pairs.classes == ("no", "maybe", "yes")
    assert list(pairs.index) == [5, 6, 7]
    with pytest.raises(InputError, match="columns of fit"):
        model.predict_pair(frame[["b", "a"]])
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_")
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.predict_pair(X).classes is None


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"head": "gauss"}, "head"),
        ({"n_components": 0}, "n_components"),
        ({"hidden": (4, 0)}, "hidden"),
        ({"hidden": (4.5,)}, "hidden"),
        ({"hidden": 4}, "hidden"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"patience": 0}, "patience"),
        ({"validation_fraction": 1}, "validation_fraction"),
        ({"device": "abacus"}, "device must be"),
        ({"device": 3.5}, "device must be"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_learned(parameters, words):
    model = PairHeadClassifier(**SMALL | parameters)
    with pytest.raises(InputError, match=words):
        model.fit(*two_answers(20, 3, 2))
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="device must be"):
        PairHeadClassifier(**SMALL | {"device": "cuda"}).fit(*two_answers(20, 3, 2))


def test_without_torch_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    import uq.epistemic

    for door in ("heads", "_training"):
        monkeypatch.delitem(sys.modules, f"uq.epistemic.{door}", raising=False)
        monkeypatch.delattr(uq.epistemic, door, raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'errorbars\[torch\]'"):
        PairHeadClassifier(**SMALL).fit(*two_answers(20, 3, 2))


def test_few_rows_name_the_way_out():
    X, y = two_answers(1, 3, 2)
    with pytest.raises(InputError, match="validation_fraction=0"):
        PairHeadClassifier(**SMALL).fit(X, y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_learns_the_same():
    X, y = two_answers(200, 3, 4)
    here = PairHeadClassifier(**SMALL).fit(X, y).predict_pair(X).joint
    there = PairHeadClassifier(**SMALL | {"device": "cuda"}).fit(X, y).predict_pair(X).joint
    assert np.allclose(here, there, atol=1e-3)


def test_names_of_the_columns_of_y():
    pd = require("pandas")
    X, y = two_answers(30, 2, 2)
    for columns, classes in (
        (None, [0, 1]),
        ([3, 5], [3, 5]),
        (["no", "yes"], ["no", "yes"]),
        (["0", "1"], ["0", "1"]),
    ):
        model = PairHeadClassifier(**SMALL).fit(X, pd.DataFrame(y, columns=columns))
        assert model.classes_.tolist() == classes
        assert set(model.predict(X).tolist()) <= set(classes)
        model.predict_pair(X).interval(y=classes[1])
    with pytest.raises(InputError, match="the columns of y must have different names; got 'a'"):
        PairHeadClassifier(**SMALL).fit(X, pd.DataFrame(y, columns=["a", "a"]))


def test_predict_is_the_most_probable_class():
    from sklearn.model_selection import KFold, cross_val_predict

    X, y = two_answers(40, 3, 2)
    model = PairHeadClassifier(**SMALL).fit(X, y)
    assert model.predict(X).tolist() == model.predict_proba(X).argmax(axis=1).tolist()
    found = cross_val_predict(PairHeadClassifier(**SMALL), X, y, cv=KFold(4))
    for train, test in KFold(4).split(X):
        assert found[test].tolist() == PairHeadClassifier(**SMALL).fit(X[train], y[train]).predict(X[test]).tolist()
