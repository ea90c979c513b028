"""Names of classes: what columns are called, and that numbers of one class are never taken for those of another."""

import numpy as np
import pytest
from contracts import require

from uq.epistemic import (
    PairDistribution,
    PairHeadClassifier,
    ScaledVariance,
    SecondOrderCalibration,
    second_order_calibration_error,
    second_order_score,
    squared_error_ustatistic,
)
from uq.epistemic._class_names import check_same_classes, class_codes, column_labels, label_array, plain
from uq.exceptions import InputError

from .naive import rows_of_counts

NAMES = ["a", "b", "c"]
TURNED = ["c", "b", "a"]


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def frame(request):
    """Return a function that makes a frame of an array and names."""
    library = require(request.param)
    if request.param == "pandas":
        return lambda array, names: library.DataFrame(np.asarray(array), columns=names)
    make = library.DataFrame if request.param == "polars" else library.table
    return lambda array, names: make({name: np.asarray(array)[:, j] for j, name in enumerate(names)})


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    said = rng.dirichlet([5, 2, 1], 200)
    return said, rows_of_counts(rng, np.array([rng.dirichlet(5 * p + 0.1) for p in said]), 4)


def test_labels_of_columns():
    pd = require("pandas")
    ask = lambda names: column_labels(pd.DataFrame(np.zeros((2, len(names))), columns=names), "f", "y")  # noqa: E731
    assert column_labels(np.zeros((2, 3)), "f", "y") is None
    assert column_labels(pd.DataFrame(np.zeros((2, 3))), "f", "y") is None
    assert ask(["0", "1"]) == ("0", "1")
    found = ask([3, 5])
    assert found == (3, 5)
    assert {type(label) for label in found} == {int}
    for names in ([1, "a"], [True, False], [1.0, 2.5], [np.float64(1), np.str_("b")], [np.True_, 3]):
        assert list(map(repr, ask(names))) == [repr(plain(name)) for name in names]
    assert ask([np.nan, ("a", 1)]) == ("nan", "a, 1")
    pl = require("polars")
    assert column_labels(pl.DataFrame(np.zeros((2, 3))), "f", "y") is None
    assert column_labels(pl.DataFrame({"column_1": [1], "column_0": [2]}), "f", "y") == ("column_1", "column_0")
    for twice in ([1, "1"], [True, 1], [1.0, "1.0"]):
        with pytest.raises(InputError, match="must have different names"):
            ask(twice)
    with pytest.raises(InputError, match="f: the columns of y must have different names; got 'a'"):
        ask(["a", "b", "a"])


def test_what_is_the_same():
    same = lambda found, classes: check_same_classes(found, classes, "f", "y", "pairs")  # noqa: E731
    for found, classes in (
        (("a", "b"), ("a", "b")),
        (None, ("a", "b")),
        (("a", "b"), None),
        (("0", "1"), ("a", "b")),
        (("a", "b"), (0, 1)),
        (("1", "2"), (1, 2)),
        (("1.0", "2.0"), (1, 2)),
        (("True", "False"), (True, False)),
        (("1", "a"), (1, "a")),
    ):
        same(found, classes)
    for found, classes in (
        (("b", "a"), ("a", "b")),
        (("a", "c"), ("a", "b")),
        (("2", "1"), (1, 2)),
        (("1", "0"), (0, 1)),
        (("False", "True"), (True, False)),
        (("x", "y"), ("a", "b")),
    ):
        with pytest.raises(InputError, match="y must have the classes of pairs, in their order"):
            same(found, classes)


def test_counts_of_other_classes_are_refused(frame, rows):
    said, y = rows
    p, right, wrong = frame(said, NAMES), frame(y, NAMES), frame(y[:, ::-1], TURNED)
    pairs = PairDistribution(ScaledVariance().fit(said, y).predict_pair(said).joint, classes=NAMES)
    for ask in (
        lambda counts: ScaledVariance().fit(p, counts).scale_,
        lambda counts: squared_error_ustatistic(counts, p).tolist(),
        lambda counts: second_order_calibration_error(counts, pairs).error,
        lambda counts: second_order_score(counts, pairs),
        lambda counts: SecondOrderCalibration(floor=0.1).fit(pairs, counts).factor_,
    ):
        assert ask(right) == ask(y)
        for bad in (wrong, frame(y, ["x", "y", "z"]), frame(y, ["a", "b", "d"])):
            with pytest.raises(InputError, match="in their order"):
                ask(bad)
    with pytest.raises(InputError, match="classes, in their order"):
        PairDistribution.from_counts(wrong, classes=NAMES)
    assert PairDistribution.from_counts(wrong).classes == tuple(TURNED)


def test_other_probabilities_than_in_fit_are_refused(frame, rows):
    said, y = rows
    p, turned = frame(said, NAMES), frame(said[:, ::-1], TURNED)
    for fitted in (ScaledVariance().fit(p, y), ScaledVariance().fit(said, frame(y, NAMES))):
        assert fitted.predict_pair(p).classes == fitted.predict_pair(said).classes == tuple(NAMES)
        with pytest.raises(InputError, match="y_prob must have the classes of fit, in their order"):
            fitted.predict_pair(turned)
    nameless = ScaledVariance().fit(said, y)
    assert nameless.predict_pair(said).classes is None
    assert nameless.predict_pair(turned).classes == tuple(TURNED)


def test_members_bring_the_names_of_the_counts(frame, rows):
    said, y = rows
    members = np.stack([said, said[:, ::-1]])
    assert ScaledVariance("ensemble").fit(members, frame(y, NAMES)).predict_pair(members).classes == tuple(NAMES)
    # the columns of an ensemble without a last axis are rows
    flat = frame(np.array([[0.2, 0.4, 0.9], [0.3, 0.6, 0.7]]), ["u", "v", "w"])
    votes = [[3, 1], [1, 3], [2, 2]]
    assert ScaledVariance("ensemble").fit(flat, votes).predict_pair(flat).classes is None


def test_a_factor_is_used_for_its_own_class_alone(rows):
    said, y = rows
    joint = ScaledVariance().fit(said, y).predict_pair(said).joint
    named = PairDistribution(joint, classes=NAMES)
    turned = PairDistribution(joint[:, ::-1, ::-1], classes=TURNED)
    pd = require("pandas")
    for target in ("top", "each"):
        ask = {"y": "a"} if target == "each" else {}
        for fitted in (
            SecondOrderCalibration(target=target).fit(named, y),
            SecondOrderCalibration(target=target).fit(joint, pd.DataFrame(y, columns=NAMES)),
        ):
            assert fitted.predict_interval(named, **ask)
            with pytest.raises(InputError, match="pairs must have the classes of fit, in their order"):
                fitted.predict_interval(turned, **ask)


def test_labels_of_two_kinds():
    joint = np.tile([[0.4, 0.1], [0.1, 0.4]], (3, 1, 1))
    pairs = PairDistribution(joint, classes=[1, "a"])
    assert pairs.interval(y=1) == PairDistribution(joint).interval(y=0)
    assert pairs.interval(y="a") == PairDistribution(joint).interval(y=1)
    assert class_codes(np.array([1, "a", 1], dtype=object), (1, "a"), 3, 2, "f").tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="got 'b'"):
        pairs.interval(y="b")


@pytest.mark.parametrize(
    ("y", "words"), [(np.str_("maybe"), "got 'maybe'"), (np.int64(5), "got 5"), (["no", "maybe", "yes"], "got 'maybe'")]
)
def test_errors_print_plain_labels(y, words):
    for classes in (["no", "yes"], np.array(["no", "yes"], dtype=object)):
        pairs = PairDistribution(np.tile(np.ones((2, 2)) / 4, (3, 1, 1)), classes=classes)
        with pytest.raises(InputError, match=words):
            pairs.interval(y=y)
    assert PairDistribution(pairs.joint, classes=[np.int64(3), np.int64(4)]).classes == (3, 4)
    with pytest.raises(InputError, match=r"got 1 in 'u'"):
        PairDistribution.from_counts([[1, 1], [2, 0], [0, 2]], groups=["u", "v", "v"])


@pytest.mark.parametrize("names", [["01", "1", "2"], ["1E1", "10", "c"], ["nan", "b", "c"], ["inf", "Infinity", "x"]])
def test_names_that_read_as_numbers_are_texts_first(names, frame, rows):
    said, y = rows
    joint = ScaledVariance().fit(said, y).predict_pair(said).joint
    pairs, counts = PairDistribution(joint, classes=names), frame(y, names)
    fitted = SecondOrderCalibration(target="each").fit(pairs, counts)
    for name in names:
        assert fitted.predict_interval(pairs, y=name) == SecondOrderCalibration(target="each").fit(
            joint, y
        ).predict_interval(joint, y=names.index(name))
    with pytest.raises(InputError, match="in their order"):
        second_order_score(frame(y[:, ::-1], names[::-1]), pairs)


def test_arrays_of_labels_hold_what_they_are():
    for labels, kind in (((False, True), "b"), ((1, 2), "i"), ((1.5, 2.0), "f"), (("a", "b"), "U"), ((1, "a"), "O")):
        array = label_array(labels)
        assert array.dtype.kind == kind
        assert list(map(repr, array.tolist())) == list(map(repr, labels))
    assert label_array(((1, 2), (3, 4))).tolist() == [(1, 2), (3, 4)]


@pytest.mark.parametrize("labels", [[False, True], [1.0, 2.0], [1, "a"]])
@pytest.mark.slow
def test_labels_are_kept_as_they_are(labels):
    pd = require("pandas")
    rng = np.random.default_rng(0)
    X, p = rng.normal(size=(60, 2)), rng.dirichlet([1, 1], 60)
    y = rows_of_counts(rng, p, 3)
    counts = pd.DataFrame(y, columns=pd.Index(labels, dtype=object if isinstance(labels[1], str) else None))
    for pairs in (
        ScaledVariance().fit(p, counts).predict_pair(p),
        ScaledVariance().fit(pd.DataFrame(p, columns=labels), y).predict_pair(p),
        PairDistribution.from_counts(counts),
    ):
        assert list(map(repr, pairs.classes)) == list(map(repr, labels))
        for j, label in enumerate(labels):
            said, expected = pairs.interval(y=label), PairDistribution(pairs.joint).interval(y=j)
            assert np.allclose([said.lower, said.upper], [expected.lower, expected.upper], rtol=1e-12)
    require("torch")
    model = PairHeadClassifier(hidden=(), max_epochs=2, device="cpu", random_state=0).fit(X, counts)
    assert list(map(repr, model.classes_.tolist())) == list(map(repr, labels))
    said = model.predict(X)
    assert said.dtype == model.classes_.dtype
    assert said.tolist() == [labels[j] for j in model.predict_proba(X).argmax(axis=1)]


def test_polars_frames_without_names(rows):
    pl = require("polars")
    said, y = rows
    joint = ScaledVariance().fit(said, y).predict_pair(said).joint
    pairs = PairDistribution(joint, classes=NAMES)
    assert second_order_score(pl.DataFrame(y), pairs) == second_order_score(y, pairs)
    assert ScaledVariance().fit(pl.DataFrame(said), pl.DataFrame(y, schema=NAMES)).predict_pair(said).classes == (
        "a",
        "b",
        "c",
    )
    assert PairDistribution.from_counts(pl.DataFrame(y), classes=NAMES).classes == tuple(NAMES)


def test_a_factor_knows_the_names_of_fit(rows):
    said, y = rows
    pd = require("pandas")
    joint = ScaledVariance().fit(said, y).predict_pair(said).joint
    plain_one = SecondOrderCalibration(target="each").fit(joint, y)
    for fitted in (
        SecondOrderCalibration(target="each").fit(joint, pd.DataFrame(y, columns=NAMES)),
        SecondOrderCalibration(target="each").fit(PairDistribution(joint, classes=NAMES), y),
    ):
        for j, name in enumerate(NAMES):
            assert fitted.predict_interval(joint, y=name) == plain_one.predict_interval(joint, y=j)
        with pytest.raises(InputError, match=r"y must name a class \(\['a', 'b', 'c'\]\); got 0"):
            fitted.predict_interval(joint, y=0)
