"""Averages of raters' scores: mean, trimmed mean, and a fit that takes out how severe each rater is.

All three take the same arguments and work on many replicates at once: raters' scores, who scored whom, and how often
each rater was drawn. One row of ones is the plain average. Scores and counts are floats, or both are fractions
(`dokja.stats.exact`): a decision and its resamples read the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput
from dokja.stats.exact import Values, alike, are_fractions, solve

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Averages:
    """Averages by replicate and team, and where there is one at all.

    Args:
        values: (replicates, teams); NaN where `defined` is false, so that nobody can use it unnoticed.
        defined: (replicates, teams).
    """

    values: Values
    defined: Bools


def mean(scores: Values, scored: Bools, counts: Values) -> Averages:
    """Return the mean of the raters who scored each team.

    Args:
        scores: (raters, teams); ignored where `scored` is false.
        scored: (raters, teams) who scored whom.
        counts: (replicates, raters) how often each rater was drawn.

    Raises:
        InvalidInput: Shapes do not fit.

    Assumes:
        Raters who scored a team are like those who did not: where recusals leave holes, teams are compared through
        different raters.

    Source:
        Sample mean with frequency weights, the bootstrap replicate of Efron (1979), §2.
    """
    _require_shapes(scores, scored, counts)
    raters = counts @ scored
    return _masked(counts @ np.where(scored, scores, 0), raters, raters > 0)


def trimmed_mean(scores: Values, scored: Bools, counts: Values, low: int = 1, high: int = 1) -> Averages:
    """Return the mean after dropping each team's `low` lowest and `high` highest scores.

    Args:
        scores: (raters, teams); ignored where `scored` is false.
        scored: (raters, teams) who scored whom.
        counts: (replicates, raters) how often each rater was drawn; a rater drawn twice is two raters.
        low: How many of the lowest to drop.
        high: How many of the highest to drop.

    Raises:
        InvalidInput: Shapes do not fit, or a negative number to drop.

    Assumes:
        At most `low` raters score strategically down and `high` up; a team with no more than `low` + `high` scores has
        no trimmed mean.

    Source:
        Tukey (1962), Annals of Mathematical Statistics 33(1), §14; drop counts instead of shares.
    """
    _require_shapes(scores, scored, counts)
    if low < 0 or high < 0:
        raise InvalidInput("A trimmed mean drops zero or more scores on each side.")
    sums = np.zeros((counts.shape[0], scores.shape[1]), dtype=scores.dtype)
    kept_counts = np.zeros_like(sums)
    for team in range(scores.shape[1]):
        order = np.flatnonzero(scored[:, team])
        order = order[np.argsort(scores[order, team], kind="stable")]
        upto = np.cumsum(counts[:, order], axis=1)
        total = counts[:, order].sum(1, keepdims=True)
        before = upto - counts[:, order]
        kept = np.maximum(np.minimum(upto, total - high) - np.maximum(before, low), 0)
        sums[:, team] = kept @ scores[order, team]
        kept_counts[:, team] = kept.sum(1)
    return _masked(sums, kept_counts, kept_counts > 0)


def severity_adjusted(scores: Values, scored: Bools, counts: Values) -> Averages:
    """Return each team's level in the fit score = team + severity of the rater, severities averaging to zero.

    With every rater scoring every team this is the plain mean. It differs where recusals leave holes: a team judged
    only by severe raters is lifted by their severity, as measured on the teams they share with others.

    Args:
        scores: (raters, teams); ignored where `scored` is false.
        scored: (raters, teams) who scored whom.
        counts: (replicates, raters) how often each rater was drawn.

    Raises:
        InvalidInput: Shapes do not fit.

    Assumes:
        A rater's severity is the same for every team, and raters connect all teams; a replicate in which they do not
        has no adjusted average for any team. The severities that average to zero are those of raters drawn who marked
        somebody: one who marked nobody has no severity, and is left out rather than taken for an average one.

    Source:
        Unweighted two-way additive model by least squares: Searle (1971), Linear Models, §7.1; for assessors: MacKay
        et al. (2017), Calibration with confidence, R. Soc. Open Sci. 4:160760, eq. 2.3 with equal confidences.
    """
    _require_shapes(scores, scored, counts)
    active = scored.any(1)
    scores, scored, counts = scores[active], scored[active], counts[:, active]
    replicates, teams = counts.shape[0], scored.shape[1]
    seen = np.where(scored, alike(scores, 1), alike(scores, 0))
    teams_seen = seen.sum(1, keepdims=True)
    own_mean = np.where(scored, scores, 0).sum(1, keepdims=True) / teams_seen
    shared = (seen[:, :, None] * seen[:, None, :] / teams_seen[:, :, None]).reshape(-1, teams * teams)
    laplacian = -(counts @ shared).reshape(replicates, teams, teams)
    diagonal = np.arange(teams)
    laplacian[:, diagonal, diagonal] += counts @ seen
    right = counts @ np.where(scored, scores - own_mean, 0)
    effects, connected = solve(laplacian + alike(scores, 1) / teams, right)
    severity_sums = counts @ own_mean[:, 0] - ((counts @ (seen / teams_seen)) * effects).sum(1)
    level = severity_sums / np.maximum(counts.sum(1), 1)
    defined = np.repeat(connected[:, None], teams, axis=1)
    return _masked(effects + level[:, None], np.ones_like(effects), defined)


def _masked(numerator: Values, denominator: Values, defined: Bools) -> Averages:
    return Averages(np.where(defined, numerator / np.where(defined, denominator, 1), np.nan), defined)


def _require_shapes(scores: Values, scored: Bools, counts: Values) -> None:
    if (
        scores.ndim != 2
        or scores.shape != scored.shape
        or counts.ndim != 2
        or counts.shape[1] != scores.shape[0]
    ):
        raise InvalidInput("Scores and who scored are raters by teams; counts are replicates by raters.")
    if not are_fractions(scores) and not np.isfinite(scores[scored]).all():
        raise InvalidInput("A score that counts is not a finite number.")
