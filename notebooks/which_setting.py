# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which setting should I try next?
#
# Each trial of a training run costs an hour, its result is noisy, and some settings crash. Which one is worth the next
# hour? And when the hours are spent: which setting is best, and how good is it really?
#
# The run here takes milliseconds: a support vector machine on scikit-learn's digits, trained on 200 images and judged
# on 200 others, drawn anew each time. Kernel, number of principal components, C and gamma are to be chosen. As with
# many a real job, a part of the settings does not run: more than 48 components with a linear kernel end in a crash.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from bayes import BayesianOptimizer, Categorical, GaussianProcess, Integer, Real, noisy_expected_improvement

images, digits = load_digits(return_X_y=True)
images = images / 16


def accuracy(params, rng):
    """Return the share of right answers on one random split."""
    if params["kernel"] == "linear" and params["components"] > 48:
        raise MemoryError("the job was killed")
    order = rng.permutation(len(digits))
    train, test = order[:200], order[200:400]
    pca = PCA(params["components"], svd_solver="full")
    model = make_pipeline(pca, SVC(kernel=params["kernel"], C=params["C"], gamma=params["gamma"]))
    return model.fit(images[train], digits[train]).score(images[test], digits[test])


# %% [markdown]
# ## A campaign
#
# The space is a dictionary. `run` asks, evaluates and tells; an exception in the function is a failed trial, from which
# the campaign learns where not to look. The same can be done by hand with `ask` and `tell`, when the evaluation is a
# job on another machine.

# %%
space = {
    "kernel": Categorical(["linear", "poly", "rbf"]),
    "components": Integer(2, 64, log=True),
    "C": Real(1e-2, 1e3, log=True),
    "gamma": Real(1e-3, 10, log=True),
}
noise = np.random.default_rng(0)
search = BayesianOptimizer(space, random_state=0).run(lambda params: accuracy(params, noise), n_trials=40)
print(search.trials_)
print(f"best: {search.best_params_}")
print(f"said to reach {search.best_value_:.3f}, in {search.best_interval()}")

# %%
search.plot()
plt.show()

# %% [markdown]
# ## How good is it really?
#
# The luckiest trial is not the best setting, and its value is too good: it was chosen because it was lucky. The answer
# above is the best posterior mean among the settings that were tried. Here, where another split costs nothing, both can
# be held against 60 fresh ones.

# %%
done = [trial for trial in search.trials_ if trial.status == "ok"]
luckiest = max(done, key=lambda trial: trial.value)
fresh = np.random.default_rng(1)
for name, params, said in (
    ("best posterior mean", search.best_params_, search.best_value_),
    ("luckiest trial", luckiest.params, luckiest.value),
):
    again = np.mean([accuracy(params, fresh) for _ in range(60)])
    print(f"{name:20s} said {said:.3f}, on 60 fresh splits {again:.3f}")

# %% [markdown]
# ## What did the model see?
#
# One cut through the space for each parameter, the others held at the best setting; and whether the model's intervals
# held for what it had not seen yet.

# %%
figure, axes = plt.subplots(1, 4, figsize=(14, 3.2), sharey=True)
for ax, name in zip(axes, space, strict=True):
    search.plot("slice", params=name, ax=ax)
figure.tight_layout()
plt.show()
print(search.diagnostics())

# %% [markdown]
# ## Better than trying at random?
#
# Five campaigns of 30 trials each, against 30 settings spread over the space with the luckiest chosen, as one would.
# Judged by 40 fresh splits that neither has seen. Here it hardly matters: about one setting in ten lies within a
# standard deviation of the noise of the best, so that thirty tries hit several, and five seeds tell nothing. Over
# twenty seeds the search was ahead by .006, with a standard error of .0035. Where good settings are rare it is another
# matter: on Branin's function random search ends ten thousand times further from the optimum. `docs/contest.md` has
# both kinds.

# %%
rows = []
for seed in range(5):
    noise, fresh = np.random.default_rng(seed), np.random.default_rng(100 + seed)
    ours = BayesianOptimizer(space, random_state=seed).run(lambda params, rng=noise: accuracy(params, rng), n_trials=30)
    at_random = BayesianOptimizer(space, n_initial=30, random_state=seed)
    at_random.run(lambda params, rng=noise: accuracy(params, rng), n_trials=30)
    lucky = max((t for t in at_random.trials_ if t.status == "ok"), key=lambda trial: trial.value)
    rows.append([np.mean([accuracy(params, fresh) for _ in range(40)]) for params in (ours.best_params_, lucky.params)])
for (a, b), seed in zip(rows, range(5), strict=True):
    print(f"seed {seed}: search {a:.3f}, random {b:.3f}")
print(f"mean   : search {np.mean(rows, axis=0)[0]:.3f}, random {np.mean(rows, axis=0)[1]:.3f}")

# %% [markdown]
# ## What is a trial worth?
#
# The rule behind the next suggestion can be used by itself. One parameter, a handful of noisy values: the upper picture
# is what the model believes, the lower one what a trial at each place would add on average to the value of the setting
# that is reported in the end.

# %%
rng = np.random.default_rng(3)
x = np.array([[0.05], [0.2], [0.4], [0.7], [0.95]])
y = np.sin(6 * x[:, 0]) + 0.2 * rng.normal(size=5)
gp = GaussianProcess(length_scale=0.2, signal_variance=1.0, noise_variance=0.04, hyperparameters="fixed").fit(x, y)
grid = np.linspace(0, 1, 201)[:, None]
mean, std = gp.predict(grid, return_std=True)
figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(6, 5))
top.plot(grid, mean)
top.fill_between(grid[:, 0], mean - 1.645 * std, mean + 1.645 * std, alpha=0.2, linewidth=0)
top.plot(x, y, "ko", markersize=4)
top.set_ylabel("value")
bottom.plot(grid, noisy_expected_improvement(gp, grid))
bottom.set(xlabel="setting", ylabel="expected gain")
plt.show()
