"""Looking at the data again, honestly: what a holdout can still tell after a hundred questions.

The rows
    `Holdout`: rows, a mechanism, and a ledger that many processes share; `mean`, `ask_many`, `score`, `remaining`,
    `audit`. It returns `HoldoutAnswer` and `HoldoutAudit`.
Before the first look
    `plan`: what each mechanism promises for so many questions to so many rows.
Mechanisms
    `GuessAndCheck`: confirm guesses for next to nothing; the default.
    `GaussianMechanism`: a noisy answer to every question. `SampleSplitting`: rows of its own for each.
    `Thresholdout`: guesses that agree up to a noisy threshold; also the heuristic of the experiment in Science.
    `Ladder`: a leaderboard. `PrivateMultiplicativeWeights`: guesses from a model over all kinds of rows.
    `NaiveReuse`: what everybody does, without a guarantee.
The theorem
    `transfer_bound`: from answers close to the holdout to answers close to the truth.
"""

from ._answer import HoldoutAnswer as HoldoutAnswer
from ._audit import HoldoutAudit as HoldoutAudit
from ._gaussian import GaussianMechanism as GaussianMechanism
from ._guess_and_check import GuessAndCheck as GuessAndCheck
from ._holdout import Holdout as Holdout
from ._ladder import Ladder as Ladder
from ._multiplicative_weights import PrivateMultiplicativeWeights as PrivateMultiplicativeWeights
from ._naive import NaiveReuse as NaiveReuse
from ._plan import Plan as Plan
from ._plan import plan as plan
from ._splitting import SampleSplitting as SampleSplitting
from ._thresholdout import Thresholdout as Thresholdout
from ._transfer import transfer_bound as transfer_bound

__all__ = [
    "GaussianMechanism",
    "GuessAndCheck",
    "Holdout",
    "HoldoutAnswer",
    "HoldoutAudit",
    "Ladder",
    "NaiveReuse",
    "Plan",
    "PrivateMultiplicativeWeights",
    "SampleSplitting",
    "Thresholdout",
    "plan",
    "transfer_bound",
]
