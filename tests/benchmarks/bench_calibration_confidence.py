"""Areas, thresholds, votes and the probe against the loops and the scikit-learn calls that they replace."""

from collections import Counter

import numpy as np
from harness import compare
from scipy import special
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import precision_recall_curve

from calibration import KnowledgeProbe, ThresholdCalibration, aurc, vote_confidence

N = 10**6


def binary(n=N):
    rng = np.random.default_rng(0)
    p = rng.random(n)
    return (rng.random(n) < p).astype(float), p


def close(tolerance):
    def agree(ours, theirs):
        gap = float(np.max(np.abs(np.subtract(ours, theirs))))
        assert gap <= tolerance, gap
        return f"equal to {gap:.1g}"

    return agree


def area_rows():
    y, p = binary()

    def sorted_rows():
        """What published code does: rows in the order of argsort, whatever that does to ties."""
        errors = np.cumsum(1 - y[np.argsort(-p)])
        return (errors / np.arange(1, N + 1)).mean()

    yield compare("AURC, n = 10^6, no ties", lambda: aurc(y, p), sorted_rows, "NumPy argsort, no ties", close(1e-12))

    coarse = np.floor(p * 20) / 20

    def shuffled():
        rng = np.random.default_rng(1)
        return np.mean([sorted_area(y, coarse + 1e-9 * rng.random(N)) for _ in range(10)])

    def sorted_area(y, confidence):
        return (np.cumsum(1 - y[np.argsort(-confidence)]) / np.arange(1, N + 1)).mean()

    yield compare(
        "AURC, n = 10^6, 20 values, ties averaged",
        lambda: aurc(y, coarse),
        shuffled,
        "10 shuffled argsorts",
        close(1e-4),
    )


def threshold_row():
    y, p = binary()

    def theirs():
        precision, recall, _ = precision_recall_curve(y, p)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
        return f1.max()

    yield compare(
        "best F1 of all thresholds, n = 10^6",
        lambda: ThresholdCalibration("f1", cv=None).fit(p, y).train_score_,
        theirs,
        "precision_recall_curve",
        close(1e-12),
    )


def vote_rows():
    rng = np.random.default_rng(2)
    answers = rng.integers(0, 6, (10**4, 64))
    rows = answers.tolist()

    def loop():
        return [Counter(row).most_common(1)[0][1] / len(row) for row in rows]

    yield compare(
        "majority votes, 10^4 questions x 64",
        lambda: vote_confidence(answers).confidences,
        loop,
        "collections.Counter",
        close(1e-12),
    )
    few = 20
    log_probs = np.where(
        rng.random((few, 64)) < 0.5, rng.normal(-0.3, 0.1, (few, 64)), rng.normal(-1.5, 0.4, (few, 64))
    )
    yield compare(
        f"pruned votes, {few} questions x 64",
        lambda: vote_confidence(answers[:few], log_probs, "pruned").n_pruned,
        lambda: [one_start(np.exp(row)) for row in log_probs],
        "one L-BFGS-B start per question, numerical gradient",
        lambda ours, theirs: f"pruned {np.mean(ours):.1f} and {np.mean(theirs):.1f} of 64",
    )


def one_start(p):
    """Fit and prune as the published rule says, from its one starting point."""

    def parts(theta):
        w, k1, l1, k2, l2 = theta
        weibull = [k / s * (p / s) ** (k - 1) * np.exp(-((p / s) ** k)) for k, s in ((k1, l1), (k2, l2))]
        return w * weibull[0], (1 - w) * weibull[1]

    bounds = [(0.2, 0.8)] + [(0.01, None)] * 4
    with np.errstate(all="ignore"):
        fit = minimize(lambda t: -np.log(sum(parts(t))).sum(), [0.5, 1.0, 1.0, 1.5, 2.0], bounds=bounds)
        _, k1, l1, k2, l2 = fit.x
        first, second = parts(fit.x)
    low = first > second if l1 * special.gamma(1 + 1 / k1) < l2 * special.gamma(1 + 1 / k2) else second > first
    return int((low & (p < p.mean())).sum())


def embeddings(n, d):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 40)) @ rng.normal(size=(40, d)) / 6 + rng.normal(size=(n, d))
    eta = X[:, :20].sum(axis=1) / 6
    X -= X.mean(axis=0)
    X /= X.std(axis=0)
    return X, (rng.random(n) < special.expit(eta)).astype(int)


def probe_rows():
    for n, d, alpha in ((10**4, 512, 100.0), (10**4, 4096, 1000.0), (1000, 4096, 100.0)):
        X, y = embeddings(n, d)
        yield compare(
            f"probe, n = {n:,}, d = {d:,}, one penalty",
            lambda X=X, y=y, a=alpha: KnowledgeProbe(alpha=a).fit(X, y).predict_proba(X)[:, 1],
            lambda X=X, y=y, a=alpha: (
                LogisticRegression(C=1 / (2 * a), tol=1e-8, max_iter=2000).fit(X, y).predict_proba(X)[:, 1]
            ),
            "LogisticRegression (lbfgs)",
            close(1e-4),
            turns=2,
        )
    X, y = embeddings(4000, 512)
    grid = 10.0 ** np.arange(4, -5, -1)

    def agree(ours, theirs):
        gap = np.abs(ours - theirs).max()
        assert gap < 0.05, gap
        return f"probabilities equal to {gap:.1g}"

    yield compare(
        "probe, n = 4,000, d = 512, penalty of 9 by 5 folds",
        lambda: KnowledgeProbe(alpha=grid, random_state=0).fit(X, y).predict_proba(X)[:, 1],
        lambda: (
            LogisticRegressionCV(
                Cs=1 / (2 * grid), cv=5, scoring="neg_log_loss", use_legacy_attributes=False, l1_ratios=(0,)
            )
            .fit(X, y)
            .predict_proba(X)[:, 1]
        ),
        "LogisticRegressionCV (lbfgs)",
        agree,
        turns=1,
    )
    rng = np.random.default_rng(4)
    X, _ = embeddings(2000, 256)
    c = rng.binomial(30, special.expit(X[:, 0]))
    copies = np.repeat(np.arange(2000), 30)
    labels = (np.arange(30) < c[:, None]).astype(int).ravel()
    yield compare(
        "probe on counts, 2,000 questions x 30 answers, d = 256",
        lambda: KnowledgeProbe(alpha=10.0).fit(X, c, n_trials=30).predict_proba(X)[:, 1],
        lambda: LogisticRegression(C=1 / 20, tol=1e-8, max_iter=2000).fit(X[copies], labels).predict_proba(X)[:, 1],
        "LogisticRegression on copied rows",
        close(1e-4),
        turns=2,
    )


def rows():
    return [*area_rows(), *threshold_row(), *vote_rows(), *probe_rows()]
