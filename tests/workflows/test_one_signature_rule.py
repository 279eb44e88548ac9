"""Deciding, publishing and verifying ask one rule who has signed, so none of them accepts what another refuses."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.dossier import Opened, read_dossier, write_dossier
from dokja.errors import NotAllowed
from dokja.procedure.signature_rule import Enough
from dokja.signature import SigningKey
from dokja.store.dossiers import make_dossier
from dokja.workflows.decide import Proposal, look, propose, read_proposal, sign, who_signed, write_dossiers
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import enrol
from dokja.workflows.publish import Terms, publish_decision, signed_decision
from dokja.workflows.stage import Actor
from dokja.workflows.verify import DossierStatement, StatementStanding, verify_dossier
from tests.journeys.decided_desk import (
    ANNOUNCED,
    DECIDED,
    STAGE,
    Office,
    appealing_rulebook,
    made_office,
    run,
)
from tests.procedure.signing_timelines import Step, event_of, expected, statement, timelines
from tests.signature.authenticator import Authenticator

ROLES = (
    rb.SigningRole(name="organiser", seats=1),
    rb.SigningRole(name="chair", seats=1, at_least=1),
    rb.SigningRole(name="reviewer", seats=2),
)
PASSKEY = Authenticator(41)
NOBODY_ASKED_FOR = tuple(rb.changed(role, at_least=0) for role in ROLES)
TWO_REVIEWERS = (rb.changed(ROLES[1], at_least=0), rb.changed(ROLES[2], at_least=2))
RULES = (
    rb.Signatures(k=2, n=4, roles=ROLES),
    rb.Signatures(k=1, n=4, roles=ROLES),
    rb.Signatures(k=1, n=4, roles=NOBODY_ASKED_FOR),
    rb.Signatures(k=2, n=3, roles=TWO_REVIEWERS),
    rb.Signatures(k=2, n=4, roles=rb.UNKNOWN),
    rb.Signatures(k=rb.UNKNOWN, n=4, roles=ROLES),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Office, str]:
    """An office whose stage was judged, and the digest of what it proposes; each test works on a copy of its desk."""
    book = appealing_rulebook(signatures=rb.Signatures(k=2, n=4, roles=ROLES))
    office = made_office(tmp_path_factory.mktemp("office"), book)
    with Desk(office.desk) as desk:
        return office, propose(desk.stage(STAGE), look(desk.stage(STAGE), seed=None)).digest


@contextmanager
def copied(made: tuple[Office, str]) -> Iterator[tuple[Desk, Proposal]]:
    office, digest = made
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(office.desk, Path(folder) / "desk")
        with Desk(Path(folder) / "desk") as desk:
            yield desk, read_proposal(desk.stage(STAGE), digest)


def verified(desk: Desk, proposal: Proposal) -> DossierStatement:
    """What a stranger says of the signatures, from the auditor's file alone."""
    desk.store.checkpoint(desk.origin, desk.log_key)
    dossier = make_dossier(
        desk.store, STAGE, rulebook=proposal.rulebook.canonical(), decision=proposal.body, before=proposal.before,
        opened=Opened(proposal.salt.hex(), proposal.everything), log_key=desk.note_key, sealed=None,
    )  # fmt: skip
    report = verify_dossier(write_dossier(dossier), log_key=str(desk.note_key))
    return next(one for one in report.statements if one.name == "decision.signatures")


def test_a_decision_without_the_role_it_needs_is_not_published(made: tuple[Office, str]) -> None:
    with copied(made) as (desk, proposal):
        for person in ("office", "judge"):
            sign(desk.stage(STAGE), proposal, SigningKey.load(made[0].key(person)), DECIDED)
        assert verified(desk, proposal).reason.key == "dossier.decision.signatures.too_few"
        with pytest.raises(NotAllowed, match="chair"):
            signed_decision(desk.stage(STAGE), proposal.digest)
        with pytest.raises(NotAllowed, match="chair"):
            write_dossiers(desk.stage(STAGE), proposal, desk.folder / "out")
        with pytest.raises(NotAllowed):
            publish_decision(desk.stage(STAGE), Actor("office", ANNOUNCED), Terms())


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(RULES), timelines())
def test_deciding_publishing_and_verifying_agree_on_every_record(
    made: tuple[Office, str], rule: rb.Signatures, timeline: tuple[Step, ...]
) -> None:
    with copied(made) as (desk, kept):
        proposal = replace(kept, rulebook=rb.changed(kept.rulebook, signatures=rule))
        for number, step in enumerate(timeline):
            if step.act in ("enrol", "revoke"):
                desk.store.add_key_statement(statement(step))
            else:
                desk.store.append(event_of(number, step, STAGE, proposal.digest))
        enough, people = expected(rule, timeline)
        decided = who_signed(desk.stage(STAGE), proposal)
        assert (decided.enough, {one.person: one.role for one in decided.counted}) == (enough, people)
        standing = verified(desk, proposal).standing
        assert standing == {
            "met": StatementStanding.HOLDS,
            "short": StatementStanding.BROKEN,
            "unknown": StatementStanding.COULD_NOT_RECOMPUTE,
        }[enough]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(timelines())
def test_what_is_published_is_what_verifies(made: tuple[Office, str], timeline: tuple[Step, ...]) -> None:
    with copied(made) as (desk, proposal):
        for number, step in enumerate(timeline):
            if step.act in ("enrol", "revoke"):
                desk.store.add_key_statement(statement(step))
            else:
                desk.store.append(event_of(number, step, STAGE, proposal.digest))
        met = expected(proposal.rulebook.signatures, timeline)[0] == "met"
        assert published(desk, proposal) == met
        assert (verified(desk, proposal).standing is StatementStanding.HOLDS) == met


def published(desk: Desk, proposal: Proposal) -> bool:
    try:
        write_dossiers(desk.stage(STAGE), proposal, desk.folder / "out")
        written = True
    except NotAllowed:
        written = False
    try:
        found = publish_decision(
            desk.stage(STAGE), Actor("office", ANNOUNCED), Terms(), digest=proposal.digest, dry_run=True
        )
    except NotAllowed:
        assert not written
        return False
    assert found.allowed
    assert written
    return True


def test_whoever_signed_or_may_not_sign_is_told_why(made: tuple[Office, str]) -> None:
    with copied(made) as (desk, proposal):
        chair = SigningKey.load(made[0].key("chair"))
        sign(desk.stage(STAGE), proposal, chair, DECIDED)
        with pytest.raises(NotAllowed, match="counts once") as again:
            sign(desk.stage(STAGE), proposal, chair, DECIDED)
        assert again.value.fields["reason"] == "signature.same_person"
        with pytest.raises(NotAllowed, match="never enrolled"):
            sign(desk.stage(STAGE), proposal, SigningKey(bytes([99]) * 32), DECIDED)
        with pytest.raises(NotAllowed, match="before the key counted"):
            sign(desk.stage(STAGE), proposal, SigningKey.load(made[0].key("office")), "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("passkey", [PASSKEY, Authenticator(42, edwards=True)], ids=["ES256", "EdDSA"])
def test_a_stage_decided_by_a_key_and_a_passkey_verifies_offline(
    made: tuple[Office, str], passkey: Authenticator
) -> None:
    with copied(made) as (desk, proposal):
        office = SigningKey.load(made[0].key("office"))
        enrol(desk, "second-chair", "chair", passkey, office, "2026-01-13T00:00:00Z")
        sign(desk.stage(STAGE), proposal, office, DECIDED)
        sign(desk.stage(STAGE), proposal, passkey, DECIDED)
        out = desk.folder / "out"
        released = publish_decision(desk.stage(STAGE), Actor("office", ANNOUNCED), Terms(), out=out)
        assert released.event is not None
        for path in released.dossiers:
            report = verify_dossier(path.read_bytes(), log_key=str(desk.note_key))
            assert report.intact
            assert "decision.signatures" in report.named(StatementStanding.HOLDS)
        file = released.dossiers[0].read_bytes()
        signed = who_signed(desk.stage(STAGE), proposal).counted[1]
        event = next(e for e in desk.store.events(STAGE) if e.id == signed.event)
        text = str(event.payload.signature).encode()
        at = file.index(text) + len(text) // 2
        changed = file[:at] + (b"A" if file[at : at + 1] != b"A" else b"B") + file[at + 1 :]
        assert "decision.signatures" in verify_dossier(changed).named(StatementStanding.BROKEN)
        assert read_dossier(changed).dossier.stage == STAGE


def test_a_short_decision_is_not_the_one_signed_last(made: tuple[Office, str]) -> None:
    with copied(made) as (desk, first):
        office, chair = (SigningKey.load(made[0].key(person)) for person in ("office", "chair"))
        for key in (office, chair):
            sign(desk.stage(STAGE), first, key, DECIDED)
        second = propose(desk.stage(STAGE), look(desk.stage(STAGE), seed=1, replicates=100))
        sign(desk.stage(STAGE), second, chair, DECIDED)
        assert who_signed(desk.stage(STAGE), second).enough is Enough.SHORT
        assert signed_decision(desk.stage(STAGE)).digest == first.digest


def test_a_passkey_signs_from_the_command_line(tmp_path: Path) -> None:
    book = appealing_rulebook(signatures=rb.Signatures(k=2, n=4, roles=ROLES))
    office = made_office(tmp_path, book)
    where = ["--desk", office.desk]

    def answer(*about: str) -> Path:
        asked = office.file("passkey.json", PASSKEY.file())
        told = run("key", "challenge", *about, "--credential", asked, "--at", DECIDED, "--json").json
        return office.file("passkey.json", PASSKEY.file(told["at"], told["request"]["challenge"]))

    file = answer("enrol", "second-chair", "chair")
    vouch = ["--credential", file, "--organiser", office.key("office")]
    assert run("key", "enrol", "second-chair", "chair", *vouch, *where).status == 0
    digest = office.json("stage", "decide", "--replicates", 100, "--key", office.key("judge"), at=DECIDED)[
        "decision"
    ]
    assert office.dokja("stage", "sign", digest, "--credential", file).status == 2, (
        "it answered something else"
    )
    assert office.dokja("stage", "sign", digest).status == 2, "nobody signs"
    said = office.dokja("stage", "sign", digest, "--key", office.key("elder"), "--lang", "ko", at=DECIDED)
    assert "chair 1명" in said.out
    told = office.json(
        "stage", "sign", digest, "--credential", answer("decision", digest), "--out", tmp_path / "out"
    )
    assert told["signed"] == ["elder", "judge", "second-chair"]
    assert told["missing"] == {}
    for path in told["dossiers"]:
        assert run("verify", path).status == 0
