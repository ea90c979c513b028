"""BoTorch: `SingleTaskGP` with its defaults and qLogNEI at a light setting; finite spaces are enumerated."""

import numpy as np
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from botorch.optim import optimize_acqf
from botorch.sampling.normal import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood

from .methods import Method

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


class BoTorch(Method):
    returns = "mean"

    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        torch.manual_seed(seed)
        self.x, self.y = [], []
        self.fitted = None
        if self.space.finite:
            self.cells = torch.tensor(self.space.encode(self.space.cells))

    def learn(self, points, values):
        self.x += points
        self.y += values
        self.fitted = None

    def kernel(self, columns):
        return None  # the peer's own default

    def model(self):
        if self.fitted is None:
            x, y = torch.tensor(self.space.encode(self.x)), torch.tensor(self.y)[:, None]
            model = SingleTaskGP(x, y, covar_module=self.kernel(x.shape[1]))
            # with crashes told as the worst value a fit runs into hundreds of iterations that change nothing
            options = {"options": {"maxiter": 100}} if self.problem.crashes else None
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model), optimizer_kwargs=options)
            self.fitted = model
        return self.fitted

    def propose(self):
        model, x = self.model(), torch.tensor(self.space.encode(self.x))
        sampler = SobolQMCNormalSampler(torch.Size([128]), seed=1000 * self.seed + len(self.x))
        value = qLogNoisyExpectedImprovement(model, X_baseline=x, sampler=sampler, prune_baseline=True)
        if self.space.finite:
            with torch.no_grad():
                scores = torch.cat([value(block[:, None, :]) for block in self.cells.split(256)]).numpy()
            if self.problem.noisy is None:  # nothing is learnt from seeing a cell twice
                seen = {self.space.key(p) for p in self.points}
                scores = np.where([self.space.key(p) in seen for p in self.space.cells], -np.inf, scores)
            return self.space.cells[int(np.argmax(scores))]
        bounds = torch.stack([torch.zeros(x.shape[1]), torch.ones(x.shape[1])])
        best, _ = optimize_acqf(value, bounds, q=1, num_restarts=4, raw_samples=128, options={"maxiter": 100})
        return self.space.decode(best[0].tolist())

    def means(self, points):
        model = self.model()
        with torch.no_grad():
            return model.posterior(torch.tensor(self.space.encode(points))).mean.numpy().ravel()


class BoTorchMatern52(BoTorch):
    """The same with a Matern-5/2 kernel under the same prior, so that the kernel's part in a gap can be told."""

    def kernel(self, columns):
        return get_covar_module_with_dim_scaled_prior(ard_num_dims=columns, use_rbf_kernel=False)
