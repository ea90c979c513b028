"""What one more sample buys: pass@k, verifiers, cost, best-of-n, and how to share out a budget of samples."""

__all__: list[str] = []
