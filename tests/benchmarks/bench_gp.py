"""Gaussian process: learning hyperparameters and predicting, against scikit-learn on the same data, one start each."""

import numpy as np
from harness import Row, compare
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from bayes import GaussianProcess

D, NEW = 6, np.random.default_rng(9).random((200, 6))


def data(n):
    rng = np.random.default_rng(0)
    X = rng.random((n, D))
    return X, np.sin(5 * X[:, 0]) + 3 * X[:, 1] ** 2 + 0.1 * rng.normal(size=n)


def theirs(X, y):
    box = (1e-3, 1e5)
    kernel = ConstantKernel(1.0, box) * Matern(np.ones(D), box, nu=2.5) + WhiteKernel(0.02, (1e-6, 1e2))
    return GaussianProcessRegressor(kernel, normalize_y=True).fit(X, y)


def same_function(ours, peer):
    """Agree where the predictions at new points do, beside the spread of the data."""
    gap = np.abs(ours.predict(NEW) - peer.predict(NEW)).max()
    assert gap < 0.1, gap
    return f"predictions differ by {gap:.3f} at most (noise .1)"


def rows() -> list[Row]:
    """Return the comparisons."""
    out = []
    for n, turns in ((100, 5), (300, 3), (1000, 1)):
        X, y = data(n)
        found = GaussianProcess().fit(X, y)
        record = found._hyperparameters()
        out.append(
            compare(
                f"fit, n = {n}, d = {D}",
                lambda X=X, y=y: GaussianProcess().fit(X, y),
                lambda X=X, y=y: theirs(X, y),
                "scikit-learn",
                same_function,
                turns=turns,
                limit="priors and two starts; the peer has one start and no priors",
            )
        )
        out.append(
            compare(
                f"refit from the last optimum, n = {n}",
                lambda X=X, y=y, record=record: GaussianProcess()._fit(X, y, start=record),
                lambda X=X, y=y: theirs(X, y),
                "scikit-learn, which starts anew",
                same_function,
                turns=turns,
            )
        )
    return out


if __name__ == "__main__":
    from harness import table

    print(table(rows()))
