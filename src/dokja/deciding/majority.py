"""Selection by a panel's majority: none may be selected, and one applicant alone is judged like several."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import floor

from dokja.canonical import JSON
from dokja.finding import Reason
from dokja.record.history import History
from dokja.rulebook import MajorityOf, PanelMajority, Rulebook, Unknown

_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Majority:
    """How a panel voted on one team.

    Args:
        approvals: Votes for it.
        of: What the majority is counted against: the panel's seats, or the votes for and against.
        needed: Fewest approvals that would have been a majority.
    """

    approvals: int
    of: int
    needed: int

    @property
    def reached(self) -> bool:
        """Return whether the approvals are a majority."""
        return self.approvals >= self.needed


def count_votes(rulebook: Rulebook, history: History, gate: PanelMajority, team: str) -> Majority | Reason:
    """Return how the panel voted on a team, or why that cannot be said.

    Votes of members who recused themselves from the team do not count. Abstentions count towards the quorum and, where
    the majority is of the votes cast, not against the team.

    Args:
        rulebook: The rules.
        history: Votes, panels and recusals.
        gate: The majority that is needed.
        team: Who is voted on.
    """
    panel = rulebook.panel(gate.panel)
    for value, at in (
        (gate.more_than_share, f"gates.{gate.id}.more_than_share"),
        (gate.majority_of, f"gates.{gate.id}.majority_of"),
        (panel.quorum, f"panels.{panel.id}.quorum"),
        (panel.size if gate.majority_of is MajorityOf.SIZE else 0, f"panels.{panel.id}.size"),
    ):
        if isinstance(value, Unknown):
            return Reason("gate.rule_unknown", {"at": at})
    cast = Counter(
        choice
        for (rater, judged), choice in history.votes.items()
        if judged == team and history.panel_of[rater] == panel.id and (rater, team) not in history.recused
    )
    assert isinstance(panel.quorum, int)
    if cast.total() < max(1, panel.quorum):
        figures: dict[str, JSON] = {"panel": panel.id, "found": cast.total(), "quorum": max(1, panel.quorum)}
        return Reason("score.below_quorum" if cast.total() else "score.panel_empty", figures)
    against_size = gate.majority_of is MajorityOf.SIZE
    of = int(str(panel.size)) if against_size else cast["approve"] + cast["reject"]
    needed = floor(float(str(gate.more_than_share)) * of + _TOLERANCE) + 1
    return Majority(cast["approve"], of, needed)
