"""One reporting rule for everybody: the best posterior mean of scikit-learn's Gaussian process among what was tried.

It tells what of a gap is the search and what the reporting; methods that return their luckiest observation lose most of
theirs here.
"""

import warnings

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel


def common(space, points, values):
    """Return the recommended point."""
    x, y = space.encode(points), np.asarray(values, float)
    d = x.shape[1]
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(np.full(d, 0.5), (0.05, 20.0), nu=2.5) + WhiteKernel(
        0.1, (1e-6, 1e1)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bounds that are reached
        gp = GaussianProcessRegressor(kernel, normalize_y=True).fit(x, y)
    return points[int(np.argmax(gp.predict(x)))]
