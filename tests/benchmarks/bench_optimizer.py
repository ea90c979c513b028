"""One suggestion after n results, the fit included, beside BoTorch, Optuna's GP sampler and scikit-optimize.

All are given the same results of one function of six parameters. Suggestions cannot be compared with each other, so
that the column of answers shows the value of the function at them instead, the larger the better.
"""

import importlib
import warnings

import numpy as np
from harness import compare

from bayes import BayesianOptimizer, Real

D, NOISE = 6, 0.05
ASKED = {100: 0.030, 300: 0.150, 1000: 0.6}  # seconds, by number of results
TURNS = {100: 3, 300: 2, 1000: 1}
SLOW = {"scikit-optimize": 100}  # no more results than this: seconds each


def truth(x):
    """Return a smooth function of the unit cube with a maximum inside."""
    x = np.asarray(x)
    return float(np.sin(3 * x).sum() + x[0] * x[1] - 4 * ((x - 0.3) ** 2).sum())


def results(n):
    rng = np.random.default_rng(n)
    X = rng.random((n, D))
    return X, np.array([truth(x) for x in X]) + NOISE * rng.normal(size=n)


def ours(X, y):
    """Return a function that asks with a warm start, all results but the last fifth having been fitted before."""
    names = [f"x{i}" for i in range(D)]
    made = BayesianOptimizer({name: Real(0, 1) for name in names}, random_state=0)

    def tell(rows):
        for i in rows:
            made.tell(dict(zip(names, X[i].tolist(), strict=True)), float(y[i]))

    known = int(len(y) / 1.25)
    tell(range(known))
    made.ask()
    tell(range(known, len(y)))
    state = made._campaign.__dict__ | {"records": list(made._campaign.records), "rows": list(made._campaign.rows)}

    def ask():
        made._campaign.__dict__.update(state | {"records": list(state["records"]), "rows": list(state["rows"])})
        made._fitted = (None, None)
        return list(made.ask().params.values())

    return ask


def botorch(X, y):
    torch = importlib.import_module("torch")
    from botorch.acquisition import qLogNoisyExpectedImprovement
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.transforms import Standardize
    from botorch.optim import optimize_acqf
    from gpytorch.mlls import ExactMarginalLogLikelihood

    torch.set_num_threads(1)
    bounds = torch.tensor([[0.0] * D, [1.0] * D], dtype=torch.double)

    def ask():
        inputs, outputs = torch.tensor(X), torch.tensor(y)[:, None]
        gp = SingleTaskGP(inputs, outputs, outcome_transform=Standardize(1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
        utility = qLogNoisyExpectedImprovement(gp, inputs, prune_baseline=True)
        return optimize_acqf(utility, bounds, q=1, num_restarts=4, raw_samples=128, options={"maxiter": 100})[0][
            0
        ].tolist()

    return ask


def optuna(X, y):
    module = importlib.import_module("optuna")
    module.logging.set_verbosity(module.logging.ERROR)
    law = module.distributions.FloatDistribution(0, 1)
    laws = {f"x{i}": law for i in range(D)}
    trials = [
        module.trial.create_trial(
            params={f"x{i}": float(v) for i, v in enumerate(row)}, distributions=laws, value=float(v)
        )
        for row, v in zip(X, y, strict=True)
    ]

    def ask():
        sampler = module.samplers.GPSampler(seed=0, n_startup_trials=10, deterministic_objective=False)
        study = module.create_study(direction="maximize", sampler=sampler)
        study.add_trials(trials)
        return list(study.ask(laws).params.values())

    return ask


def skopt(X, y):
    module = importlib.import_module("skopt")

    def ask():
        made = module.Optimizer([(0.0, 1.0)] * D, base_estimator="GP", n_initial_points=10, random_state=0)
        made.tell(X.tolist(), (-y).tolist())
        return made.ask()

    return ask


PEERS = {"BoTorch, qLogNEI": botorch, "Optuna, GPSampler": optuna, "scikit-optimize": skopt}


def rows():
    for n in ASKED:
        X, y = results(n)
        best = max(truth(x) for x in X)
        for name, peer in PEERS.items():
            if n > SLOW.get(name, n):
                continue

            def agree(mine, theirs, best=best):
                return f"true value there {truth(mine):.3f} and {truth(theirs):.3f}; best so far {best:.3f}"

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # theirs
                limit = f"asked {ASKED[n]}"
                yield compare(
                    f"suggestion after {n} results, d = {D}", ours(X, y), peer(X, y), name, agree, limit=limit
                )
