"""`errorbars`: BayesianOptimizer with its defaults, and with one part changed so that a gain can be attributed."""

from unittest import mock

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real
from bayes.optimization import _propose

from .methods import Method


def _dimension(d):
    if d.kind == "categorical":
        return Categorical(d.levels)
    return (Integer if d.kind == "integer" else Real)(d.low, d.high)


class Errorbars(Method):
    """The defaults; the shared start is told as results of earlier work and takes the place of its own."""

    knows_crashes = True
    returns = "mean"

    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.optimizer = BayesianOptimizer(
            {d.name: _dimension(d) for d in self.space.dimensions},
            n_initial=problem.n_initial,
            random_state=seed,
            **self.options(),
        )
        self.trial = None

    def options(self):
        return {}

    def learn(self, points, values):
        for point, value in zip(points, values, strict=True):
            trial = point if self.trial is None else self.trial
            self.trial = None
            if value is None:
                self.optimizer.tell(trial, status="failed")
            else:
                self.optimizer.tell(trial, value)

    def propose(self):
        self.trial = self.optimizer.ask()
        return dict(self.trial.params)

    def recommend(self):
        """Return its own report at every noise: the best posterior mean."""
        answer = super().recommend()
        if answer:
            answer["own"] = answer["mean"] = dict(self.optimizer.best_params_)
        return answer


class ErrorbarsGaussian(Errorbars):
    def options(self):
        return {"surrogate": GaussianProcess(kernel="gaussian")}


class ErrorbarsExpectedImprovement(Errorbars):
    def options(self):
        return {"acquisition": "expected_improvement"}


class ErrorbarsNoClassifier(Errorbars):
    """Failed cells are not suggested again, and nothing is learned from them."""

    def options(self):
        return {"failures": "abandon"}


class ErrorbarsNoBelief(Errorbars):
    """The classifier alone: the model of values is left as open where trials failed as it was before."""

    def propose(self):
        with mock.patch.object(_propose, "_without_value", lambda campaign, models: models.X[:0]):
            return super().propose()
