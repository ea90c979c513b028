"""Small things that keep the contracts: the least an estimator of outputs can be, to test suites and wrappers with."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq import Interval
from uq._base.validation import check_level, check_matrix, check_same_length, check_vector, check_weights


class MeanShift(BaseEstimator):
    """Adds the mean error of the outputs: the simplest debiaser, with an interval of the errors seen."""

    def __init__(self, shrinkage=1.0):
        self.shrinkage = shrinkage

    def fit(self, outputs, y, sample_weight=None):
        outputs, y = check_vector(outputs, "MeanShift", "outputs"), check_vector(y, "MeanShift", "y")
        n = check_same_length("MeanShift", outputs=outputs, y=y)
        weights = check_weights(sample_weight, "MeanShift", n)
        self.shift_ = self.shrinkage * np.average(y - outputs, weights=weights)
        self.reach_ = np.abs(y - outputs).max()
        return self

    def transform(self, outputs):
        check_is_fitted(self)
        return check_vector(outputs, "MeanShift", "outputs") + self.shift_

    def predict_interval(self, outputs, confidence_level=0.9):
        center = self.transform(outputs)
        level = check_level(confidence_level, "MeanShift")
        return Interval(lower=center - self.reach_, upper=center + self.reach_, confidence_level=level)


class PassThrough(BaseEstimator):
    """Gives the outputs back as predictions."""

    def fit(self, outputs, y):
        check_same_length("PassThrough", outputs=np.asarray(outputs), y=np.asarray(y))
        self.fitted_ = True
        return self

    def predict(self, outputs):
        check_is_fitted(self)
        return outputs


class ClassShift(BaseEstimator):
    """Mixes class probabilities with the class frequencies: the simplest recalibrator."""

    def __init__(self, weight=0.1):
        self.weight = weight

    def fit(self, outputs, y, sample_weight=None):
        outputs = check_matrix(outputs, "ClassShift", "outputs")
        y = np.asarray(y)
        n = check_same_length("ClassShift", outputs=outputs, y=y)
        weights = check_weights(sample_weight, "ClassShift", n)
        if not 2 <= len(np.unique(y)) <= outputs.shape[1]:
            raise ValueError("ClassShift: y must hold two classes or more, and no more than outputs has columns")
        self.prior_ = np.average(outputs, axis=0, weights=weights)
        return self

    def predict_proba(self, outputs):
        check_is_fitted(self)
        return (1 - self.weight) * check_matrix(outputs, "ClassShift", "outputs") + self.weight * self.prior_
