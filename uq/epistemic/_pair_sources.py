"""Where distributions of pairs come from: logits, conditionals, counts of responses, a sampler's answers."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from uq._base.containers import index_of

from . import _pair_core as core
from ._class_names import check_class_names
from ._pair_counts import joint_of_answers, joint_of_counts
from ._pair_input import check_conditional, check_log_joint
from ._pair_rounding import input_eps, logit_slack

__all__ = ["PairSources"]


class PairSources:
    """The other constructors of `PairDistribution`."""

    __slots__ = ()
    if TYPE_CHECKING:
        _of: ClassVar[Any]

    @classmethod
    def from_logits(cls, logits, *, classes=None):
        """Return the distribution of unnormalised logarithms of pairs.

        Parameters
        ----------
        logits : array-like of shape (n_samples, n_classes, n_classes) or (n_samples, n_classes * n_classes)
            A softmax over all pairs of a row gives the joint, in float64 and in log space: probabilities that underflow
            keep their variance and their confidence. -inf rules a pair out. The probabilities are made symmetric, which
            is not the same as averaging the logits. A square table whose side is a square number is refused: it could
            be one row or many.
        classes : array-like of shape (n_classes,), optional

        Returns
        -------
        PairDistribution
        """
        owner = "PairDistribution.from_logits"
        array = check_log_joint(logits, owner, "logits")
        names = check_class_names(classes, array.shape[1], owner)
        eps = input_eps(logits)
        joint, marginal, log_m, log_d, size, asymmetry = core.symmetric_softmax(array)
        logs = np.stack([log_m, log_d, logit_slack(log_m, size, eps)])
        logs.flags.writeable = False
        return cls._of(
            joint, marginal, asymmetry=asymmetry, classes=names, index=index_of(logits), method="logits", logs=logs,
            eps=eps,
        )  # fmt: skip

    @classmethod
    def from_conditionals(cls, marginal, conditional, *, classes=None):
        """Return the distribution of a first response and of a second one given the first.

        Parameters
        ----------
        marginal : array-like of shape (n_samples, n_classes)
            P(first response).
        conditional : array-like of shape (n_samples, n_classes, n_classes)
            Entry [i, k, l] is P(second response l | first response k).
        classes : array-like of shape (n_classes,), optional

        Returns
        -------
        PairDistribution
            Its `marginal` is the mean of those of both responses, which may differ.
        """
        owner = "PairDistribution.from_conditionals"
        m, c = check_conditional(marginal, conditional, owner)
        names = check_class_names(classes, m.shape[1], owner)
        joint, m, _, asymmetry, _ = core.symmetric(m[:, :, None] * c)
        return cls._of(
            joint, m, asymmetry=asymmetry, classes=names, index=index_of(marginal), method="conditionals",
            eps=max(input_eps(marginal), input_eps(conditional)),
        )  # fmt: skip

    @classmethod
    def from_counts(cls, counts, groups=None, *, classes=None):
        """Return what counts of responses say about inputs that are alike, with no model at all.

        Parameters
        ----------
        counts : array-like of shape (n_items, n_classes)
            How often each class was the response to each item; two responses or more, independent given the item, and
            as many as were planned before any was seen.
        groups : array-like of shape (n_items,), optional
            Items of one label are taken to be alike; one row comes back for each label, in sorted order. By default all
            items are alike. Two items or more per label.
        classes : array-like of shape (n_classes,), optional
            By default the names of the columns of a frame, which `classes` may not contradict.

        Returns
        -------
        PairDistribution
            `covariance` is unbiased for the covariance of p(.|x) among the items of a group, and may therefore be
            impossible by chance (see `diagnose`): entries of `joint` may be a little below 0.
        """
        owner = "PairDistribution.from_counts"
        joint, marginal, names, index = joint_of_counts(counts, groups, classes, owner)
        return cls._of(joint, marginal, classes=names, index=index, method="counts")

    @classmethod
    def from_answers(cls, first, second, *, classes=None):
        """Return what a sampler's own pairs of answers say, question by question.

        Parameters
        ----------
        first, second : array-like of shape (n_questions, n_draws), list of lists or long frame
            Equal forms: draw j of `second` was sampled after draw j of `first` was shown. Two pairs or more per
            question; a pair that lacks an answer is left out.
        classes : array-like of shape (n_classes,), optional
            All possible answers (letters of a multiple choice). By default all that were given, sorted. For free text
            use `repeated_answer_scores`, which needs no common set.

        Returns
        -------
        PairDistribution
            `covariance` is unbiased for the sampler's own, given the question. Entries of `joint` may be below 0.
            Whether the sampler is calibrated is another matter: it was not trained on pairs, and repeats itself or
            varies on purpose.
        """
        owner = "PairDistribution.from_answers"
        joint, marginal, asymmetry, names = joint_of_answers(first, second, classes, owner)
        return cls._of(joint, marginal, asymmetry=asymmetry, classes=names, method="answers")
