"""pass@k and pass^k: unbiased under every rule by enumeration of all outcomes, and what is refused."""

import itertools
import warnings
from math import comb

import numpy as np
import pytest
from contracts import CONTAINERS, IntervalContract, PValueContract, in_container

from uq import estimate_mean
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning, UntestedAssumptionWarning
from uq.sampling import pass_all_k, pass_at_k

P = 0.3


def paths(stop, cap, p=P):
    """Yield (n_correct, n_trials, probability) of all outcomes of a rule, path by path."""
    open_paths = [((), 1.0)]
    while open_paths:
        path, weight = open_paths.pop()
        if path and (len(path) == cap or stop(path)):
            yield sum(path), len(path), weight
        else:
            open_paths += [((*path, 1), weight * p), ((*path, 0), weight * (1 - p))]


def moments(ends, k, **options):
    """Return mean and variance of the estimate over all outcomes."""
    c, n, weight = (np.array(v) for v in zip(*ends, strict=True))
    assert weight.sum() == pytest.approx(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntestedAssumptionWarning)
        value = pass_at_k(c, n, k, average=None, **options)
    return weight @ value, weight @ value**2 - (weight @ value) ** 2


@pytest.mark.parametrize("k", range(1, 9))
def test_a_fixed_number_is_unbiased(k):
    ends = list(paths(lambda path: False, 8))
    assert moments(ends, k)[0] == pytest.approx(1 - (1 - P) ** k, rel=1e-12)


@pytest.mark.parametrize("target", [1, 2, 3])
def test_inverse_sampling_is_unbiased(target):
    n = np.arange(target, 400)
    weight = np.array([comb(m - 1, target - 1) for m in n.tolist()], float) * P**target * (1 - P) ** (n - target)
    for k in (1, 2, 5, 9, 30):
        got = weight @ pass_at_k(np.full(len(n), target), n, k, sampling="inverse", average=None)
        assert got == pytest.approx(1 - (1 - P) ** k, rel=1e-11)


@pytest.mark.parametrize(("target", "cap"), [(1, 6), (2, 6), (3, 9), (2, 2), (4, 3)])
def test_inverse_sampling_with_a_cap_is_unbiased(target, cap):
    ends = list(paths(lambda path: sum(path) == target, cap))
    for k in range(1, cap + 1):
        assert moments(ends, k, sampling="inverse", target=target, cap=cap)[0] == pytest.approx(1 - (1 - P) ** k)
    with pytest.raises(InputError, match="k must not exceed"):
        moments(ends, cap + 1, sampling="inverse", target=target, cap=cap)


@pytest.mark.parametrize(("size", "cap"), [(1, 5), (2, 8), (3, 9), (4, 4)])
def test_batches_with_a_cap_are_unbiased(size, cap):
    ends = list(paths(lambda path: len(path) % size == 0 and sum(path) > 0, cap))
    for k in range(1, cap + 1):
        mean, _ = moments(ends, k, sampling="batch", batch_size=size, cap=cap)
        assert mean == pytest.approx(1 - (1 - P) ** k)


def test_batches_without_a_cap_are_unbiased():
    size, rounds = 3, np.arange(120)
    rows = [(c, size * (m + 1)) for m in rounds for c in range(1, size + 1)]
    c, n = np.array(rows).T
    weight = (1 - P) ** (n - size) * np.array([comb(size, int(j)) for j in c]) * P**c * (1 - P) ** (size - c)
    for k in (1, 2, 3, 4, 7, 20):
        got = weight @ pass_at_k(c, n, k, sampling="batch", batch_size=size, average=None)
        assert got == pytest.approx(1 - (1 - P) ** k, rel=1e-11)


def test_a_fixed_number_is_wrong_for_what_was_stopped():
    """The size of the trap, exactly: batches of 60 until a success, p = .018, a true pass@60 of .665."""
    p, b = 1 - (1 - 0.665) ** (1 / 60), 60
    c, n = np.array([(j, b * (m + 1)) for m in range(60) for j in range(1, b + 1)]).T
    weight = (1 - p) ** (n - b) * np.array([comb(b, int(j)) for j in c], float) * p**c * (1 - p) ** (b - c)
    right = weight @ pass_at_k(c, n, 60, sampling="batch", batch_size=b, average=None)
    with pytest.warns(UntestedAssumptionWarning, match="stopped at a success"):
        wrong = weight @ pass_at_k(c, n, 60, average=None)
    assert right == pytest.approx(0.665, rel=1e-6)
    assert wrong == pytest.approx(0.8524, abs=5e-5)


@pytest.mark.parametrize(
    ("ends", "options", "reach"),
    [
        (lambda: paths(lambda path: False, 8), {}, 8),
        (lambda: paths(lambda path: sum(path) == 2, 9), {"sampling": "inverse", "target": 2, "cap": 9}, 9),
        (
            lambda: paths(lambda path: len(path) % 2 == 0 and sum(path) > 0, 8),
            {"sampling": "batch", "batch_size": 2, "cap": 8},
            8,
        ),
    ],
    ids=["fixed", "inverse", "batch"],
)  # fmt: skip
def test_the_variance_within_problems_is_unbiased(ends, options, reach):
    """The squared standard error of one problem, averaged over all outcomes, is the variance over all outcomes."""
    ends = list(ends())
    merged = {}
    for c, n, weight in ends:
        merged[c, n] = merged.get((c, n), 0.0) + weight
    for k in range(1, reach // 2 + 1):
        _, variance = moments(ends, k, **options)
        expected = sum(
            weight * pass_at_k([c], [n], k, problems="fixed", method="normal", **options).std_error ** 2
            for (c, n), weight in merged.items()
        )
        assert expected == pytest.approx(variance, rel=1e-10)


def test_covariances_within_problems_are_unbiased():
    n, ks = 8, [1, 3, 5]
    c = np.arange(n + 1)
    weight = np.array([comb(n, int(j)) for j in c]) * P**c * (1 - P) ** (n - c)
    values = pass_at_k(c, n, ks, average=None)
    exact = (values * weight[:, None]).T @ values - np.outer(weight @ values, weight @ values)
    got = sum(w * pass_at_k([j], n, ks, problems="fixed").cov for j, w in zip(c, weight, strict=True))
    known = np.add.outer(ks, ks) <= n
    assert got[known] == pytest.approx(exact[known])
    # beyond k + l = n only the jackknife is left, which is biased upwards
    assert (np.diag(got) >= np.diag(exact) * (1 - 1e-12)).all()


def test_the_jackknife_is_that_of_leaving_out_samples():
    outcomes, k = [1, 1, 0, 0, 0, 0, 0], 5

    def direct(rows):
        return np.mean([any(choice) for choice in itertools.combinations(rows, k)])

    left_out = [direct(outcomes[:i] + outcomes[i + 1 :]) for i in range(7)]
    want = 6 / 7 * np.sum((np.array(left_out) - direct(outcomes)) ** 2)
    got = pass_at_k([2], 7, k, problems="fixed", method="normal")
    assert got.std_error**2 == pytest.approx(want)
    assert got.estimate == pytest.approx(direct(outcomes))


def test_all_samples_at_once_say_nothing_about_their_own_error():
    found = pass_at_k([3, 0, 1], 5, 5, problems="fixed", method="normal")
    assert found.std_error == np.inf
    with pytest.warns(InfiniteBoundWarning):
        assert found.conf_int().width == np.inf
    lower, upper = pass_at_k([3, 0, 1], 5, 5, problems="fixed").conf_int()
    assert 0 < lower < upper <= 1


@pytest.mark.parametrize("k", [1, 3, 6])
def test_pass_all_k_counts_choices(k):
    outcomes = [1, 1, 1, 1, 0, 0]
    want = np.mean([all(choice) for choice in itertools.combinations(outcomes, k)])
    assert pass_all_k([4], 6, k, average=None)[0] == pytest.approx(want, abs=1e-15)
    # of right answers what pass@k is of wrong ones
    assert pass_all_k([4, 1], 6, k, average=None) == pytest.approx(1 - pass_at_k([2, 5], 6, k, average=None))
    assert pass_all_k([4, 1, 6], 6, k).std_error == pytest.approx(pass_at_k([2, 5, 0], 6, k).std_error)


# ---- the mean over problems


def counts(n=40):
    rng = np.random.default_rng(2)
    return rng.binomial(12, rng.beta(0.4, 1.0, n)), np.arange(n) // 4


@pytest.mark.parametrize("method", ["betting", "t", "cluster", "bootstrap"])
def test_it_is_the_mean_of_the_values_of_the_problems(method):
    c, groups = counts()
    groups = groups if method == "cluster" else None
    options = {"method": method, "rng": 3, "n_resamples": 199}
    values = pass_at_k(c, 12, 3, average=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        got = pass_at_k(c, 12, 3, groups=groups, **options)
        want = estimate_mean(values, groups, bounds=(0, 1) if method == "betting" else None, **options)
    assert (got.estimate, got.std_error) == pytest.approx((want.estimate, want.std_error))
    assert got.conf_int() == want.conf_int()
    assert got.guarantee == want.guarantee


@pytest.mark.parametrize("method", ["auto", "t", "bootstrap"])
def test_several_k_are_each_what_one_is(method):
    c, _ = counts()
    many = pass_at_k(c, 12, [1, 3, 7], method=method, rng=0, n_resamples=99)
    rng = np.random.default_rng(0)
    ones = [pass_at_k(c, 12, k, method=method, rng=rng, n_resamples=99) for k in (1, 3, 7)]
    assert many.names == ("pass@1", "pass@3", "pass@7")
    assert many.estimate.tolist() == [one.estimate for one in ones]
    assert many.conf_int().lower.tolist() == [one.conf_int().lower for one in ones]
    assert many.pvalue(0.4).tolist() == [one.pvalue(0.4) for one in ones]


@pytest.mark.parametrize("clustered", [False, True])
def test_the_covariance_over_problems_is_that_of_their_values(clustered):
    c, groups = counts()
    found = pass_at_k(c, 12, [1, 3, 7], groups=groups if clustered else None)
    values = pass_at_k(c, 12, [1, 3, 7], average=None)
    if clustered:
        sums = np.array([(values - values.mean(axis=0))[groups == g].sum(axis=0) for g in range(10)])
        want = 10 / 9 * sums.T @ sums / 40**2
    else:
        want = np.cov(values.T) / 40
    assert found.cov == pytest.approx(want)
    assert np.sqrt(np.diag(found.cov)) == pytest.approx(found.std_error)


def test_too_few_samples_are_an_error_or_left_out_and_never_one():
    c, n = np.array([0, 1, 2, 2]), np.array([5, 5, 5, 2])
    with pytest.raises(InputError, match=r"k must not exceed.*k=3 for 2 in row 3.*too_few='omit'"):
        pass_at_k(c, n, 3)
    found = pass_at_k(c, n, [1, 3], too_few="omit")
    assert (found.n, found.n_dropped) == (3, 1)
    assert found.estimate == pytest.approx(pass_at_k(c[:3], 5, [1, 3]).estimate)
    per_problem = pass_at_k(c, n, [1, 3], average=None, too_few="omit")
    assert np.isnan(per_problem).tolist() == [[False, False]] * 3 + [[False, True]]
    with pytest.raises(InputError, match="k must not exceed"):
        pass_at_k(c, n, 3, average=None)
    with pytest.raises(InputError, match="k must not exceed"):
        pass_at_k(c, n, 6, too_few="omit")
    groups = np.array([0, 0, 1, 2])
    assert pass_at_k(c, n, 3, groups=groups, too_few="omit").n_groups == 2
    with pytest.raises(InputError, match="groups"):
        pass_at_k(c, n, 3, groups=[0, 0, 0, 1], too_few="omit")


def test_few_problems_warn_once_and_at_the_caller():
    for options in ({"method": "t"}, {"method": "bootstrap", "n_resamples": 19, "rng": 0}):
        with pytest.warns(SmallSampleWarning, match="3 problems are few") as caught:
            pass_at_k([1, 2, 0], 4, [1, 2], **options)
        assert [w.filename for w in caught] == [__file__]
    with pytest.warns(SmallSampleWarning, match="2 clusters are few"):
        pass_all_k([1, 2, 0], 4, 2, groups=[0, 0, 1], method="cluster")


def test_stopping_is_noticed_where_it_shows_and_not_elsewhere():
    rng = np.random.default_rng(0)
    n = rng.integers(20, 200, 80)
    pass_at_k(rng.binomial(n, rng.beta(0.3, 5.0, 80)), n, 5)  # no warning: some problems fail at any number
    pass_at_k(np.minimum(n, 30) - 5, n, 5)  # nor where all succeed many times
    few = rng.integers(1, 6, 80)
    pass_at_k(np.maximum(few - (few == 2), 1), few, 1)  # nor where rates are so high that none need fail
    stopped = rng.geometric(rng.beta(2, 10, 80))
    with pytest.warns(UntestedAssumptionWarning, match="pass_at_k: these counts") as caught:
        pass_at_k(np.ones(80), stopped, 1)
    assert caught[0].filename == __file__
    pass_at_k(np.ones(80), stopped, 1, sampling="inverse")
    with pytest.warns(UntestedAssumptionWarning, match="pass_all_k"):
        pass_all_k(np.ones(80), stopped, 1)


# ---- what comes in


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_container_gives_the_same(container):
    c, _ = counts()
    n = np.full(40, 12.0)
    got = pass_at_k(in_container(container, c.astype(float)), in_container(container, n), 3)
    assert got == pass_at_k(c, 12, 3)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"n_correct": [5]}, "from 0 to n_trials; got 5 of 4 in row 0"),
        ({"n_correct": [1.5]}, "whole numbers"),
        ({"n_correct": [-1]}, "whole numbers"),
        ({"n_correct": [np.nan]}, "finite"),
        ({"n_correct": []}, "at least one row"),
        ({"n_trials": [4, 4]}, "as many rows"),
        ({"n_trials": 0}, "n_trials must be whole numbers of at least 1"),
        ({"n_trials": 1e300}, "n_trials"),
        ({"k": 0}, "k must be a whole number"),
        ({"k": 1.0}, "k must be a whole number"),
        ({"k": True}, "k must be a whole number"),
        ({"k": [1.5]}, "k must be a whole number"),
        ({"k": []}, "at least one row"),
        ({"k": "3"}, "k must be"),
        ({"k": 10**40}, "k"),
        ({"k": 5}, "k must not exceed"),
        ({"sampling": "until"}, "sampling must be one of"),
        ({"cap": 9}, "takes no cap"),
        ({"target": 1}, "takes no target"),
        ({"sampling": "inverse", "n_correct": [0]}, "cannot give 0 right answers of 4"),
        ({"sampling": "inverse", "target": 2}, "cannot give 1 right answers"),
        ({"sampling": "inverse", "cap": 9}, "needs target"),
        ({"sampling": "inverse", "target": 2, "cap": 9}, "at the cap of 9"),
        ({"sampling": "inverse", "target": 0}, "target must be an integer of at least 1"),
        ({"sampling": "inverse", "target": [1, 1]}, "one per problem"),
        ({"sampling": "batch"}, "needs batch_size"),
        ({"sampling": "batch", "batch_size": 3}, "first batch that holds a right answer"),
        ({"sampling": "batch", "batch_size": 3, "cap": 4}, "multiple of batch_size"),
        ({"sampling": "batch", "batch_size": 2, "n_correct": [0]}, "cannot give"),
        ({"sampling": "inverse", "cap": 3, "target": 1}, "must not exceed the cap"),
        ({"average": "samples"}, "average"),
        ({"problems": "both"}, "problems"),
        ({"problems": "fixed", "method": "t"}, "method must be one of"),
        ({"problems": "fixed", "groups": [1]}, "groups"),
        ({"method": "kl"}, "method must be one of"),
        ({"method": "cluster"}, "needs groups"),
        ({"too_few": "one"}, "too_few"),
        ({"rng": -1}, "rng"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"n_jobs": 0}, "n_jobs"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(InputError, match=match):
        pass_at_k(**{"n_correct": [1], "n_trials": 4, "k": 2, **arguments})


def test_fixed_problems_beyond_half_the_cap_are_refused():
    with pytest.raises(InputError, match="half the cap"):
        pass_at_k([0, 1], [4, 2], 3, sampling="batch", batch_size=2, cap=4, problems="fixed")


def test_t_takes_no_groups():
    with pytest.raises(InputError, match="Use 'cluster'"):
        pass_at_k([1, 2, 3], 4, 2, method="t", groups=[0, 0, 1])


CASES = {
    "betting": lambda: pass_at_k([0, 3, 1, 4], 4, 2),
    "several": lambda: pass_at_k([0, 3, 1, 4], 4, [1, 2]),
    "kl": lambda: pass_at_k([0, 3, 1, 4], 4, 2, problems="fixed"),
    "kl of none": lambda: pass_at_k([0, 0], 4, 2, problems="fixed"),
    "kl of all": lambda: pass_at_k([4, 4], 4, 2, problems="fixed"),
    "kl of several": lambda: pass_at_k([0, 3, 1, 4], 4, [1, 2, 4], problems="fixed"),
    "normal": lambda: pass_at_k([0, 3, 1, 4], 4, [1, 2], problems="fixed", method="normal"),
    "t": lambda: pass_at_k(np.arange(40) % 5, 4, [1, 2], method="t"),
}


class TestLaws(IntervalContract, PValueContract):
    @pytest.fixture(params=CASES)
    def result(self, request):
        return CASES[request.param]()
