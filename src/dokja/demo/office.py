"""The demo's programme office: a real desk, real keys, a fictional calendar, and how a stage is closed and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from dokja.canonical import JSON
from dokja.procedure.signature_rule import DecisionSignatures
from dokja.report.decision_page import render_decision_page
from dokja.report.words import Language
from dokja.rulebook import Rulebook, Unknown, require_known
from dokja.signature import SigningKey
from dokja.workflows.decide import Seen, look, propose, sign, who_signed, write_dossiers
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import enrol, new_key
from dokja.workflows.stage import Actor
from dokja.workflows.verification import VerificationReport
from dokja.workflows.verify import verify_dossier

ORGANISER, SIGNERS = "office", {"office": "organiser", "chair": "chair", "auditor-1": "auditor"}
REPLICATES = 2_000


@dataclass(frozen=True, slots=True)
class ClosedStage:
    """A stage after people signed.

    Args:
        stage: Its name.
        rulebook: Its rules.
        seen: What the rules gave, and how sure that is.
        digest: What was signed.
        signed: Who signed.
        dossiers: The public and the auditor's file.
        verified: What `dokja verify` says of each.
        page: The decision's page.
    """

    stage: str
    rulebook: Rulebook
    seen: Seen
    digest: str
    signed: DecisionSignatures
    dossiers: tuple[Path, Path]
    verified: tuple[VerificationReport, ...]
    page: Path

    def as_json(self) -> dict[str, JSON]:
        """Return the outcome as a JSON object."""
        decision = self.seen.decision
        return {
            "stage": self.stage,
            "rulebook": decision.rulebook,
            "decision": self.digest,
            "signed": list(self.signed.people),
            "teams": list(decision.rows()),
            "advancing": list(decision.advancing),
            "vacancies": decision.vacancies,
            "filled_by": decision.filled_by,
            "dossiers": [str(path) for path in self.dossiers],
            "verified": [report.as_json() for report in self.verified],
            "page": str(self.page),
        }


@dataclass(frozen=True, slots=True)
class Office:
    """Who runs the stages of the demo.

    Args:
        desk: Where everything is recorded.
        keys: Person to key.
        seed: Of the resamples.
    """

    desk: Desk
    keys: Mapping[str, SigningKey]
    seed: int

    @classmethod
    def open(cls, folder: Path, seed: int, experts: tuple[str, ...], at: str) -> Office:
        """Make a desk, make keys for everyone who signs, and enrol them."""
        desk = Desk.create(folder, origin="demo.example/log")
        (folder / "keys").mkdir()
        roles = SIGNERS | dict.fromkeys(experts, "expert")
        keys = {person: new_key(folder / "keys" / f"{person.replace(':', '-')}.key") for person in roles}
        for person, role in roles.items():
            by = None if person == ORGANISER else keys[ORGANISER]
            enrol(desk, person, role, keys[person], by, at)
        return cls(desk, keys, seed)

    def actor(self, at: str) -> Actor:
        """Return the office as an actor who signs what it records."""
        return Actor(ORGANISER, at, self.keys[ORGANISER])

    def close(self, stage: str, folder: Path, at: str, language: Language) -> ClosedStage:
        """Propose what the rules give, let people sign it, write dossiers and page, and verify what was written."""
        folder.mkdir(parents=True, exist_ok=True)
        held = self.desk.stage(stage)
        seen = look(held, seed=self.seed, replicates=REPLICATES)
        page = folder / "decision.html"
        page.write_text(
            render_decision_page(seen.rulebook, seen.decision, seen.uncertainty, seen.history, language),
            encoding="utf-8",
        )
        proposal = propose(held, seen)
        for person in SIGNERS:
            sign(held, proposal, self.keys[person], at)
        dossiers = write_dossiers(held, proposal, folder)
        log_key = str(self.desk.note_key)
        return ClosedStage(
            stage,
            seen.rulebook,
            seen,
            proposal.digest,
            who_signed(held, proposal),
            dossiers,
            tuple(verify_dossier(path.read_bytes(), log_key=log_key) for path in dossiers),
            page,
        )


def moment(day: date | Unknown, hour: int = 1, after_days: int = 0) -> str:
    """Return an instant of the rulebook's calendar as events write it.

    Args:
        day: A day of the clock.
        hour: Hour in UTC.
        after_days: Days to add.
    """
    known = require_known(day, "clock") + timedelta(days=after_days)
    return f"{known.isoformat()}T{hour:02d}:00:00Z"
