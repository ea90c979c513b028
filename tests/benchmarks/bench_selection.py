"""Selection by conformal p-values on 10^5 test points, against the loop over test points of the published reference."""

import numpy as np
from harness import compare
from scipy.stats import false_discovery_control

from conformal import BatchSelector, RankLaw, conformal_p_values

M, TARGET = 10**5, 0.1


def loop_p_values(calibration, test, uniforms=None):
    """Compare every test score with all calibration scores (arXiv:2210.01408, where -score is the nonconformity)."""
    p = np.empty(len(test))
    for j, score in enumerate(test):
        if uniforms is None:
            p[j] = (1 + np.sum(calibration >= score)) / (len(calibration) + 1)
        else:
            ties = 1 + np.sum(calibration == score)
            p[j] = (np.sum(calibration > score) + uniforms[j] * ties) / (len(calibration) + 1)
    return p


def step_up(p, target):
    """Reject the k least p-values, k the largest with p_(k) <= k target / m."""
    ordered = np.sort(p)
    passed = np.flatnonzero(ordered <= np.arange(1, len(p) + 1) / len(p) * target)
    return p <= ordered[passed[-1]] if len(passed) else np.zeros(len(p), bool)


def loop_selection(scores, test, max_false):
    """Count, for every test prediction, the scores that are not below it: fewer than n - rank + 1 are needed."""
    n = len(scores)
    spare = n - RankLaw(n, len(test)).order_statistic_rank(len(test) - max_false, 0.9) + 1
    return np.array([np.sum(scores >= score) < spare for score in test])


def identical(ours, theirs):
    assert np.array_equal(ours, theirs)
    return "equal"


def data(n):
    """Return predictions with some ties and outcomes; "above 0" is what is claimed."""
    rng = np.random.default_rng(0)
    y_pred = rng.normal(size=n + M).round(4)
    y = y_pred + 0.5 * rng.normal(size=n + M)
    return y_pred[:n], y[:n], np.where(y[:n] <= 0, y_pred[:n], -np.inf), y_pred[n:]


def rows():
    found = []
    for n in (10**3, 10**4):
        y_pred, y, scores, test = data(n)
        uniforms = 1 - np.random.default_rng(1).random(M)

        def p_values(scores=scores, test=test, rng=None):
            return conformal_p_values(calibration_scores=scores, test_scores=test, rng=rng)

        def select(p_values=p_values):
            return false_discovery_control(p_values()) <= TARGET

        def batch(y_pred=y_pred, y=y, test=test):
            return BatchSelector(max_false=M // 20).fit(y_pred, y).select(test).mask

        for task, ours, theirs in (
            ("conformal p-values", p_values, lambda s=scores, t=test: loop_p_values(s, t)),
            (
                "conformal p-values, ties broken at random",
                lambda p=p_values: p(rng=1),
                lambda s=scores, t=test, u=uniforms: loop_p_values(s, t, u),
            ),
            (
                "conformal selection, false discovery rate .1",
                select,
                lambda s=scores, t=test: step_up(loop_p_values(s, t), TARGET),
            ),
            (
                "BatchSelector, at most 5,000 false claims",
                batch,
                lambda s=scores, t=test: loop_selection(s, t, M // 20),
            ),
        ):
            name = f"{task}, 10^5 test points, n = {n:,}"
            found.append(compare(name, ours, theirs, "loop over test points", identical, limit="at least 10"))
    return found
