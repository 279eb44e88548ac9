"""A stranger verifies a decision from the file alone; no changed byte and no changed value goes unnoticed."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.canonical import JSON, canonical_bytes, digest_json
from dokja.deciding import decided as decided_model
from dokja.dossier import Dossier, Opened, read_dossier, write_dossier
from dokja.errors import DossierUnreadable, InvalidInput
from dokja.grammar.model import read_model
from dokja.publishing.see import signed_body
from dokja.record.history import History
from dokja.report.words import LANGUAGES, say, say_reason, sentences
from dokja.sensitivity.uncertainty import assess
from dokja.signature.note import NoteKey
from dokja.workflows import verify as verify_module
from dokja.workflows import verify_log
from dokja.workflows.verify import StatementStanding, VerificationReport, verify_dossier
from tests.workflows.made_decision import KEYS, LOG_KEY, ORIGIN, SALT, Decided, decided_stage

DOTTED = re.compile(r"[a-z]+\.[a-z]+")
HOLDS, BROKEN, UNKNOWN = (
    StatementStanding.HOLDS,
    StatementStanding.BROKEN,
    StatementStanding.COULD_NOT_RECOMPUTE,
)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    made = decided_stage(tmp_path_factory.mktemp("decided"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def public(decided: Decided) -> bytes:
    return write_dossier(decided.dossier(public=True))


@pytest.fixture(scope="module")
def auditors(decided: Decided) -> bytes:
    return write_dossier(decided.dossier(public=False))


def verify(dossier: Dossier) -> VerificationReport:
    """Verify a dossier whose seal was made anew: what an attacker who can count would publish."""
    return verify_dossier(write_dossier(dossier), log_key=str(LOG_KEY))


def test_everything_in_the_auditors_dossier_holds(auditors: bytes) -> None:
    report = verify_dossier(auditors, log_key=str(LOG_KEY))
    assert report.named(BROKEN) == ()
    assert report.named(UNKNOWN) == ()
    assert "decision.recomputed" in report.named(HOLDS)


def test_the_public_dossier_lists_what_could_not_be_recomputed(public: bytes) -> None:
    report = verify_dossier(public)
    assert report.intact
    assert set(report.named(UNKNOWN)) == {
        "log.key",
        "events.history",
        "decision.public",
        "decision.commitment",
        "decision.recomputed",
        "decision.uncertainty",
    }
    for name in ("log.inclusion", "log.root", "rulebook.digest", "decision.signatures", "keys.statements"):
        assert name in report.named(HOLDS)


def test_every_reason_is_said_in_both_languages(public: bytes, auditors: bytes) -> None:
    for data in (public, auditors):
        for statement in verify_dossier(data).statements:
            for language in LANGUAGES:
                assert say_reason(statement.reason, language)


def test_a_public_dossier_shows_no_sealed_mark_and_no_person(public: bytes, auditors: bytes) -> None:
    for secret in ("expert_score", "user_rating", "홍길동", "experts-c0"):
        assert secret.encode() not in public.split(b'"rulebook":')[0] + public.split(b'"stage":')[-1]
    assert "홍길동".encode() in auditors


@settings(max_examples=60, deadline=None)
@given(data=st.data(), which=st.sampled_from(["public", "auditors"]))
def test_any_changed_byte_is_noticed(public: bytes, auditors: bytes, data: st.DataObject, which: str) -> None:
    file = public if which == "public" else auditors
    at = data.draw(st.integers(0, len(file) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != file[at]))
    changed = file[:at] + bytes([byte]) + file[at + 1 :]
    try:
        report = verify_dossier(changed, log_key=str(LOG_KEY))
    except DossierUnreadable:
        return
    assert report.named(BROKEN)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_changed_value_is_noticed_even_under_a_seal_made_anew(auditors: bytes, data: st.DataObject) -> None:
    value = json.loads(auditors)
    path = data.draw(st.sampled_from([p for p in paths(value) if p[0] not in ("seal", "format")]))
    change(value, path, data)
    value["seal"] = digest_json("dossier", {k: v for k, v in value.items() if k != "seal"})
    try:
        report = verify_dossier(canonical_bytes(value) + b"\n", log_key=str(LOG_KEY))
    except DossierUnreadable:
        return
    assert report.named(BROKEN), path
    assert "file.seal" not in report.named(BROKEN)


def paths(value: JSON, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every scalar, with long lists thinned so that each part of the file is tried."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for number in sorted(
            {
                *range(min(6, len(value))),
                *range(0, len(value), 17),
                *range(max(0, len(value) - 3), len(value)),
            }
        ):
            yield from paths(value[number], (*at, number))
    else:
        yield at


def change(value: JSON, path: tuple[str | int, ...], data: st.DataObject) -> None:
    holder = value
    for step in path[:-1]:
        holder = holder[step]  # type: ignore[index,call-overload]
    old = holder[path[-1]]  # type: ignore[index,call-overload]
    if path == ("decision", "before"):
        new: JSON = data.draw(st.integers(0, 40))
    elif isinstance(old, str) and old:
        at = data.draw(st.integers(0, len(old) - 1))
        new = old[:at] + ("0" if old[at] != "0" else "1") + old[at + 1 :]
    elif isinstance(old, bool):
        new = not old
    elif isinstance(old, (int, float)):
        new = old + 1
    else:
        new = "x"
    holder[path[-1]] = new  # type: ignore[index,call-overload]


@pytest.mark.parametrize("space", [b" ", b"\n", b"\t"])
def test_a_reformatted_copy_is_not_the_dossier(auditors: bytes, space: bytes) -> None:
    for changed in (
        auditors + space,
        space + auditors,
        auditors.replace(b":", b":" + space, 1),
        auditors[:-1],
    ):
        assert verify_dossier(changed).named(BROKEN) == ("file.canonical",)
    pretty = json.dumps(json.loads(auditors), indent=1).encode()
    assert verify_dossier(pretty).named(BROKEN) == ("file.canonical",)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(max_size=4), lambda s: st.lists(s) | st.dictionaries(st.text(max_size=9), s), max_leaves=6).map(lambda v: json.dumps(v).encode()))  # fmt: skip
def test_what_is_no_dossier_is_unreadable_and_nothing_else(data: bytes) -> None:
    with pytest.raises(DossierUnreadable):
        verify_dossier(data)


@pytest.mark.parametrize(("apart", "standing"), [("1e-9", HOLDS), ("2e-9", BROKEN), ("0.4e-9", BROKEN)])
def test_a_figure_written_in_floating_point_may_be_one_off_in_its_last_decimal(
    decided: Decided, tmp_path: Path, apart: str, standing: StatementStanding
) -> None:
    made = decided_stage(tmp_path, signers=())
    outcome = json.loads(canonical_bytes(made.everything["outcome"]))
    score = next(one for one in outcome["scores"] if one["part"] != "total" and one["points"] is not None)
    score["points"] = float(Decimal(repr(score["points"])) + Decimal(apart))
    made.everything = {"outcome": outcome, "uncertainty": None}
    made.body = signed_body(made.book, read_model(decided_model.Decided, outcome), None, SALT)
    made.sign(("office", "chair"))
    report = verify(made.dossier(public=False))
    found = next(one for one in report.statements if one.name == "decision.recomputed")
    assert found.standing is standing
    if standing is HOLDS:
        assert found.reason.figures["moved"] == 1
        assert "ninth decimal" in say(found.reason.key, found.reason.figures, "en")
    made.store.close()


def test_a_decision_that_does_not_follow_is_named_although_it_is_signed(
    decided: Decided, tmp_path: Path
) -> None:
    made = decided_stage(tmp_path, signers=())
    outcome = json.loads(canonical_bytes(made.everything["outcome"]))
    outcome["advancing"] = outcome["advancing"][::-1] or ["nobody"]
    made.everything = {"outcome": outcome, "uncertainty": None}
    made.body = signed_body(made.book, read_model(decided_model.Decided, outcome), None, SALT)
    made.sign(("office", "chair"))
    report = verify(made.dossier(public=False))
    assert report.named(BROKEN) == ("decision.recomputed",)
    assert verify(made.dossier(public=True)).intact  # the public cannot tell; the report says that it cannot
    made.store.close()


@pytest.mark.parametrize(
    ("signers", "why"), [((), "too_few"), (("chair",), "too_few"), (("office", "auditor"), "too_few")]
)
def test_too_few_signatures_or_a_missing_chair_are_named(
    signers: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    made = decided_stage(tmp_path, signers=signers)
    report = verify(made.dossier(public=True))
    assert report.named(BROKEN) == ("decision.signatures",)
    assert [s.reason.key for s in report.statements if s.standing is BROKEN] == [
        f"dossier.decision.signatures.{why}"
    ]
    made.store.close()


def test_the_uncertainty_beside_a_decision_is_drawn_again_from_its_seed(decided: Decided) -> None:
    dossier = decided.dossier(public=False)
    events = decided.store.events(decided.book.id, before=decided.before)
    honest = assess(decided.book, History.of(events), seed=5, replicates=150, concentration=80.0).as_json()
    seen = []
    for stated in (
        honest, honest | {"seed": 6}, honest | {"replicates": 10**9}, {"replicates": 150}, honest | {"seed": -1}, "sure",
    ):  # fmt: skip
        opened = Opened(SALT.hex(), {**decided.everything, "uncertainty": stated})
        report = verify(replace(dossier, opened=opened))
        found = next(s for s in report.statements if s.name == "decision.uncertainty")
        seen.append(found.reason.key.rpartition(".")[2])
    assert seen == ["holds", "drawn_otherwise", "too_many", "malformed", "malformed", "malformed"]


def test_an_event_left_out_is_named(auditors: bytes) -> None:
    dossier = read_dossier(auditors).dossier
    for number in (0, 3, 100, len(dossier.record) - 1):
        record = dossier.record[:number] + dossier.record[number + 1 :]
        report = verify(replace(dossier, record=record))
        assert not report.intact or "log.root" in report.named(UNKNOWN)
        assert "log.root" not in report.named(HOLDS)


def test_a_log_rewritten_since_an_earlier_checkpoint_is_named(public: bytes) -> None:
    dossier = read_dossier(public).dossier
    assert len(dossier.earlier) == 1
    first = dossier.earlier[0]
    for wrong in (
        replace(first, proof=first.proof[:-1]),
        replace(first, note=first.note.replace("\n43\n", "\n42\n")),
    ):
        assert "log.consistency" in verify(replace(dossier, earlier=(wrong,))).named(BROKEN)


def test_another_log_key_than_the_published_one_is_named(public: bytes) -> None:
    other = NoteKey(ORIGIN, KEYS["office"].id)
    assert verify_dossier(public, log_key=str(other)).named(BROKEN) == ("log.key",)
    with pytest.raises(InvalidInput):
        verify_dossier(public, log_key="nonsense")


def test_a_person_shown_to_the_public_is_named(decided: Decided) -> None:
    shown, hidden = decided.dossier(public=False), decided.dossier(public=True)
    assert verify(replace(hidden, personal=shown.personal)).named(BROKEN) == ("personal.payloads",)
    assert verify(replace(shown, personal=())).named(BROKEN) == ("personal.payloads",)
    assert "events.history" in verify(replace(hidden, profile="auditor")).named(BROKEN)


def test_what_an_earlier_version_recorded_without_a_salt_is_sealed_all_the_same(
    decided: Decided, tmp_path: Path
) -> None:
    made = decided_stage(tmp_path, salted=False)
    kinds = [entry.kind for entry in made.dossier(public=True).record]
    assert kinds == [entry.kind for entry in decided.dossier(public=True).record]
    assert "sealed" in kinds
    made.store.close()


def test_an_erased_person_stays_explained_in_the_auditors_dossier(tmp_path: Path) -> None:
    made = decided_stage(tmp_path, signers=())
    event = next(e for e in made.store.events(made.book.id) if e.personal)
    made.store.erase(made.book.id, event.id, by="office", at="2026-02-01T00:00:00Z", reason="asked")
    with pytest.raises(InvalidInput, match="checkpoint"):
        made.dossier(public=False)
    made.sign(("office", "chair"))
    report = verify(made.dossier(public=False))
    assert report.named(BROKEN) == ()
    assert made.dossier(public=False).personal == ()
    made.store.close()


def test_an_erasure_whose_signature_does_not_count_is_named_and_one_that_counts_holds(tmp_path: Path) -> None:
    at = "2026-02-01T00:00:00Z"
    for name, broken in (("office", ()), ("log", ("events.signatures",))):
        folder = tmp_path / name
        folder.mkdir()
        made = decided_stage(folder, signers=())
        event = next(e for e in made.store.events(made.book.id) if e.personal)
        key = KEYS[name]  # the log's key is nobody's
        made.store.erase(
            made.book.id, event.id, by="office", at=at, reason="asked",
            sign=lambda stated, ring, place, key=key: key.sign("erasure", stated, at),
        )  # fmt: skip
        made.sign(("office", "chair"))
        for public in (True, False):
            assert verify(made.dossier(public=public)).named(BROKEN) == broken
        made.store.close()


def test_another_stage_in_the_log_stays_outside_and_is_counted(tmp_path: Path) -> None:
    made = decided_stage(tmp_path, signers=())
    first = made.store.events(made.book.id)[1]
    made.store.append(replace(first, id="elsewhere", stage="other-stage"))
    made.sign(("office", "chair"))
    report = verify(made.dossier(public=False))
    assert report.intact
    assert report.named(UNKNOWN) == ("log.root",)
    assert all(
        entry.body.get("event", {}).get("id") != "elsewhere" for entry in made.dossier(public=False).record
    )
    made.store.close()


def test_every_standing_a_statement_can_have_has_its_sentence() -> None:
    keys = set()
    for module in (verify_module, verify_log):
        for function in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                keys |= set(reason_keys(function))
    assert len(keys) > 40
    assert keys <= set(sentences())


def reason_keys(function: ast.FunctionDef) -> Iterator[str]:
    """Yield the keys of the reasons a check can give: its first assigned text, and each way of standing."""
    name = next(
        (
            n.value
            for n in ast.walk(function)
            if isinstance(n, ast.Constant) and DOTTED.fullmatch(str(n.value))
        ),
        None,
    )
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and name is not None:
            if call.func.id == "holds":
                yield f"dossier.{name}.holds"
            elif call.func.id in ("broken", "unknown"):
                how = call.args[1]
                assert isinstance(how, ast.Constant)
                yield f"dossier.{name}.{how.value}"


def test_a_stage_name_that_could_imitate_a_statement_is_no_stage_name(public: bytes) -> None:
    value = json.loads(public)
    value["stage"] = "made-stage\nfile.seal  holds: everything"
    value["seal"] = digest_json("dossier", {k: v for k, v in value.items() if k != "seal"})
    with pytest.raises(DossierUnreadable, match="stage"):
        verify_dossier(canonical_bytes(value) + b"\n")
