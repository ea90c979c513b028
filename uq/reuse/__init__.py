"""Looking at the data again, honestly: what a holdout can still tell after a hundred questions.

Mechanisms
    `GuessAndCheck`: confirm guesses for next to nothing; the default.
"""

from ._guess_and_check import GuessAndCheck as GuessAndCheck

__all__ = ["GuessAndCheck"]
