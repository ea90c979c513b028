"""What results say of themselves: the examples of a docstring are run, and what they show is asked."""

import contextlib
import doctest
import inspect
import io
import re
import sys
import warnings

__all__ = ["said"]


def said(thing):
    """Return the words of `guarantee` on the results that the examples of a docstring show, each once."""
    words, scope, shown = [], {"__name__": "__main__"}, io.StringIO()

    def show(value):
        if value is None:
            return
        for item in value if isinstance(value, (list, tuple)) else (value,):
            word = getattr(item, "guarantee", None)
            words.extend([word] if isinstance(word, str) else [])
        print(repr(value), file=shown)

    hook, sys.displayhook = sys.displayhook, show
    try:
        with contextlib.redirect_stdout(shown), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an example may warn; the doctests judge it
            for example in doctest.DocTestParser().get_examples(inspect.getdoc(thing) or ""):
                exec(compile(example.source, "<example>", "single"), scope)
    finally:
        sys.displayhook = hook
    words += re.findall(r"guarantee[:=] ?'?([a-z-]+)", shown.getvalue())
    return tuple(dict.fromkeys(words))
