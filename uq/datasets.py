"""Small seeded data sets: what models, judges and jobs would have left, with the truth beside it. Nothing is loaded.

Each function returns a plain dict of arrays under the names that the rest of the library uses.
"""

import numpy as np
from scipy import special

from ._base.containers import dimensions
from ._base.exceptions import InputError
from ._base.random import check_rng
from ._base.validation import check_count, check_number, check_vector

__all__ = [
    "make_classification_outputs",
    "make_counts",
    "make_regression_outputs",
    "make_scores",
    "make_trials",
    "make_votes",
]


def make_scores(
    n_items=200, n_models=3, *, accuracy=None, item_std=1.0, n_groups=None, group_std=1.0, rng=None
) -> dict[str, np.ndarray]:
    """Make 0/1 scores of several models on the same items, some of which are hard for all of them.

    Model j answers item i correctly with probability Phi(a_j - d_i), where d_i is the item's difficulty, normal with
    standard deviation `item_std`, plus that of its group, normal with `group_std`; Phi is the normal distribution
    function. Models of equal accuracy are repeated runs of one model.

    Parameters
    ----------
    n_items, n_models : int, default 200 and 3
    accuracy : array-like of shape (n_models,), optional
        Each model's probability of a correct answer to a random item, in (0, 1). Default: from .6 to .75.
    item_std : float, default 1
        0 makes the models independent; larger values correlate them.
    n_groups : int, optional
        Put the items in this many groups of equal or nearly equal size.
    group_std : float, default 1
        Not used without groups.
    rng : None, int or numpy.random.Generator, optional

    Returns
    -------
    dict
        ``scores`` (n_items, n_models) of 0.0 and 1.0, ``accuracy`` (n_models,), ``names`` (n_models,), and with groups
        ``groups`` (n_items,).

    Raises
    ------
    InputError
        For counts below 1, an accuracy outside (0, 1) or of another length, negative standard deviations.

    Notes
    -----
    **Guarantee.** The expectation of column j over new items and groups is exactly ``accuracy[j]``.

    Examples
    --------
    >>> from uq.datasets import make_scores
    >>> data = make_scores(6, 2, accuracy=[.5, .9], n_groups=3, rng=0)
    >>> data["scores"].shape, data["groups"].tolist(), data["names"].tolist()
    ((6, 2), [0, 0, 1, 1, 2, 2], ['model 0', 'model 1'])
    """
    owner = "make_scores"
    n_items = check_count(n_items, owner, "n_items")
    n_models = check_count(n_models, owner, "n_models")
    item_std = _check_scale(item_std, owner, "item_std")
    group_std = _check_scale(group_std, owner, "group_std")
    accuracy = np.linspace(0.6, 0.75, n_models) if accuracy is None else check_vector(accuracy, owner, "accuracy")
    if len(accuracy) != n_models or (accuracy <= 0).any() or (accuracy >= 1).any():
        raise InputError(f"{owner}: accuracy must be {n_models} numbers in (0, 1), one per model; got {accuracy}.")
    rng = check_rng(rng, owner)
    difficulty = item_std * rng.standard_normal(n_items)
    variance = item_std**2
    data = {"accuracy": accuracy.copy(), "names": np.array([f"model {j}" for j in range(n_models)])}
    if n_groups is not None:
        n_groups = _check_at_most(n_groups, n_items, owner, "n_groups", "items")
        data["groups"] = np.arange(n_items) * n_groups // n_items
        difficulty = difficulty + group_std * rng.standard_normal(n_groups)[data["groups"]]
        variance += group_std**2
    # a probit with normal difficulties has its mean in closed form
    ability = special.ndtri(accuracy) * np.sqrt(1 + variance)
    correct = rng.random((n_items, n_models)) < special.ndtr(ability - difficulty[:, None])
    return {"scores": correct.astype(np.float64), **data}


def make_classification_outputs(
    n_samples=1000, n_classes=2, *, overconfidence=1.0, spread=2.0, rng=None
) -> dict[str, np.ndarray]:
    """Make class probabilities whose miscalibration is known.

    Logits are normal with standard deviation `spread`; the truth is drawn from their softmax; the model reports the
    softmax of the logits times `overconfidence`.

    Parameters
    ----------
    n_samples : int, default 1000
    n_classes : int, default 2
        At least 2.
    overconfidence : float, default 1
        Positive. 1 is calibrated, above 1 overconfident, below 1 underconfident. It is the temperature by which
        `scores` must be divided.
    spread : float, default 2
        Larger values make the classes easier to tell apart.
    rng : None, int or numpy.random.Generator, optional

    Returns
    -------
    dict
        ``y`` (n_samples,) integers below n_classes; ``y_prob``, ``true_prob`` (what the truth was drawn from) and
        ``scores`` (logits as reported): (n_samples,) for class 1 where n_classes is 2, else (n_samples, n_classes).

    Raises
    ------
    InputError
        For counts that are too small or scales that are not positive.

    Notes
    -----
    **Guarantee.** P(y = k | scores) is exactly ``true_prob``; with ``overconfidence=1`` it is ``y_prob``.

    Examples
    --------
    >>> from uq.datasets import make_classification_outputs
    >>> data = make_classification_outputs(4, 3, overconfidence=2, rng=0)
    >>> data["y_prob"].shape, data["y_prob"].sum(axis=1).round(12).tolist()
    ((4, 3), [1.0, 1.0, 1.0, 1.0])
    """
    owner = "make_classification_outputs"
    n_samples = check_count(n_samples, owner, "n_samples")
    n_classes = check_count(n_classes, owner, "n_classes", low=2)
    overconfidence = check_number(overconfidence, owner, "overconfidence", low=0)
    spread = check_number(spread, owner, "spread", low=0)
    rng = check_rng(rng, owner)
    if n_classes == 2:
        logits = spread * rng.standard_normal(n_samples)
        true_prob, y_prob = special.expit(logits), special.expit(overconfidence * logits)
        y = (rng.random(n_samples) < true_prob).astype(np.int64)
    else:
        logits = spread * rng.standard_normal((n_samples, n_classes))
        true_prob, y_prob = special.softmax(logits, axis=1), special.softmax(overconfidence * logits, axis=1)
        # the largest of the logits plus Gumbel noise is a draw from their softmax
        y = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    return {"y": y, "y_prob": y_prob, "scores": overconfidence * logits, "true_prob": true_prob}


def make_regression_outputs(
    n_samples=500, *, noise=1.0, bias=0.0, shrinkage=1.0, std_factor=1.0, n_groups=None, rng=None
) -> dict[str, np.ndarray]:
    """Make predictions of a number with the model's own standard deviation, each wrong in a chosen way.

    The signal is normal with standard deviation 2. The truth is the signal plus normal noise whose standard deviation
    grows from .5 to 1.5 times `noise` with x; the prediction is shrinkage * signal + bias.

    Parameters
    ----------
    n_samples : int, default 500
    noise : float, default 1
        0 makes the truth equal to the signal.
    bias : float, default 0
    shrinkage : float, default 1
        Below 1 the predictions are drawn toward the mean, as regressions that minimise squared error draw theirs.
    std_factor : float, default 1
        Positive: ``y_std`` is the true standard deviation of the noise times this.
    n_groups : int, optional
        Put the rows in this many groups, in each of which a quarter of the noise's variance is shared.
    rng : None, int or numpy.random.Generator, optional

    Returns
    -------
    dict
        ``y_pred``, ``y``, ``y_std`` and ``x`` in (0, 1), each of shape (n_samples,), and with groups ``groups``.

    Raises
    ------
    InputError
        For counts below 1, a negative noise, a std_factor that is not positive, numbers that are not finite.

    Notes
    -----
    **Guarantee.** With bias 0 and shrinkage 1, y given the prediction is normal around it with standard deviation
    ``y_std / std_factor``. Rows are independent without groups; groups are independent of each other.

    Examples
    --------
    >>> from uq.datasets import make_regression_outputs
    >>> data = make_regression_outputs(1000, bias=3, rng=0)
    >>> round(float((data["y_pred"] - data["y"]).mean()))
    3
    """
    owner = "make_regression_outputs"
    n_samples = check_count(n_samples, owner, "n_samples")
    noise = _check_scale(noise, owner, "noise")
    bias = check_number(bias, owner, "bias")
    shrinkage = check_number(shrinkage, owner, "shrinkage")
    std_factor = check_number(std_factor, owner, "std_factor", low=0)
    rng = check_rng(rng, owner)
    x = rng.random(n_samples)
    signal = 2 * rng.standard_normal(n_samples)
    std = noise * (0.5 + x)
    error = rng.standard_normal(n_samples)
    data = {"x": x, "y_std": std_factor * std, "y_pred": shrinkage * signal + bias}
    if n_groups is not None:
        n_groups = _check_at_most(n_groups, n_samples, owner, "n_groups", "rows")
        data["groups"] = np.arange(n_samples) * n_groups // n_samples
        error = np.sqrt(0.75) * error + 0.5 * rng.standard_normal(n_groups)[data["groups"]]
    return {"y": signal + std * error, **data}


def make_votes(
    n_candidates=4, n_items=50, n_judges=3, *, noise=1.0, leniency_std=0.5, missing=0.0, rng=None
) -> dict[str, np.ndarray]:
    """Make the ratings that several judges give to the answers of several candidates, in long form.

    A rating is 3 + the candidate's quality + the judge's leniency + normal noise, rounded to 1 ... 5.

    Parameters
    ----------
    n_candidates, n_items, n_judges : int, default 4, 50 and 3
    noise : float, default 1
    leniency_std : float, default .5
        Standard deviation between judges.
    missing : float in [0, 1), default 0
        Share of the ratings that are left out, at random. At least one stays.
    rng : None, int or numpy.random.Generator, optional

    Returns
    -------
    dict
        Long columns of one length: ``candidate``, ``item``, ``judge`` (texts, an integer, texts) and ``score``
        (1 ... 5). Beside them the truth: ``quality`` (n_candidates,), equally spaced from -1 to 1 and in the order
        of ``names``, and ``leniency`` (n_judges,).

    Raises
    ------
    InputError
        For counts below 1, negative scales, a missing share outside [0, 1).

    Notes
    -----
    **Guarantee.** Judges are exchangeable over items: their leniency is constant. Rounding pulls expected scores near
    1 and 5 toward the middle, so differences of mean scores understate those of ``quality``; their order is kept.

    Examples
    --------
    >>> from uq.datasets import make_votes
    >>> votes = make_votes(2, 3, 2, rng=0)
    >>> len(votes["score"]), votes["candidate"][:2].tolist(), votes["quality"].tolist()
    (12, ['candidate 0', 'candidate 0'], [-1.0, 1.0])
    """
    owner = "make_votes"
    shape = tuple(
        check_count(value, owner, name)
        for value, name in ((n_candidates, "n_candidates"), (n_items, "n_items"), (n_judges, "n_judges"))
    )
    noise = _check_scale(noise, owner, "noise")
    leniency_std = _check_scale(leniency_std, owner, "leniency_std")
    missing = check_number(missing, owner, "missing", low=0, high=1, closed=True)
    if missing == 1:
        raise InputError(f"{owner}: missing must be below 1; got 1, which leaves no rating.")
    rng = check_rng(rng, owner)
    quality = np.linspace(-1, 1, shape[0]) if shape[0] > 1 else np.zeros(1)
    leniency = leniency_std * rng.standard_normal(shape[2])
    candidate, item, judge = (index.reshape(-1) for index in np.indices(shape))
    score = 3 + quality[candidate] + leniency[judge] + noise * rng.standard_normal(len(item))
    score = np.clip(np.rint(score), 1, 5).astype(np.int64)
    keep = rng.random(len(item)) >= missing
    keep[rng.integers(len(item))] |= not keep.any()
    names = np.array([f"candidate {j}" for j in range(shape[0])])
    judges = np.array([f"judge {j}" for j in range(shape[2])])
    return {
        "candidate": names[candidate[keep]],
        "item": item[keep],
        "judge": judges[judge[keep]],
        "score": score[keep],
        "names": names,
        "quality": quality,
        "leniency": leniency,
    }


def make_trials(n_trials=30, *, noise=0.05, rng=None) -> dict[str, np.ndarray]:
    """Make the losses of training runs with random settings.

    The loss is (log10(learning_rate) + 3)^2 / 4 + (n_layers - 4)^2 / 20, plus .2 without augmentation, plus noise: its
    optimum is learning_rate .001, 4 layers, with augmentation, where it is 0 but for the noise.

    Parameters
    ----------
    n_trials : int, default 30
    noise : float, default .05
        Standard deviation of one run's loss.
    rng : None, int or numpy.random.Generator, optional

    Returns
    -------
    dict
        ``learning_rate`` (log-uniform in [1e-5, 1e-1]), ``n_layers`` (1 ... 8), ``augmentation`` ("no", "yes"),
        ``loss``, ``y_var`` (the known variance of the noise) and ``true_loss``, each of shape (n_trials,).

    Raises
    ------
    InputError
        For a count below 1 or a negative noise.

    Notes
    -----
    **Guarantee.** ``loss`` given the settings is normal around ``true_loss`` with variance ``y_var``; trials are
    independent.

    Examples
    --------
    >>> from uq.datasets import make_trials
    >>> trials = make_trials(5, rng=0)
    >>> trials["loss"].shape, bool((trials["true_loss"] >= 0).all())
    ((5,), True)
    """
    owner = "make_trials"
    n_trials = check_count(n_trials, owner, "n_trials")
    noise = _check_scale(noise, owner, "noise")
    rng = check_rng(rng, owner)
    log_rate = rng.uniform(-5, -1, n_trials)
    n_layers = rng.integers(1, 9, n_trials)
    augmentation = np.array(["no", "yes"])[rng.integers(2, size=n_trials)]
    true_loss = (log_rate + 3) ** 2 / 4 + (n_layers - 4) ** 2 / 20 + 0.2 * (augmentation == "no")
    return {
        "learning_rate": 10**log_rate,
        "n_layers": n_layers,
        "augmentation": augmentation,
        "loss": true_loss + noise * rng.standard_normal(n_trials),
        "y_var": np.full(n_trials, noise**2),
        "true_loss": true_loss,
    }


def make_counts(n_problems=100, n_trials=20, *, a=0.5, b=1.5, rng=None) -> dict[str, np.ndarray]:
    """Make the number of right answers among several samples, problem by problem.

    Parameters
    ----------
    n_problems : int, default 100
    n_trials : int or array-like of int of shape (n_problems,), default 20
        Samples drawn for each problem.
    a, b : float, default .5 and 1.5
        Each problem's rate of right answers has the law Beta(a, b).
    rng : None, int or numpy.random.Generator, optional

    Returns
    -------
    dict
        ``n_correct``, ``n_trials`` and ``rates`` (the true ones), each of shape (n_problems,).

    Raises
    ------
    InputError
        For counts below 1, or a or b that is not positive.

    Notes
    -----
    **Guarantee.** ``n_correct`` is beta-binomial; the probability that k new samples of a new problem hold a right
    answer is 1 - B(a, b + k) / B(a, b), with B the beta function.

    Examples
    --------
    >>> from uq.datasets import make_counts
    >>> counts = make_counts(5, 10, rng=0)
    >>> bool((counts["n_correct"] <= counts["n_trials"]).all()), counts["n_trials"].tolist()
    (True, [10, 10, 10, 10, 10])
    """
    owner = "make_counts"
    n_problems = check_count(n_problems, owner, "n_problems")
    a, b = check_number(a, owner, "a", low=0), check_number(b, owner, "b", low=0)
    if dimensions(n_trials):
        trials = check_vector(n_trials, owner, "n_trials")
        if len(trials) != n_problems or (trials < 1).any() or (trials != np.rint(trials)).any():
            raise InputError(f"{owner}: n_trials must be {n_problems} integers of at least 1, one per problem.")
        n_trials = trials.astype(np.int64)
    else:
        n_trials = np.full(n_problems, check_count(n_trials, owner, "n_trials"))
    rng = check_rng(rng, owner)
    rates = rng.beta(a, b, n_problems)
    return {"n_correct": rng.binomial(n_trials, rates), "n_trials": n_trials, "rates": rates}


def _check_scale(value, owner, name):
    return check_number(value, owner, name, low=0, high=np.inf, closed=True)


def _check_at_most(value, most, owner, name, what):
    value = check_count(value, owner, name)
    if value > most:
        raise InputError(f"{owner}: {name} must be at most the number of {what} ({most}); got {value}.")
    return value
