"""Other averages side by side: mean, trimmed and severity-adjusted, and whether another would change who advances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dokja.canonical import JSON
from dokja.deciding.decision import Decision, decide_scored
from dokja.deciding.measurements import Measurements, PanelLeaf
from dokja.deciding.score import Means, score_measurements
from dokja.record.history import History
from dokja.rulebook import Averaging, Rulebook


@dataclass(frozen=True, slots=True)
class AverageReading:
    """What one average of a panel gives.

    Args:
        panel: The panel.
        averaging: The average.
        rulebook_names: Whether it is the one that counts.
        points: Part to team to points, for the parts that read the panel.
        advancing: Who would advance.
        changes_outcome: Whether that differs from the decision.
    """

    panel: str
    averaging: Averaging
    rulebook_names: bool
    points: Mapping[str, Mapping[str, float]]
    advancing: tuple[str, ...]
    changes_outcome: bool

    def as_json(self) -> dict[str, JSON]:
        """Return the reading as a JSON object."""
        return {
            "panel": self.panel,
            "averaging": self.averaging.value,
            "rulebook_names": self.rulebook_names,
            "points": {part: dict(by_team) for part, by_team in self.points.items()},
            "advancing": list(self.advancing),
            "changes_outcome": self.changes_outcome,
        }


def average_readings(
    rulebook: Rulebook,
    history: History,
    measurements: Measurements,
    decision: Decision,
    means: Means | None = None,
) -> tuple[AverageReading, ...]:
    """Return every average of every panel that gives marks, the others as the rulebook says.

    Where the rulebook does not trim, the trimmed mean drops one mark at each end.

    Args:
        rulebook: The rules.
        history: Everything that happened.
        measurements: What was measured.
        decision: What was decided on it.
        means: From `exact_means`; no average of a panel changes them. None computes them.
    """
    readings = []
    for panel in sorted({leaf.panel for leaf in measurements.leaves.values() if isinstance(leaf, PanelLeaf)}):
        for averaging in Averaging:
            leaves = dict(measurements.leaves)
            own = {
                name: leaf
                for name, leaf in leaves.items()
                if isinstance(leaf, PanelLeaf) and leaf.panel == panel
            }
            for name, leaf in own.items():
                leaves[name] = replace(leaf, averaging=averaging, trim=leaf.trim or 1)
            scores = score_measurements(
                rulebook, replace(measurements, leaves=leaves), history.weights, means
            )
            then = decide_scored(rulebook, history, scores, counterfactual=decision.counterfactual)
            readings.append(
                AverageReading(
                    panel,
                    averaging,
                    all(leaf.averaging is averaging for leaf in own.values()),
                    {name: scores.points(name) for name in own},
                    then.advancing,
                    then.advancing != decision.advancing,
                )
            )
    return tuple(readings)
