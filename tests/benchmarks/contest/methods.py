"""The contestants: what each must do, and by which name it is known. Peers are imported only when they play."""

import importlib

import numpy as np


class Method:
    """A contestant: told the shared start, then asked and told one point at a time.

    A method that has no word for a crash is told the worst value seen so far; until something works it is not asked at
    all, and cells are drawn at random.
    """

    knows_crashes = False
    returns = "best observed"  # what it hands to its user under noise; "mean" where that is its best posterior mean

    def __init__(self, problem, seed):
        self.problem, self.seed, self.space = problem, seed, problem.space
        self.rng = np.random.default_rng([seed, 77])
        self.points, self.values, self.taught = [], [], 0

    # ---- what a contestant fills in

    def learn(self, points, values):
        """Take in finished evaluations; values are numbers, or None for a crash if `knows_crashes`."""

    def propose(self):
        """Return the next point."""
        raise NotImplementedError

    def means(self, points):
        """Return posterior means at the points, or None where the peer offers none."""
        return None

    # ---- what the contest calls

    def tell(self, points, values):
        self.points += points
        self.values += values
        told = [v for v in self.values if v is not None]
        if self.knows_crashes or told:
            fresh = slice(self.taught, None)
            values = self.values[fresh]
            if not self.knows_crashes:
                values = [min(told) if v is None else v for v in values]
            self.learn(self.points[fresh], values)
            self.taught = len(self.points)

    def ask(self):
        return self.propose() if self.taught else self.unseen()

    def unseen(self):
        """Return a random point, on a finite space one that was not evaluated yet."""
        if not self.space.finite:
            return {
                d.name: d.at(u)
                for d, u in zip(self.space.dimensions, self.rng.random(len(self.space.dimensions)), strict=True)
            }
        seen = {self.space.key(p) for p in self.points}
        rest = [p for p in self.space.cells if self.space.key(p) not in seen]
        return rest[self.rng.integers(len(rest))]

    def working(self):
        """Return the indices of evaluations that did not crash."""
        return [i for i, v in enumerate(self.values) if v is not None]

    def recommend(self):
        """Return points by rule: `own` is what the method itself returns, `mean` its best posterior mean."""
        there = self.working()
        if not there:
            return {}
        answer = {"own": self.points[max(there, key=lambda i: self.values[i])]}
        means = self.means([self.points[i] for i in there])
        if means is not None:
            answer["mean"] = self.points[there[int(np.argmax(means))]]
            if self.returns == "mean" and self.problem.noisy is not None:
                answer["own"] = answer["mean"]
        return answer


class Random(Method):
    """Uniform at random, on finite spaces without repetition."""

    knows_crashes = True

    def propose(self):
        return self.unseen()


# name -> (module, class, packages whose versions are recorded)
METHODS = {
    "random": ("methods", "Random", ()),
    "optuna_tpe": ("peer_optuna", "TPE", ("optuna",)),
    "optuna_tpe_worst": ("peer_optuna", "TPEWorst", ("optuna",)),
    "optuna_gp": ("peer_optuna", "GP", ("optuna", "torch")),
    "optuna_gp_worst": ("peer_optuna", "GPWorst", ("optuna", "torch")),
    "bayes_opt": ("peer_bayes_opt", "BayesOpt", ("bayesian-optimization", "scikit-learn")),
    "skopt": ("peer_skopt", "Skopt", ("scikit-optimize", "scikit-learn")),
    "botorch": ("peer_botorch", "BoTorch", ("botorch", "gpytorch", "torch")),
    "botorch_matern52": ("peer_botorch", "BoTorchMatern52", ("botorch", "gpytorch", "torch")),
    "errorbars": ("ours", "Errorbars", ("errorbars", "numpy", "scipy")),
    "errorbars_gaussian": ("ours", "ErrorbarsGaussian", ("errorbars", "numpy", "scipy")),
    "errorbars_ei": ("ours", "ErrorbarsExpectedImprovement", ("errorbars", "numpy", "scipy")),
    "errorbars_no_belief": ("ours", "ErrorbarsNoBelief", ("errorbars", "numpy", "scipy")),
    "errorbars_no_classifier": ("ours", "ErrorbarsNoClassifier", ("errorbars", "numpy", "scipy")),
}
CRASHES_ONLY = {"optuna_tpe_worst", "optuna_gp_worst", "errorbars_no_belief", "errorbars_no_classifier"}


def build(name, problem, seed):
    """Return a fresh contestant."""
    module, cls, _ = METHODS[name]
    return getattr(importlib.import_module(f".{module}", __package__), cls)(problem, seed)
