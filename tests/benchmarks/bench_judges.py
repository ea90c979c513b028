"""Judges on the simplex: effective draws per CPU second against NUTS on the same posterior, and a million votes.

NUTS runs in the virtual environment that has PyMC; compiling is not counted. `python bench_judges.py` prints more: what
many judges, many levels and finite constancy cost.
"""

import time
import warnings

import numpy as np
from harness import Row

from bayes import SimplexRanker
from uq._base.diagnostics import ess, rhat

K, J, M, ITEMS = 20, 5, 3, 1000


def votes(k=K, j=J, m=M, n_items=ITEMS, seed=1):
    """Return a long table of votes of judges that err, as a dict of columns."""
    rng = np.random.default_rng(seed)
    pi = rng.dirichlet(np.ones(m), k)
    theta = np.array([[rng.dirichlet(8 * (0.6 * np.eye(m)[i] + 0.4 / m)) for i in range(m)] for _ in range(j)])
    z = (rng.random((k, n_items, 1)) > np.cumsum(pi, axis=1)[:, None]).sum(axis=2).clip(0, m - 1)
    score = np.empty((k, n_items, j), int)
    for judge in range(j):
        cut = np.cumsum(theta[judge], axis=1)[z]
        score[:, :, judge] = (rng.random((k, n_items, 1)) > cut).sum(axis=2).clip(0, m - 1)
    candidate, item, judge = np.indices(score.shape).reshape(3, -1)
    names = np.array([f"model {i}" for i in range(k)]), np.array([f"judge {i}" for i in range(j)])
    return {"candidate": names[0][candidate], "item": item, "judge": names[1][judge], "score": score.ravel() + 1}


def seconds(work):
    """Return what `work` returns, its CPU seconds (children included) and its wall seconds."""
    import os

    def cpu():
        t = os.times()
        return t.user + t.system + t.children_user + t.children_system

    start, wall = cpu(), time.perf_counter()
    answer = work()
    return answer, cpu() - start, time.perf_counter() - wall


def nuts(problem, draws=300, tune=300, chains=2):
    """Return utilities (chain, draw, K) by PyMC's own NUTS, and the seconds of sampling without compilation."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        pi = pm.Dirichlet("pi", np.ones((problem.n_cells, problem.n_levels)))
        prior = np.broadcast_to(problem.prior, (problem.n_judges, problem.n_levels, problem.n_levels))
        theta = pm.Dirichlet("theta", prior)
        log_theta = pt.log(theta)
        unique, pattern = np.unique(problem.votes, axis=0, return_inverse=True)
        weights = sum(log_theta[j][:, unique[:, j]].T for j in range(problem.n_judges))  # (P, M)
        joint = pt.log(pi)[problem.cell] + weights[pattern.reshape(-1)]
        pm.Potential("votes", (problem.count * pt.logsumexp(joint, axis=1)).sum())
    options = {"chains": chains, "cores": 1}
    quiet = {"progressbar": False, "compute_convergence_checks": False, "random_seed": 0, "model": model}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pm.sample(draws=1, tune=1, **options, **quiet)  # compiles
        trace, cpu, wall = seconds(lambda: pm.sample(draws=draws, tune=tune, **options, **quiet))
    return trace.posterior["pi"].values @ problem.levels, cpu, wall


def rows():
    """Return the comparison; "seconds" are CPU seconds per 1,000 effective draws of the worst candidate."""
    table = votes()
    ours, cpu, _ = seconds(lambda: SimplexRanker(random_state=0).fit(table))
    theirs, their_cpu, _ = nuts(ours._problem)
    our_ess, their_ess = ess(ours.utility_).min(), ess(theirs).min()
    gap = np.abs(ours.utility_.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1)))
    error = np.hypot(ours.utility_.std(axis=(0, 1)) / np.sqrt(our_ess), theirs.std(axis=(0, 1)) / np.sqrt(their_ess))
    assert (gap < 5 * error).all(), (gap / error).max()
    agreement = f"means within {(gap / error).max():.1f} MC errors; R-hat {rhat(theirs).max():.3f} of NUTS"
    big = votes(n_items=10_000)
    million, big_cpu, wall = seconds(lambda: SimplexRanker(random_state=0).fit(big))
    assert million.n_votes_ == 10**6
    limit = f"a fit of 10^6 votes: {wall:.1f} s wall, {big_cpu:.1f} s CPU"
    per_thousand = 1000 * cpu / our_ess, 1000 * their_cpu / their_ess
    task = f"1,000 effective draws, {K} candidates x {J} judges x {ITEMS} items, M={M}"
    return [Row(task, "PyMC NUTS", *per_thousand, agreement, limit)]


def profile():
    """Print what grows."""
    for name, shape, parameters in (
        ("base", {}, {}),
        ("10 judges", {"j": 10}, {}),
        ("30 judges", {"j": 30, "n_items": 300}, {}),
        ("100 judges", {"j": 100, "n_items": 100}, {}),
        ("5 levels", {"m": 5}, {}),
        ("constancy 20", {}, {"constancy": 20.0}),
        ("10^6 votes", {"n_items": 10_000}, {}),
        ("10^6 votes, constancy 20", {"n_items": 10_000}, {"constancy": 20.0, "draws": 250, "tune": 125}),
    ):
        table = votes(**shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found, cpu, wall = seconds(lambda t=table, p=parameters: SimplexRanker(random_state=0, **p).fit(t))
        print(
            f"{name:25s} {len(table['score']):8d} votes {len(found._problem.cell):7d} patterns {cpu:7.1f} s CPU "
            f"{wall:7.1f} s wall, least effective draws {found.diagnostics_.ess_bulk.min():6.0f}, "
            f"R-hat {found.diagnostics_.rhat.max():.3f}",
            flush=True,
        )


if __name__ == "__main__":
    profile()
    for row in rows():
        print(row)
