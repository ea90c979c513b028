"""Running one test of a suite by hand, to see whether it finds a fault."""

import inspect
import warnings


def run_test(suite, test, **fixtures):
    """Call one test of a suite with the fixtures that it asks for; "test_x[kind]" gives its parameter."""
    name, _, kind = test.rstrip("]").partition("[")
    function = getattr(suite, name)
    fixtures["kind"] = kind
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(**{wanted: fixtures[wanted] for wanted in inspect.signature(function).parameters})


def names_of(suite):
    return [name for name in dir(suite) if name.startswith("test_")]
