"""What one more sample buys: pass@k, verifiers, cost, best-of-n, and how to share out a budget of samples."""

from ._majority import majority_at_k as majority_at_k
from ._pass_at_k import pass_all_k as pass_all_k
from ._pass_at_k import pass_at_k as pass_at_k

__all__ = [
    "majority_at_k",
    "pass_all_k",
    "pass_at_k",
]
