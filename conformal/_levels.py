"""Levels as the exact decimal fractions that the caller wrote, so that a tie is a tie."""

from fractions import Fraction
from math import ceil

__all__ = ["as_fraction", "ceil_product", "side_level"]


def as_fraction(level):
    """Return .9 as 9/10, and not as the binary number nearest to it."""
    return level if isinstance(level, Fraction) else Fraction(str(float(level)))


def side_level(confidence_level, alternative):
    """Return the level that each side is asked for: half of the error where there are two sides."""
    level = as_fraction(confidence_level)
    return 1 - (1 - level) / 2 if alternative == "two-sided" else level


def ceil_product(level, n):
    """Return the least integer that is at least ``level * n``."""
    return ceil(as_fraction(level) * n)
