r"""Exact tests by re-labelling: could a model that never saw this labelling agree with it so well?

Units of a reference (hidden units of one MLP, residual dimensions, ...) carry labels that training cannot know:
initialisation is exchangeable over them and the optimiser treats them alike. Under independence the suspect's
agreement with the reference's labelling is therefore one draw among the agreements with all re-labellings.

    features -> equilibrate -> cross_product -> TraceStatistic      what was seen: z, rho, K_eff
                                            \-> log10_tail          how improbable: rigorous, down to 1/n!
                                            \-> monte_carlo         how improbable: uniform, for calibration

Nothing here assumes a law for the weights, only that every re-labelling of the group is equally probable.
"""

from dokja.stats.permutation.features import equilibrate, rank_scores
from dokja.stats.permutation.heads import log10_wreath_tail, log_permanent
from dokja.stats.permutation.monte_carlo import monte_carlo_p_value, monte_carlo_z, p_value_among
from dokja.stats.permutation.signs import SignStatistic, log10_sign_tail, sign_statistic
from dokja.stats.permutation.tail_bound import log10_factorial, log10_pooled_tail, log10_tail, log_mgf_bound
from dokja.stats.permutation.trace import TraceStatistic, cross_product, double_centre, trace_statistic

__all__ = [
    "SignStatistic",
    "TraceStatistic",
    "cross_product",
    "double_centre",
    "equilibrate",
    "log10_factorial",
    "log10_pooled_tail",
    "log10_sign_tail",
    "log10_tail",
    "log10_wreath_tail",
    "log_mgf_bound",
    "log_permanent",
    "monte_carlo_p_value",
    "monte_carlo_z",
    "p_value_among",
    "rank_scores",
    "sign_statistic",
    "trace_statistic",
]
