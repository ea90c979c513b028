"""What is believed of a judge before any vote: mostly right, and wrong scores less likely the further off."""

import numpy as np

from uq._base.exceptions import InputError

__all__ = ["COPY_ACCURACY", "COPY_STRENGTH", "check_accuracy", "judge_prior"]

DECAY = 0.5  # a wrong score one level further off is half as likely
COPY_ACCURACY, COPY_STRENGTH = 0.9, 10.0  # of a judge about the vote of its family


def judge_prior(n_levels, strength, accuracy):
    """Return the Dirichlet parameters (true score, vote); every row sums to `strength`."""
    distance = np.abs(np.subtract.outer(np.arange(n_levels), np.arange(n_levels)))
    wrong = np.where(distance > 0, DECAY**distance, 0.0)
    wrong /= wrong.sum(axis=1, keepdims=True)
    return float(strength) * (float(accuracy) * np.eye(n_levels) + (1 - accuracy) * wrong)


def check_accuracy(n_levels, accuracy, owner):
    """Raise unless the true score is the likeliest vote, without which nothing tells the labels apart."""
    share = float(judge_prior(n_levels, 1.0, 0.0).max())
    if accuracy <= (1 - accuracy) * share:
        raise InputError(
            f"{owner}: judge_accuracy must exceed {share / (1 + share):.3g} with {n_levels} levels, so that the true "
            f"score is the likeliest vote; got {accuracy:g}. The prior alone says which label is which."
        )
