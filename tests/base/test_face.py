"""The public face says what it returns: in annotations, and in words where the class has no public name."""

import inspect

import pytest

import uq
from uq import Report, WrappedModel
from uq._base.consensus import PointRanking
from uq._evaluation._coverage import CoverageReport
from uq._evaluation._variance import VarianceComponents
from uq._versions import Versions


def functions_of(thing):
    """Yield the public functions, methods and properties of ours that a name of the face leads to."""
    if inspect.isfunction(thing):
        yield thing.__qualname__, thing
    elif inspect.isclass(thing):
        for cls in thing.__mro__:
            if not cls.__module__.startswith("uq."):
                continue
            for name, member in vars(cls).items():
                function = member.fget if isinstance(member, property) else getattr(member, "fn", member)
                if inspect.isfunction(function) and not name.startswith("_"):
                    yield f"{cls.__name__}.{name}", function
    elif inspect.ismodule(thing):
        for name in thing.__all__:
            if not isinstance(getattr(thing, name), type):
                yield from functions_of(getattr(thing, name))


def test_everything_public_says_what_type_it_returns():
    things = [getattr(uq, name) for name in uq.__all__] + [PointRanking, CoverageReport, VarianceComponents, Versions]
    found = dict(pair for thing in things for pair in functions_of(thing))
    assert len(found) > 50
    missing = [name for name, function in found.items() if "return" not in function.__annotations__]
    assert not missing


@pytest.mark.parametrize(
    ("record", "function"),
    [
        (PointRanking, uq.RankSummary.point_ranking),
        (CoverageReport, uq.coverage_report),
        (VarianceComponents, uq.variance_components),
        (Versions, uq.show_versions),
    ],
    ids=lambda thing: thing.__name__,
)
def test_records_without_a_public_name_are_described_where_they_are_made(record, function):
    returns = inspect.getdoc(function).split("Returns\n-------\n")[1].split("\n\n")[0]
    own = {name for name, member in vars(record).items() if callable(member) or isinstance(member, property)}
    wanted = {name for name in record.__dataclass_fields__ if name not in ("method", "guarantee")}
    wanted |= {name for name in own if not name.startswith("_") and name != "method"}
    missing = [name for name in sorted(wanted) if f"`{name}`" not in returns and f"``{name}(" not in returns]
    assert not missing


def test_chained_calls_keep_their_type():
    assert Report.add.__annotations__["return"] == "Report"
    assert str(WrappedModel.fit.__annotations__["return"]) == "typing.Self"
