"""What a verification says: statements, each HOLDS, BROKEN or COULD_NOT_RECOMPUTE, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON
from dokja.finding import Reason


class StatementStanding(StrEnum):
    """What became of one statement of a dossier."""

    HOLDS = "HOLDS"
    BROKEN = "BROKEN"
    COULD_NOT_RECOMPUTE = "COULD_NOT_RECOMPUTE"


@dataclass(frozen=True, slots=True)
class DossierStatement:
    """One thing a dossier says.

    Args:
        name: Dotted and stable, e.g. `decision.signatures`.
        standing: Whether it holds.
        reason: What was seen, as a message key with figures.
    """

    name: str
    standing: StatementStanding
    reason: Reason


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """Every statement of a dossier, in the order in which they rest on each other.

    Args:
        stage: Name of the stage.
        profile: `public` or `auditor`.
        statements: At least one.
    """

    stage: str
    profile: str
    statements: tuple[DossierStatement, ...]

    def named(self, standing: StatementStanding) -> tuple[str, ...]:
        """Return the names of the statements with this standing."""
        return tuple(s.name for s in self.statements if s.standing is standing)

    @property
    def intact(self) -> bool:
        """Return whether nothing is broken. What could not be recomputed is listed, not counted against."""
        return not self.named(StatementStanding.BROKEN)

    def as_json(self) -> dict[str, JSON]:
        """Return the report as a JSON object; the sentences are put in by whoever shows it."""
        return {
            "stage": self.stage,
            "profile": self.profile,
            "intact": self.intact,
            "statements": [
                {
                    "name": s.name,
                    "standing": s.standing.value,
                    "reason": {"key": s.reason.key, "figures": dict(s.reason.figures)},
                }
                for s in self.statements
            ],
        }


def holds(name: str, /, **figures: JSON) -> DossierStatement:
    """Return that a statement holds, with what was seen."""
    return DossierStatement(name, StatementStanding.HOLDS, Reason(f"dossier.{name}.holds", figures))


def holding(name: str, how: str, /, **figures: JSON) -> DossierStatement:
    """Return that a statement holds in another way than usual, and in which."""
    return DossierStatement(name, StatementStanding.HOLDS, Reason(f"dossier.{name}.{how}", figures))


def broken(name: str, how: str, /, **figures: JSON) -> DossierStatement:
    """Return that a statement is broken, and how."""
    return DossierStatement(name, StatementStanding.BROKEN, Reason(f"dossier.{name}.{how}", figures))


def unknown(name: str, how: str, /, **figures: JSON) -> DossierStatement:
    """Return that a statement could not be recomputed, and why."""
    return DossierStatement(
        name, StatementStanding.COULD_NOT_RECOMPUTE, Reason(f"dossier.{name}.{how}", figures)
    )
