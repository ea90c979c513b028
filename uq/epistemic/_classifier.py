"""A small network from features to the law of two answers. Its torch stands in `heads` and `_training`."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.classes import check_column_names, names_of_columns
from uq._base.containers import index_of
from uq._base.exceptions import InputError, MissingExtraError
from uq._base.sklearn import Range, StrOptions, as_generator, validate_params
from uq._base.validation import check_count, check_matrix, check_same_length

from ._class_names import column_labels, label_array
from ._pair_input import check_counts
from ._pairs import PairDistribution

__all__ = ["PairHeadClassifier"]

HUGE = 1e100  # beyond so many standard deviations the layers could overflow


@cites("johnson2024")
class PairHeadClassifier(BaseEstimator):
    """Learn from several answers per row what the next answer will be, and what is not known about it.

    A multilayer perceptron with one of the heads of `uq.epistemic.heads`, trained to predict pairs of answers. Needs
    torch: ``pip install 'errorbars[torch]'``.

    Parameters
    ----------
    head : {"dirichlet", "mixture", "joint"}, default "dirichlet"
        What is learned of the pair: a mean and one number per row, a mixture of `n_components`, or a free table.
    n_components : int, default 8
        For the mixture.
    hidden : sequence of int, default (64, 64)
        Widths of the layers between; () makes the head linear in the features.
    learning_rate : float, default 3e-3
        Of AdamW.
    weight_decay : float, default 1e-3
        Of AdamW.
    batch_size : int, default 128
        Rows per step.
    max_epochs : int, default 500
        Passes over the rows, at the most.
    patience : int, default 30
        Training stops after so many epochs without a lower loss on the rows held out.
    validation_fraction : float, default 0.2
        Share of the rows that is held out for that, at least one; under 0 all rows train for `max_epochs`.
    device : str or torch.device, default "auto"
        Where torch computes; "auto" is "cuda" where there is such a GPU, else "cpu".
    random_state : int, RandomState, Generator or None, default None
        For the first weights, the rows held out, and the order of the rows.

    Attributes
    ----------
    network_ : torch.nn.Sequential
        The trained layers, the head last, on the CPU; for standardised features.
    classes_ : ndarray of shape (n_classes,)
        The names of the columns of `y` where it is a frame that has any, numbers and truth values as such, else
        0 ... n_classes - 1.
    loss_curve_ : list of float
        Mean pair log loss on the rows held out after each epoch (on all rows where none are).
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X has column names.

    Raises
    ------
    InputError
        From `fit` for bad parameters, an X that is no finite matrix, a y that holds no counts or fewer than two per
        row or names a class twice, and a device that torch does not have; from the other verbs for an X unlike that of
        `fit`.
    MissingExtraError
        From `fit`, without torch.

    See Also
    --------
    ScaledVariance : one number for a model that is trained already, the baseline to beat.
    SecondOrderCalibration : a factor that makes the variances hold without trust in the network.
    uq.epistemic.heads : the heads and the loss, for a network of your own.

    Notes
    -----
    Each row weighs the same however many answers it has. The rows are put into an order of their own first, so the
    order in which they come does not matter. Training runs in single precision, answers in double.

    Whether a variance of its own for every row is worth its while has to be seen: with two answers to each of 1,000
    items (three data sets, `tests/benchmarks/bench_pair_heads.py`) the heads had a third of the second-order error of
    ensembles that were not told of pairs, and were no better than ten networks and one number (`ScaledVariance`).

    Held-out rows are drawn at random: where rows come in clusters (several per person, per document), early stopping is
    too optimistic, and what is said of a new cluster is too sure of itself.

    `sklearn.model_selection.cross_val_predict` recodes the columns of a two-dimensional `y` where it is asked for
    ``method="predict_proba"``, which spoils counts; `uq.WrappedModel` does not.

    **Guarantee.** None: the variances are as good as the network predicts pairs, and it learns pairs without bias only
    if the answers to a row are independent given the row and their number does not depend on them (where a third one is
    bought when two disagree, use the first two). What holds of them if it does so exactly is told by
    `PairDistribution`; check with `second_order_calibration_error` on other rows, and mend with
    `SecondOrderCalibration`. Answers of one person who is asked twice are no two answers: the network then learns how
    well people agree with themselves.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    The answer is fair coins where the second feature is 0, and certain, but not visible, where it is 1.

    >>> import numpy as np
    >>> from uq.epistemic import PairHeadClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.normal(size=1000), rng.integers(2, size=1000)])
    >>> p = np.where(X[:, 1] == 1, rng.integers(2, size=1000), 0.5)
    >>> heads = rng.binomial(2, p)
    >>> y = np.column_stack([2 - heads, heads])  # two answers per row
    >>> model = PairHeadClassifier(hidden=(), learning_rate=0.1, max_epochs=40, device="cpu", random_state=0).fit(X, y)
    >>> pairs = model.predict_pair([[0.0, 0.0], [0.0, 1.0]])
    >>> pairs.epistemic_variance[:, 1].round(1)  # noise, then ignorance; the probabilities are about 1/2 for both
    array([0. , 0.2])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "head": [StrOptions({"dirichlet", "mixture", "joint"})],
        "n_components": [Range(Integral, 1, None, closed="left")],
        "hidden": ["array-like"],
        "learning_rate": [Range(Real, 0, 10, closed="neither")],
        "weight_decay": [Range(Real, 0, 10, closed="left")],
        "batch_size": [Range(Integral, 1, None, closed="left")],
        "max_epochs": [Range(Integral, 1, None, closed="left")],
        "patience": [Range(Integral, 1, None, closed="left")],
        "validation_fraction": [Range(Real, 0, 1, closed="left")],
        "device": "no_validation",
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        head="dirichlet",
        n_components=8,
        hidden=(64, 64),
        learning_rate=3e-3,
        weight_decay=1e-3,
        batch_size=128,
        max_epochs=500,
        patience=30,
        validation_fraction=0.2,
        device="auto",
        random_state=None,
    ):
        self.head = head
        self.n_components = n_components
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state

    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, standardised here.
        y : array-like of shape (n_samples, n_classes)
            How many answers to each row fell into each class, two or more per row, as many as were planned.

        Returns
        -------
        self
        """
        owner = "PairHeadClassifier.fit"
        validate_params(self)
        hidden = [check_count(width, owner, "hidden") for width in self.hidden]
        features = check_matrix(X, owner, "X")
        counts, classes = check_counts(y, owner), column_labels(y, owner, "y")
        n = check_same_length(owner, X=features, y=counts)
        n_held = max(1, round(self.validation_fraction * n)) if self.validation_fraction else 0
        if n_held >= n:
            raise InputError(
                f"{owner}: X must hold more rows than are held out; got {n}, of which validation_fraction = "
                f"{self.validation_fraction} holds out {n_held}. Use validation_fraction=0 with few rows."
            )
        training = _import_training()
        device = training.find_device(self.device, owner)
        rng = as_generator(self.random_state, "PairHeadClassifier")

        order = _own_order(features, counts)
        counts, features = counts[order], np.ascontiguousarray(features[order])
        mean, scale = _location_and_scale(features)
        features = _standardise(features, mean, scale)
        held, kept = np.split(rng.permutation(n), [n_held])
        network = training.make_network(features.shape[1], counts.shape[1], self.head, self.n_components, hidden, rng)
        network, curve = training.train_network(
            network,
            (features[kept], counts[kept]),
            (features[held], counts[held]) if n_held else None,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            device=device,
            rng=rng,
        )
        if not np.isfinite(min(curve) if n_held else curve[-1]):
            raise InputError(
                f"{owner}: learning_rate must be small enough for training to stay finite; got {self.learning_rate}."
            )
        names = names_of_columns(X)
        self.network_, self.loss_curve_ = network, curve
        self.classes_ = np.arange(counts.shape[1]) if classes is None else label_array(classes)
        self.n_features_in_ = features.shape[1]
        self._names, self._class_names, self._mean, self._scale = names, classes, mean, scale
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def predict_pair(self, X):
        """Return the law of two answers to each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Other rows.

        Returns
        -------
        PairDistribution
            Its marginal is what `predict_proba` returns, its epistemic variance what the network does not know.
        """
        joint = self._answer(X, "predict_pair", "joint")
        pairs = PairDistribution(joint, classes=self._class_names)
        return PairDistribution._of(
            pairs.joint, pairs.marginal, classes=pairs.classes, index=index_of(X), method=f"{self.head} head"
        )

    def predict(self, X):
        """Return the most probable class of each row, the first of equals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Other rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Of `classes_`.
        """
        return self.classes_[self._answer(X, "predict", "marginal").argmax(axis=1)]

    def predict_proba(self, X):
        """Return the probabilities of one answer to each row, without the tables of two.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Other rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._answer(X, "predict_proba", "marginal")

    def _answer(self, X, verb, what):
        check_is_fitted(self)
        owner = f"PairHeadClassifier.{verb}"
        features = check_matrix(X, owner, "X")
        if features.shape[1] != self.n_features_in_:
            raise InputError(f"{owner}: X must have the {self.n_features_in_} columns of fit; got {features.shape[1]}.")
        check_column_names(self._names, X, owner, "X")
        training = _import_training()
        device = training.find_device(self.device, owner)
        return training.answers_of(self.network_, _standardise(features, self._mean, self._scale), what, device)


def _import_training():
    try:
        from . import _training
    except ImportError as error:
        raise MissingExtraError("PairHeadClassifier needs torch: pip install 'errorbars[torch]'.") from error
    return _training


def _own_order(features, counts):
    """Return an order of the rows that depends on what they hold alone, and not on the units of the features."""
    return np.lexsort(np.concatenate([counts, features], axis=1).T)


def _location_and_scale(features):
    mean = features.mean(axis=0)
    size = np.abs(features - mean).max(axis=0)
    constant = size <= 1e-12 * np.abs(features).max(axis=0)  # no more than its own rounding
    size[constant] = 1.0
    scale = size * np.sqrt(np.mean(((features - mean) / size) ** 2, axis=0))
    scale[constant] = np.inf
    return mean, scale


def _standardise(features, mean, scale):
    return np.clip((features - mean) / scale, -HUGE, HUGE)
