"""A holdout that counts what it says: data, a mechanism, and a ledger of all questions."""

import math
import os

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_bounds, check_count, check_number

from ._answer import HoldoutAnswer
from ._audit import HoldoutAudit, check_chain
from ._desk import Desk, as_list, check_text, user_name
from ._digest import digest_rows
from ._ladder import Ladder
from ._ledger import Ledger
from ._mechanism import Mechanism, references_of
from ._memory import MemoryLedger
from ._query import clipped_mean
from ._rows import OWNER, count_rows
from ._scores import check_direction, row_scorer

__all__ = ["Holdout"]


@cites("dworkholdout2015", "rogers2020")
class Holdout(Desk):
    """Rows that answer questions again and again, each at a price that is paid before anyone looks.

    Parameters
    ----------
    data : array, frame, list, tuple such as (X, y), or dict of columns
        The rows, which are independent of each other and were used for nothing else. Kept by reference and only read.
    mechanism : GuessAndCheck or another mechanism of this package
    ledger : str or os.PathLike, optional
        SQLite file that remembers all questions; made where it does not exist. None: the memory of this object, for
        trials and simulations.
    name : str, default "holdout"
        Of these rows in the ledger. Whoever gives the same name must bring the same rows and mechanism. Rows are the
        same if they have the same values in the same order; their container, and names and order of columns, do not
        count: ``(X, y)``, a dict and a frame of the same columns share one budget.
    rehearsal : like data, optional
        Some rows that are no secret, of the same form (training rows, say). Functions are tried on them first, so that
        a mistake raises an error and costs nothing: also values out of bounds, and such that depend on other rows.
        None: on zeros and empty texts in the form of the data, which show fewer mistakes.
    wait : float, default 60
        Seconds to wait while another process asks.
    insecure_seed : int, optional
        Makes the noise of a mechanism repeatable, for tests. Whoever knows it can subtract the noise, so that answers
        have ``guarantee="none"``, and so have all later ones about these rows, with seed or without: the ledger
        remembers. By default noise comes from the operating system's entropy.

    Raises
    ------
    InputError
        For data without rows, parts of different length, rows that cannot be told from others, or what is no mechanism.
    LedgerError
        If the ledger holds other rows, another mechanism or budget under this name, or these rows under another name;
        if it cannot be written, is damaged, or is a file of something else.

    Notes
    -----
    A question goes like this. What is wrong with its arguments raises before anything is spent. The worst that the
    question can cost is committed to the disk; then the rows are looked at; the answer is committed; then it is shown.
    A process that dies in between has paid, and nobody has seen anything. A full or read-only disk raises
    `LedgerError`, and nothing is answered. While one process asks, others wait, also for the function of a query: what
    takes minutes is computed before, and handed over as values.

    The value of a query for a row must depend on that row, and on nothing else in the holdout: not on the mean, the
    greatest or the rank among its rows, nor on its place. Rows that depend on each other through the query have no
    guarantee. Functions get parts of the rows in the rehearsal, and raise where they tell the difference; nobody checks
    arrays, nor functions if only zeros are there to try them on.

    What goes wrong because of what is in the rows never raises, because it would tell about them: values beyond the
    bounds are clipped; missing ones count as the middle of the bounds, and so do rows on which a function fails. Where
    it fails on all rows together it gets smaller and smaller parts, until only such rows are missing that fail by
    themselves: one row never moves an answer by more than its share. `audit` tells how many, once nothing can be asked
    any more. No mean of the rows is kept, printed or pickled (a holdout refuses to be pickled: a copy would double the
    budget). An interrupt between debit and answer is passed on without its words and frames; the question is paid for.
    Functions get copies of lists and frames, and arrays that cannot be written to.

    The ledger protects from mistakes, not from colleagues who read the rows, or write into the file, by other means;
    `audit` sees the latter, except if the last events are cut off or the file is deleted.

    **Guarantee.** That of the mechanism: with its `confidence_level`, all answers lie within their tolerances of the
    expectations of their (clipped) queries, for all processes and people who share the ledger together, if rows are
    independent, the value of a query for a row depends on this row alone, and nothing else that is known about these
    rows is used to choose queries and guesses. From the first question with an `insecure_seed` on, by anyone, none.

    References
    ----------
    Dwork, Feldman, Hardt, Pitassi, Reingold and Roth (2015), doi:10.1126/science.aaa9375.
    Rogers, Roth, Smith, Srebro, Thakkar and Woodworth (2020), arXiv:1906.09231.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.reuse import GuessAndCheck, Holdout
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 10_000)
    >>> holdout = Holdout({"y": y}, GuessAndCheck(n_queries=1000, n_failures=5, tolerance=.1))
    >>> predictions = np.where(rng.random(10_000) < .8, y, 1 - y)
    >>> holdout.mean(predictions == y, guess=.81, query_id="model-1")
    0.81 +- 0.1 (95 %, source: guess, guarantee: finite-sample, left: 999 queries, 5 failures)
    >>> holdout.remaining(tolerance=.1)
    999
    """

    def __init__(self, data, mechanism, ledger=None, *, name="holdout", rehearsal=None, wait=60.0, insecure_seed=None):
        if not isinstance(mechanism, Mechanism):
            raise InputError(
                f"{OWNER}: mechanism must be a mechanism of uq.reuse such as GuessAndCheck(n_queries=1000); got "
                f"{mechanism!r:.100}."
            )
        if ledger is not None and (not isinstance(ledger, (str, os.PathLike)) or not os.fspath(ledger)):
            raise InputError(
                f"{OWNER}: ledger must be the path of a file, or None for this memory; got {ledger!r:.100}."
            )
        self._name = check_text(name, "name")
        wait = check_number(wait, OWNER, "wait", low=0, high=1e6, closed=True)
        self._seeded = insecure_seed is not None
        self._rng_pid = None
        self._rng = (
            np.random.default_rng(check_count(insecure_seed, OWNER, "insecure_seed", low=0, high=math.inf))
            if self._seeded
            else None
        )
        self._n = count_rows(data)
        if rehearsal is not None:
            count_rows(rehearsal)
        self._data, self._rehearsal = data, rehearsal
        self._mechanism, self._user = mechanism, user_name()
        self._references = references_of(type(mechanism).__name__)  # of what was used, for uq.citation
        digest, start = digest_rows(data), mechanism.start(self._n)
        self._ledger = MemoryLedger(wait) if ledger is None else Ledger(os.fsdecode(ledger), wait)
        self._ledger.open(self._name, digest, self._n, mechanism.to_dict(), start, self._user)

    @property
    def name(self) -> str:
        """Name of the rows in the ledger."""
        return self._name

    @property
    def n(self) -> int:
        """Number of rows."""
        return self._n

    @property
    def mechanism(self) -> Mechanism:
        """The mechanism that answers."""
        return self._mechanism

    def __repr__(self):
        return f"<Holdout {self._name!r}: {self._n} rows, {self._mechanism!r:.200}, {self._ledger.title}>"

    def __reduce__(self):
        raise TypeError("a Holdout is not copied or pickled: open it by its data, mechanism, ledger and name instead")

    # ---- questions

    def mean(self, query, guess=None, bounds=(0, 1), query_id=None) -> HoldoutAnswer:
        """Return the mean of a query over the population, as well as the mechanism can tell.

        Parameters
        ----------
        query : array-like of shape (n,) or (n, 1), or callable
            One value per row, or a function of the data that returns them: for any number of rows, since it is tried
            on others and on parts. The value of a row must depend on this row only. A `Ladder` takes losses: small is
            good.
        guess : float, optional
            The expected answer, from anything but these rows; what mechanisms that check guesses need.
        bounds : tuple of float, default (0, 1)
            Least and greatest value that a row can have; chosen without looking. Tolerances grow with their distance.
            Values beyond them are clipped in silence, since words would tell about the rows.
        query_id : str, optional
            Name of the question. Asked again under the same name, it returns the same answer for free, also where no
            guess is given. Other bounds, another guess or another function under this name are refused, as far as its
            code and the numbers and texts that it captured tell. Models, arrays, lists and other objects that it
            captured are not compared, nor are values, since what is written down about them would tell of the rows:
            put the version of a model into the name.

        Returns
        -------
        HoldoutAnswer

        Raises
        ------
        InputError
            For arguments that the mechanism cannot work with, and functions that fail in the rehearsal; costs nothing.
        BudgetExhaustedError
            If no query is left, or the mechanism refuses; every later query is refused, too.
        LedgerError
            If the ledger cannot be written, or does not stand as it was left.

        Notes
        -----
        **Guarantee.** See the class.
        """
        return self._ask_one(query, guess, bounds, query_id, "query")

    def ask_many(self, queries, guesses=None, bounds=(0, 1), query_ids=None) -> list[HoldoutAnswer]:
        """Answer many questions in one turn, which costs two commits for all of them together.

        Parameters
        ----------
        queries : sequence of arrays or callables, or array-like of shape (n_queries, n)
            As in `mean`; answered in this order.
        guesses : sequence of float, optional
        bounds : tuple of float, default (0, 1)
            For all of them.
        query_ids : sequence of str or None, optional

        Returns
        -------
        list of HoldoutAnswer
            After a refusal, `source` is "refused" for all that follow.

        Raises
        ------
        InputError, LedgerError
            As in `mean`.
        BudgetExhaustedError
            If fewer queries are left than are asked; nothing is spent then.

        Notes
        -----
        **Guarantee.** See the class. If the process dies on the way, the worst case of the whole batch stays spent.

        Examples
        --------
        >>> import numpy as np
        >>> from uq.reuse import GuessAndCheck, Holdout
        >>> right = np.tile([[1, 0, 1, 1], [1, 1, 0, 0]], 2500)
        >>> holdout = Holdout(right[0], GuessAndCheck(n_queries=1000, tolerance=.1))
        >>> [answer.value for answer in holdout.ask_many(right, guesses=[.76, .49])]
        [0.76, 0.49]
        """
        queries = as_list(queries, "queries")
        guesses = [None] * len(queries) if guesses is None else as_list(guesses, "guesses")
        query_ids = [None] * len(queries) if query_ids is None else as_list(query_ids, "query_ids")
        for what, given in (("guesses", guesses), ("query_ids", query_ids)):
            if len(given) != len(queries):
                raise InputError(f"{OWNER}: {what} must hold one entry per query ({len(queries)}); got {len(given)}.")
        return self._ask(queries, guesses, bounds, query_ids, [f"queries[{i}]" for i in range(len(queries))])

    def score(
        self, estimator, scorer="accuracy", *, guess=None, X_train=None, y_train=None, bounds=None, query_id=None
    ) -> HoldoutAnswer:
        """Return the score of a fitted scikit-learn estimator, for data that are a pair (X, y).

        Parameters
        ----------
        estimator : object
            Fitted on other rows.
        scorer : str, scikit-learn scorer or callable, default "accuracy"
            "accuracy", "neg_brier_score" (two classes), "neg_log_loss", "neg_mean_absolute_error",
            "neg_mean_squared_error", or a function (estimator, X, y) that returns one number per row, which depends
            on this row and the estimator only. For a `Ladder`, a function that gives losses in [0, 1].
        guess : float, optional
            The mean score on `X_train`, `y_train` where None and these are given.
        X_train, y_train : array-like, optional
            Rows that the guess comes from, and on which the score is tried first. Rows the estimator was not fitted on
            give the better guess.
        bounds : tuple of float, optional
            As in `mean`; (0, 1) for accuracy, (-1, 0) for the Brier score, to be given for others. Rows of `X_train`
            may lie beyond those of a loss without limits, half of them at most.
        query_id : str, optional
            As in `mean`; estimators are not compared, so another one takes another name.

        Returns
        -------
        HoldoutAnswer

        Raises
        ------
        InputError
            For scores that are not means over rows (F1, AUC, R2), such of which more is better with a `Ladder`, a pair
            that is none, and as in `mean`.
        BudgetExhaustedError, LedgerError
            As in `mean`.

        Notes
        -----
        **Guarantee.** See the class.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.linear_model import LogisticRegression
        >>> from uq.reuse import GuessAndCheck, Holdout
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = LogisticRegression(max_iter=10_000).fit(X[:150], y[:150])
        >>> holdout = Holdout((X[200:], y[200:]), GuessAndCheck(n_queries=20, n_failures=2, tolerance=.2))
        >>> holdout.score(model, X_train=X[150:200], y_train=y[150:200]).source
        'guess'
        """
        owner = "Holdout.score"
        if not (isinstance(self._data, tuple) and len(self._data) == 2):
            raise InputError(f"{owner}: the holdout's data must be a pair (X, y); got {type(self._data).__name__}.")
        if (X_train is None) != (y_train is None):
            raise InputError(f"{owner}: X_train and y_train must be given together.")
        function, bounds, limits = row_scorer(scorer, bounds)
        bounds = check_bounds(bounds, owner)
        if isinstance(self._mechanism, Ladder):
            check_direction(scorer)

        def query(pair):
            return function(estimator, *pair)

        if X_train is not None:
            values = self._rehearse(query, "scorer", bounds, (X_train, y_train), most=0.0 if limits else 0.5)
            if guess is None:
                guess = clipped_mean(values, bounds)[0]
        return self._ask_one(query, guess, bounds, query_id, "scorer", rehearsed=X_train is not None)

    # ---- what is left, and what was

    def remaining(self, tolerance=None) -> float:
        """Return how many queries are left whose answers are certified to within `tolerance`.

        Parameters
        ----------
        tolerance : float, optional
            As a part of the width of the bounds. None: whatever their tolerance is.

        Returns
        -------
        int or inf
            0 if the mechanism cannot promise this tolerance, or nothing.
        """
        state = self._ledger.state(self._name)
        if tolerance is not None:
            tolerance = check_number(tolerance, "Holdout.remaining", "tolerance", low=0, high=1, closed=True)
            if self._guarantee(state) == "none" or self._mechanism.certificate(self._n) > tolerance:
                return 0
        queries = self._mechanism.left(state)[0]
        return math.inf if queries is None else queries

    def audit(self) -> HoldoutAudit:
        """Check every hash of the ledger, and return all questions and answers of this holdout.

        Returns
        -------
        HoldoutAudit

        Raises
        ------
        LedgerError
            If an event was changed, moved or removed, or the state is not the one that the events left.
        """
        state, events, holdouts = self._ledger.read(self._name)
        head = check_chain(events, holdouts, self._ledger.title)
        return HoldoutAudit._of(self._name, events, state, self._mechanism, head)
