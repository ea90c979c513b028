"""The table of who is driven with what. A later room brings a file of its own public names.

A public name that is not driven stands in a `NOT_DRIVEN`, with its reason.
"""

from . import (
    bayes_optimization_acquisitions,
    bayes_optimization_campaign,
    bayes_optimization_gp,
    bayes_optimization_search,
    bayes_ranking,
    calibration_binned,
    calibration_confidence,
    calibration_curves,
    calibration_recalibrators,
    causal,
    causal_combine,
    causal_ppi,
    conformal,
    conformal_selection,
    epistemic,
    evaluation,
    ranks,
    reuse,
    reuse_holdout,
    sampling,
    sampling_more,
)

__all__ = ["NOT_DRIVEN", "TARGETS"]

TARGETS = {
    **bayes_optimization_acquisitions.TARGETS,
    **bayes_optimization_campaign.TARGETS,
    **bayes_optimization_gp.TARGETS,
    **bayes_optimization_search.TARGETS,
    **bayes_ranking.TARGETS,
    **evaluation.TARGETS,
    **conformal.TARGETS,
    **conformal_selection.TARGETS,
    **calibration_binned.TARGETS,
    **calibration_confidence.TARGETS,
    **calibration_curves.TARGETS,
    **calibration_recalibrators.TARGETS,
    **causal.TARGETS,
    **causal_combine.TARGETS,
    **causal_ppi.TARGETS,
    **epistemic.TARGETS,
    **ranks.TARGETS,
    **reuse.TARGETS,
    **reuse_holdout.TARGETS,
    **sampling.TARGETS,
    **sampling_more.TARGETS,
}
NOT_DRIVEN = {
    **bayes_optimization_campaign.NOT_DRIVEN,
    **evaluation.NOT_DRIVEN,
    **causal_combine.NOT_DRIVEN,
    **conformal_selection.NOT_DRIVEN,
    **calibration_confidence.NOT_DRIVEN,
    **epistemic.NOT_DRIVEN,
    **reuse.NOT_DRIVEN,
    **reuse_holdout.NOT_DRIVEN,
    **sampling_more.NOT_DRIVEN,
}
