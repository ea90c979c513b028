"""scikit-optimize: its Gaussian process with the default acquisition (gp_hedge)."""

import numpy as np
from skopt import Optimizer
from skopt.space import Categorical, Integer, Real

from .methods import Method


def _dimension(d):
    if d.kind == "categorical":
        return Categorical(list(d.levels), name=d.name)
    return (Integer if d.kind == "integer" else Real)(d.low, d.high, name=d.name)


class Skopt(Method):
    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.optimizer = Optimizer(
            [_dimension(d) for d in self.space.dimensions], base_estimator="GP", n_initial_points=1, random_state=seed
        )

    def learn(self, points, values):
        self.optimizer.tell([list(self.space.key(p)) for p in points], [-v for v in values])

    def propose(self):
        row = self.optimizer.ask()
        native = {"real": float, "integer": int, "categorical": str}
        return {d.name: native[d.kind](v) for d, v in zip(self.space.dimensions, row, strict=True)}

    def means(self, points):
        if not self.optimizer.models:
            return None
        rows = self.optimizer.space.transform([list(self.space.key(p)) for p in points])
        return -np.asarray(self.optimizer.models[-1].predict(rows))
