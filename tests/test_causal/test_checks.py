"""Columns of one call that are not in the same order: every verb of every estimator refuses them."""

import numpy as np
import pytest
from contracts import require

from causal import (
    Classical,
    LinearDebiaser,
    Naive,
    PredictionPowered,
    SplineDebiaser,
    TweedieDebiaser,
    dsl,
)
from uq.exceptions import InputError

pd = require("pandas")

RNG = np.random.default_rng(0)
N = 120
ROWS = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "arm": np.arange(N) % 2,
        "weight": RNG.uniform(1, 2, N),
        "village": [f"v{i % 30}" for i in range(N)],
        "p": RNG.uniform(0.3, 0.7, N),
        "age": RNG.normal(size=N),
    },
    index=[f"r{i}" for i in range(N)],
)
ROWS["z"] = 0.8 * ROWS.y + 0.3 * RNG.normal(size=N)
OTHER = ROWS.set_axis([f"t{i}" for i in range(N)])
DEBIASERS = {
    "linear": lambda: LinearDebiaser(nondifferential=True),
    "spline": lambda: SplineDebiaser(3, nondifferential=True),
    "tweedie": lambda: TweedieDebiaser(nondifferential=True),
    "naive": Naive,
}
GIVEN = {"sample_weight": "weight", "groups": "village", "treatment": "arm", "propensity": "p", "X": ["age"]}


def shuffled(rows):
    return rows.sample(frac=1, random_state=1)


def refuse(call, message="order of y_pred"):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("make", [*DEBIASERS.values(), Classical, PredictionPowered])
def test_predictions_and_truth_in_different_orders(make):
    """They would be paired by their place, and a slope of 1 becomes one of 0."""
    mixed = shuffled(ROWS)
    refuse(lambda: make().fit(ROWS.z, mixed.y), r"fit: y must have its rows in the order of y_pred; .* y\.loc\[")
    refuse(lambda: make().fit(ROWS.z, ROWS.y, sample_weight=mixed.weight), "sample_weight")
    refuse(lambda: make().fit(ROWS.z, ROWS.y, groups=mixed.village), "groups")
    refuse(lambda: make().fit(ROWS.z.to_numpy(), ROWS.y, groups=mixed.village), "in the order of y;")
    for y in (mixed.y.loc[ROWS.index], ROWS.y.to_numpy(), OTHER.y, ROWS.y):  # in order, or nobody knows
        make().fit(ROWS.z, y)


@pytest.mark.parametrize("name", DEBIASERS)
@pytest.mark.parametrize(
    ("verb", "given"),
    [("mean", ["sample_weight"]), ("mean", ["groups"]), ("ols", ["X"]), ("ate", ["treatment"]),
     ("ate", ["treatment", "propensity"])],
)  # fmt: skip
def test_columns_of_a_verb_in_different_orders(name, verb, given):
    fitted = DEBIASERS[name]().fit(ROWS.z, ROWS.y)
    mixed = shuffled(OTHER)
    right = {key: OTHER[GIVEN[key]] for key in given}
    wrong = {**right, given[-1]: mixed[GIVEN[given[-1]]]}
    refuse(lambda: getattr(fitted, verb)(OTHER.z, **wrong), f"{verb}: {given[-1]} must have its rows in the order")
    ends = [getattr(fitted, verb)(OTHER.z, **right).estimate]
    ends.append(getattr(fitted, verb)(mixed.z, **{key: mixed[GIVEN[key]] for key in given}).estimate)
    assert ends[0] == pytest.approx(ends[1])


@pytest.mark.parametrize("make", [*DEBIASERS.values(), Classical, PredictionPowered])
def test_columns_beside_arrays_are_held_against_each_other(make):
    """Neither y_pred nor y has an index; the treatment and its propensity have."""
    mixed, z, y = shuffled(ROWS), ROWS.z.to_numpy(), ROWS.y.to_numpy()
    if make in (Classical, PredictionPowered):
        refuse(lambda: make().fit(z, y, treatment=ROWS.arm, propensity=mixed.p), "in the order of treatment;")
        refuse(lambda: make().fit(z, y, X=ROWS[["age"]], treatment=mixed.arm), "in the order of (X|treatment);")
    if make is PredictionPowered:
        refuse(lambda: make().partial_fit(z, y, treatment=ROWS.arm, propensity=mixed.p), "in the order of treatment;")
    if make is not Classical:
        given = {"treatment": ROWS.arm, "propensity": ROWS.p} if make is PredictionPowered else {}
        fitted = make().fit(z, y, **given)
        refuse(lambda: fitted.ate(z, ROWS.arm, propensity=mixed.p), "in the order of treatment;")
        if not given:
            refuse(lambda: fitted.ols(z, ROWS[["age"]], sample_weight=mixed.weight), "order of (X|sample_weight);")


@pytest.mark.parametrize("given", ["X", "treatment", "propensity"])
@pytest.mark.parametrize("make", [Classical, PredictionPowered])
def test_columns_of_a_fit_in_different_orders(make, given):
    right = {key: ROWS[GIVEN[key]] for key in ("X", "treatment", "propensity")}
    refuse(lambda: make().fit(ROWS.z, ROWS.y, **{**right, given: shuffled(ROWS)[GIVEN[given]]}), given)
    if make is PredictionPowered:
        refuse(lambda: make().partial_fit(ROWS.z, ROWS.y, **{**right, given: shuffled(ROWS)[GIVEN[given]]}), given)
        fitted, mixed = make().fit(ROWS.z, ROWS.y, **right), shuffled(OTHER)
        ask = {
            "X": lambda: fitted.ols(OTHER.z, mixed[["age"]]),
            "treatment": lambda: fitted.ate(OTHER.z, mixed.arm, propensity=OTHER.p),
            "propensity": lambda: fitted.ate(OTHER.z, OTHER.arm, propensity=mixed.p),
        }[given]
        refuse(ask, given)
        folds = pd.DataFrame({"one": OTHER.z, "two": OTHER.z + 0.1})
        refuse(lambda: fitted.ate(folds, mixed.arm, propensity=OTHER.p), "treatment")


@pytest.mark.parametrize("given", ["y", "labeled", "sampling_probability", "X", "groups", "strata"])
def test_columns_of_dsl_in_different_orders(given):
    right = {
        "y_pred": ROWS.z, "y": ROWS.y, "labeled": ROWS.arm, "sampling_probability": 0 * ROWS.p + 0.5,
        "X": ROWS[["age"]], "groups": ROWS.village, "strata": 0 * ROWS.arm,
    }  # fmt: skip
    right.pop("groups" if given == "strata" else "strata")
    refuse(lambda: dsl(**{**right, given: shuffled(right[given])}), given)


# ---- labelled rows among the unlabelled ones

SMALL = OTHER[:60]


def test_labelled_rows_among_the_unlabelled_are_named():
    fitted = PredictionPowered().fit(SMALL.z[:30], SMALL.y[:30])
    fitted.mean(SMALL.z[30:])
    for rest in (SMALL.z, SMALL.z[29:], shuffled(SMALL).z):
        refuse(
            lambda rest=rest: fitted.mean(rest), r"mean: y_pred must hold unlabelled rows alone; .* would count twice"
        )
    refuse(lambda: fitted.quantile(SMALL.z[20:], 0.5), "10 of 40 rows")
    # another model's predictions, under cross-prediction: the names still say it
    refuse(lambda: fitted.mean(pd.DataFrame({"a": SMALL.z + 1, "b": SMALL.z + 2})[::-1]), "30 of 60")
    by_y = PredictionPowered().fit(SMALL.z[:30].to_numpy(), SMALL.y[:30], groups=SMALL.village[:30])
    refuse(lambda: by_y.mean(SMALL.z[10:], groups=SMALL.village[10:]), "20 of 50")
    weights = np.arange(60) >= 30.0  # a row of weight 0 is not there
    fitted.mean(SMALL.z, sample_weight=weights)


def test_rows_that_only_count_must_agree_in_their_predictions():
    rows = SMALL.reset_index(drop=True)
    fitted = PredictionPowered().fit(rows.z[:30], rows.y[:30])
    refuse(lambda: fitted.mean(rows.z), "30 of 60 rows")
    refuse(lambda: PredictionPowered().fit(rows.z[::2], rows.y[::2]).mean(rows.z), "30 of 60 rows")
    fitted.mean(rows.z[30:])
    fitted.mean(rows.z[30:].reset_index(drop=True))  # another frame that begins at 0
    days = pd.date_range("2020-01-01", periods=30)
    PredictionPowered().fit(rows.z[:30].set_axis(days), rows.y[:30].to_numpy()).mean(rows.z[30:].set_axis(days))
    same = ["a"] * 30  # labels that repeat themselves name no row
    PredictionPowered().fit(rows.z[:30].set_axis(same), rows.y[:30].to_numpy()).mean(rows.z[30:].set_axis(same))


def test_labels_of_kinds_that_are_not_compared_are_different():
    text = SMALL.z[30:].set_axis(pd.Index([f"r{i}" for i in range(30)], dtype="string"))
    for days in (pd.period_range("2020", periods=30, freq="D"), pd.interval_range(0, 30)):
        PredictionPowered().fit(SMALL.z[:30].set_axis(days), SMALL.y[:30].to_numpy()).mean(text)
        PredictionPowered().fit(SMALL.z[:30].set_axis(days), SMALL.y[:30].set_axis(text.index))
