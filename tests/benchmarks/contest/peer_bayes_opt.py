"""bayesian-optimization, with its default acquisition."""

import numpy as np
from bayes_opt import BayesianOptimization

from .methods import Method


class BayesOpt(Method):
    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.random = np.random.RandomState(seed)  # the peer takes no Generator
        bounds = {}
        for d in self.space.dimensions:
            if d.kind == "categorical":
                bounds[d.name] = d.levels
            else:
                bounds[d.name] = (d.low, d.high, int) if d.kind == "integer" else (d.low, d.high)
        self.optimizer = BayesianOptimization(
            f=None, pbounds=bounds, random_state=self.random, verbose=0, allow_duplicate_points=True
        )

    def learn(self, points, values):
        for point, value in zip(points, values, strict=True):
            self.optimizer.register(params=point, target=value)

    def propose(self):
        if self.space.finite:
            # 10,000 random draws see practically every one of some thousand cells; the differential evolution that
            # would follow costs a second per ask and finds nothing beyond
            row = self.optimizer.acquisition_function.suggest(
                gp=self.optimizer._gp, target_space=self.optimizer.space, n_smart=0, random_state=self.random
            )
            point = self.optimizer.space.array_to_params(row)
        else:
            point = self.optimizer.suggest()
        native = {"real": float, "integer": int, "categorical": str}
        return {d.name: native[d.kind](point[d.name]) for d in self.space.dimensions}

    def means(self, points):
        return np.ravel(self.optimizer.predict(points))
