"""Optuna: TPE and its Gaussian process sampler. A crash is a failed trial, or (`...Worst`) the worst value so far."""

import optuna
from optuna import distributions

from .methods import Method

optuna.logging.set_verbosity(optuna.logging.ERROR)


def _distribution(d):
    if d.kind == "categorical":
        return distributions.CategoricalDistribution(d.levels)
    if d.kind == "integer":
        return distributions.IntDistribution(d.low, d.high)
    return distributions.FloatDistribution(d.low, d.high)


class TPE(Method):
    """Tree-structured Parzen estimator."""

    knows_crashes = True

    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.distributions = {d.name: _distribution(d) for d in self.space.dimensions}
        self.study = optuna.create_study(direction="maximize", sampler=self.sampler(seed))
        self.trial = None

    @property
    def startup(self):
        # Only trials that worked count as start-up: with the default of 10 most runs on crashing tables would stay
        # random to their end, so the model may begin at three.
        return 3 if self.problem.crashes else self.problem.n_initial

    def sampler(self, seed):
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=self.startup)

    def learn(self, points, values):
        fail = optuna.trial.TrialState.FAIL
        for point, value in zip(points, values, strict=True):
            if self.trial is not None:
                self.study.tell(self.trial, value, state=fail if value is None else None)
                self.trial = None
            else:
                state = {"state": fail} if value is None else {"value": value}
                self.study.add_trial(optuna.create_trial(params=point, distributions=self.distributions, **state))

    def propose(self):
        self.trial = self.study.ask(self.distributions)
        return dict(self.trial.params)


class TPEWorst(TPE):
    knows_crashes = False


class GP(TPE):
    """Gaussian process sampler; it offers no posterior mean to its users."""

    def sampler(self, seed):
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=self.startup)


class GPWorst(GP):
    knows_crashes = False
