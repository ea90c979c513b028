"""Error bars of an evaluation against SciPy and statsmodels; the weight of our imports against scikit-learn's."""

import subprocess
import sys
import tracemalloc

import numpy as np
import statsmodels.api as sm
from harness import Row, compare
from scipy import stats

from uq import estimate_mean
from uq._base.random import check_rng
from uq._base.resampling import resample_sums


def means(x, n_resamples):
    sums = resample_sums(np.column_stack([x, np.ones(len(x))]), n_resamples=n_resamples, rng=check_rng(1))
    return sums[:, 0] / sums[:, 1]


def scipy_means(x, n_resamples, batch=None):
    result = stats.bootstrap((x,), np.mean, n_resamples=n_resamples, batch=batch, method="percentile", rng=1)
    return result.bootstrap_distribution


def same_law(ours, theirs):
    """Agree when the two samples of draws are not told apart, and say by how much their spreads differ."""
    pvalue = stats.ks_2samp(ours, theirs).pvalue
    assert pvalue > 1e-4, pvalue
    return f"sd {ours.std():.3g} and {theirs.std():.3g}, KS p {pvalue:.2f}"


def bootstrap_rows():
    for n, batch in ((100, None), (10**5, None), (10**5, 20)):
        x = np.random.default_rng(0).exponential(size=n)
        yield compare(
            f"1,000 resamples of a mean, n = {n:,}",
            lambda x=x: means(x, 1000),
            lambda x=x, batch=batch: scipy_means(x, 1000, batch),
            "scipy.stats.bootstrap" + ("" if batch is None else f", batch={batch}"),
            same_law,
            limit=byte_limit(n) if n > 1000 else "",
        )


def byte_limit(n):
    """Compare with drawing the random bytes alone: no bootstrap of rows can use less than some of them."""
    from time import perf_counter

    bits = np.random.SFC64(0)
    start = perf_counter()
    for _ in range(1000):
        bits.random_raw(n // 8)
    return f"one random byte per row and resample takes {perf_counter() - start:.3f} s"


def memory_row():
    x = np.random.default_rng(0).exponential(size=10**6)
    columns = np.column_stack([x, np.ones(len(x))])
    tracemalloc.start()
    resample_sums(columns, n_resamples=100, rng=check_rng(1))
    ours = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    scipy_means(x, 100)
    theirs = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    yield Row(
        "peak MB beside the data, 100 resamples, n = 10^6", "scipy.stats.bootstrap", ours / 1e6, theirs / 1e6, "", ""
    )


def cluster_row():
    rng = np.random.default_rng(0)
    n, n_groups = 10**6, 10**4
    groups = rng.integers(0, n_groups, n)
    x = rng.normal(size=n_groups)[groups] + rng.normal(size=n)

    def theirs():
        fit = sm.OLS(x, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
        return fit.bse[0]

    def agree(ours, peer):
        # theirs without the small-sample factor, ours with G / (G - 1)
        peer = peer * np.sqrt(n_groups / (n_groups - 1))
        assert abs(ours.std_error / peer - 1) < 1e-9
        return "std. error equal to 1e-9"

    yield compare(
        "clustered mean, n = 10^6, 10^4 clusters",
        lambda: estimate_mean(x, groups),
        theirs,
        "statsmodels OLS, cov_type='cluster'",
        agree,
    )


def import_row():
    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    yield compare(
        "import of all five packages",
        run("import uq, conformal, calibration, bayes, causal"),
        run("import sklearn.linear_model, sklearn.metrics"),
        "import sklearn.linear_model, sklearn.metrics",
        lambda ours, theirs: "",
        turns=5,
    )


def rows():
    return [*bootstrap_rows(), *memory_row(), *cluster_row(), *import_row()]
