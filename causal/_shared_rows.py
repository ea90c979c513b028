"""Which rows two estimates share, as far as labels can say: checked before any covariance is computed."""

import numpy as np

from uq._base.exceptions import InputError
from uq._base.results import Estimate

from ._influence import Influence, label_sums
from ._row_blocks import (
    as_objects,
    number_labels,
    read_blocks,
    refuse_counted_labels,
    refuse_one_name_for_both,
    refuse_rows_in_clusters,
    shared_labels,
)

__all__ = ["Pair", "check_pair"]


class Pair:
    """Two estimates of the same quantities with their joint covariance, in units of the larger error of each.

    Parameters
    ----------
    a, b : Estimate
    blocks : list of four Block
        The fit and the apply rows of a, then of b.
    """

    def __init__(self, a, b, blocks):
        self.a, self.b = a, b
        codes = [block.codes for block in blocks]
        self.size = 1 + max((int(c.max()) for c in codes if len(c)), default=-1)
        self.values_a, self.values_b = np.atleast_1d(a.estimate), np.atleast_1d(b.estimate)
        larger = np.maximum(np.atleast_1d(a.std_error), np.atleast_1d(b.std_error))
        self.unit = np.where(larger > 0, larger, 1.0)  # squares shall neither overflow nor vanish
        # by label, not by row: a row that an estimate used twice counts with the sum of its two values
        self.sums_a, self.sums_b = self._sums(a, codes[:2]), self._sums(b, codes[2:])
        self.v_a, self.v_b = self.sums_a.T @ self.sums_a, self.sums_b.T @ self.sums_b
        self.c = self.sums_a.T @ self.sums_b
        self.v_difference = self.v_a + self.v_b - self.c - self.c.T
        self._blocks = blocks

    def _sums(self, estimate, codes):
        values = estimate.influence
        scaled = Influence(fit=values.fit / self.unit, apply=values.apply / self.unit)
        return label_sums(scaled, np.concatenate(codes), self.size)

    def combined_cov(self, weight):
        """Return the covariance matrix of ``weight * a + (1 - weight) * b`` in these units."""
        total = weight * self.sums_a + (1 - weight) * self.sums_b
        return total.T @ total

    def combined_influence(self, weight):
        """Return the influence values of ``weight * a + (1 - weight) * b`` by label.

        A row that was ever fitted on stands in the fit block, with all its values.
        """
        total = self.unit * (weight * self.sums_a + (1 - weight) * self.sums_b)
        blocks = self._blocks
        kinds = {block.labels.dtype.kind for block in blocks if len(block.labels)}
        labels = np.empty(self.size, np.result_type(*(b.labels for b in blocks if len(b.labels)))
                          if len(kinds) == 1 and kinds <= set("iufM") else object)  # fmt: skip
        fitted, clustered = np.zeros(self.size, dtype=bool), np.zeros(self.size, dtype=bool)
        values, known = np.full(self.size, np.nan), np.zeros(self.size, dtype=bool)
        for block in blocks:
            at = block.codes
            labels[at] = as_objects(block.labels) if labels.dtype == object else block.labels
            clustered[at] = block.clustered
            fitted[at] |= block.role == "fit"
            if block.values is not None:
                differ = known[at] & (values[at] != block.values)  # predictions of two models
                values[at] = np.where(differ, np.nan, block.values)
                known[at] = True
        a, b = (e.influence.estimand for e in (self.a, self.b))
        rest = ~fitted
        return Influence(
            fit=total[fitted], apply=total[rest], fit_ids=labels[fitted], apply_ids=labels[rest],
            fit_clustered=clustered[fitted], apply_clustered=clustered[rest], fit_values=values[fitted],
            apply_values=values[rest], estimand=a if b is None else b,
        )  # fmt: skip

    @property
    def df(self):
        """Return the degrees of freedom of both laws, each broadcast to shape (k,)."""
        return [np.broadcast_to(getattr(e.law, "df", np.inf), self.values_a.shape) for e in (self.a, self.b)]


def check_pair(a, b, ids_a, ids_b, owner):
    """Return the `Pair`, or raise InputError where its covariance cannot be known."""
    for name, estimate in (("a", a), ("b", b)):
        _check_estimate(estimate, owner, name)
    estimands = [e.influence.estimand for e in (a, b)]
    other = None not in estimands and estimands[0] != estimands[1]
    if other or np.shape(a.estimate) != np.shape(b.estimate) or a.names != b.names:
        raise InputError(
            f"{owner}: a and b must estimate the same quantities; got {_described(a)} and {_described(b)}. Use the "
            "same verb and the same columns for both."
        )
    if (a.n_groups is None) != (b.n_groups is None):
        raise InputError(
            f"{owner}: a and b must both come from groups, or both from rows; got n_groups {a.n_groups} and "
            f"{b.n_groups}. Rows cannot be found again within clusters: give both verbs and both fits the same groups."
        )
    blocks = [*read_blocks(a.influence, ids_a, owner, "a"), *read_blocks(b.influence, ids_b, owner, "b")]
    number_labels(blocks, owner)
    if ids_a is None or ids_b is None:
        refuse_rows_in_clusters(blocks, owner)
        refuse_counted_labels(blocks, owner, a.n_groups is not None)
        if not any(shared_labels(one, two).any() for one in blocks[:2] for two in blocks[2:]):
            raise InputError(
                f"{owner}: a and b share no row label, so that nothing says whether they share rows. Pass ids_a and "
                "ids_b; labels that are all different state that the two are independent."
            )
    else:
        refuse_one_name_for_both(blocks, owner)
    return Pair(a, b, blocks)


def _check_estimate(estimate, owner, name):
    if not isinstance(estimate, Estimate):
        raise InputError(f"{owner}: {name} must be a uq.Estimate; got {type(estimate).__name__}. Call a verb first.")
    values = getattr(estimate, "influence", None)
    if not isinstance(values, Influence):
        raise InputError(
            f"{owner}: {name} must carry influence values, from which the covariance on shared rows comes; got an "
            f"estimate by {estimate.method!r} that has none. Use mean, ate or ols of an estimator of `causal` that "
            "still has its rows: after partial_fit, partial_estimate and merge there are moments alone, a bootstrap "
            "gives draws alone, and an infinite error has no parts."
        )
    if not np.isfinite(estimate.std_error).all():
        raise InputError(f"{owner}: {name} must have a finite error; got {estimate.std_error}. It needs more rows.")


def _described(estimate):
    size, verb = np.size(estimate.estimate), estimate.influence.estimand
    values = f"{size} value{'s' * (size != 1)}" + ("" if verb is None else f" of {verb}")
    return values + ("" if estimate.names is None else f" {list(estimate.names)}")
