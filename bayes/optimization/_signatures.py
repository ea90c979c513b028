"""Whether a function of the caller takes what it will be given: told of before a single trial is spent on it."""

import inspect

from uq._base.exceptions import InputError

__all__ = ["check_takes"]


def check_takes(function, context, owner, name):
    """Refuse a function that cannot be called with params, and environment and fidelity by name where there are any."""
    asked = [
        word for word, is_there in (("environment", context.weights), ("fidelity", context.has_fidelity)) if is_there
    ]
    try:
        # what a wrapper is called with may differ from what it wraps
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # some functions in C do not tell
        return
    try:
        signature.bind({}, **dict.fromkeys(asked))
    except TypeError as error:
        call = ", ".join(["params", *(f"{word}=..." for word in asked)])
        raise InputError(
            f"{owner}: {name} must take what it will be called with, {name}({call}), params being a dict; got "
            f"{function!r:.100} with the parameters {signature!s:.100} ({error})."
        ) from None
