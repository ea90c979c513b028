"""Which tests hold each public promise: {public name: test nodes below `tests/`}.

A promise is a docstring's **Guarantee.** paragraph that does not begin with "None" or point at its class; each has an
entry here, and so have some that promise nothing, where a test shows why. `test_docs.py` checks that every node exists
and that no promise is without one; the page of guarantees is made of both.
"""

from . import bayes, calibration, causal, conformal, epistemic, evaluation, reuse, sampling

__all__ = ["BEING_BUILT", "VERIFIED_BY"]

# Modules whose promises may still be without an entry. Empty when the rooms stand.
BEING_BUILT: tuple[str, ...] = ()
VERIFIED_BY = {
    **bayes.VERIFIED_BY,
    **calibration.VERIFIED_BY,
    **causal.VERIFIED_BY,
    **conformal.VERIFIED_BY,
    **epistemic.VERIFIED_BY,
    **evaluation.VERIFIED_BY,
    **reuse.VERIFIED_BY,
    **sampling.VERIFIED_BY,
}
