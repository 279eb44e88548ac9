"""Deciding, publishing and verifying ask one rule who has signed, so none of them accepts what another refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dokja import rulebook as rb
from dokja.dossier import Opened, write_dossier
from dokja.errors import NotAllowed
from dokja.signature import SigningKey
from dokja.store.dossiers import make_dossier
from dokja.workflows.decide import Proposal, look, propose, sign
from dokja.workflows.desk import Desk
from dokja.workflows.publish import signed_decision
from dokja.workflows.verify import DossierStatement, verify_dossier
from tests.journeys.decided_desk import DECIDED, STAGE, Office, appealing_rulebook, made_office

ROLES = (
    rb.SigningRole(name="organiser", seats=1),
    rb.SigningRole(name="chair", seats=1, at_least=1),
    rb.SigningRole(name="reviewer", seats=2),
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return made_office(tmp_path, appealing_rulebook(signatures=rb.Signatures(k=2, n=4, roles=ROLES)))


def verified(desk: Desk, proposal: Proposal) -> DossierStatement:
    """What a stranger says of the signatures, from the auditor's file alone."""
    desk.store.checkpoint(desk.origin, desk.log_key)
    dossier = make_dossier(
        desk.store, STAGE, rulebook=proposal.rulebook.canonical(), decision=proposal.body, before=proposal.before,
        opened=Opened(proposal.salt.hex(), proposal.everything), log_key=desk.note_key, sealed=None,
    )  # fmt: skip
    report = verify_dossier(write_dossier(dossier), log_key=str(desk.note_key))
    return next(one for one in report.statements if one.name == "decision.signatures")


def test_a_decision_without_the_role_it_needs_is_not_published(office: Office) -> None:
    with Desk(office.desk) as desk:
        proposal = propose(desk, look(desk, STAGE, seed=None))
        for person in ("office", "judge"):
            sign(desk, STAGE, proposal, SigningKey.load(office.key(person)), DECIDED)
        assert verified(desk, proposal).reason.key == "dossier.decision.signatures.too_few"
        with pytest.raises(NotAllowed):
            signed_decision(desk, STAGE, proposal.digest)
