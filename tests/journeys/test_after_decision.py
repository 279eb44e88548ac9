"""After the decision, through commands alone: publish, embargo, object, answer, correct, re-enter, close."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dokja import rulebook as rb
from dokja.deciding.decision import decide
from dokja.record.history import History
from dokja.signature import SigningKey
from tests.journeys.decided_desk import (
    ANNOUNCED,
    SEED,
    STAGE,
    TEAMS,
    Office,
    appealing_rulebook,
    decided_office,
    made_office,
    run,
)
from tests.made_stage import Stage, full_stage

EXAMPLES = Path(__file__).parents[2] / "examples" / "rulebooks"
LAST_DAY, TOO_LATE = "2026-01-29T14:59:59Z", "2026-01-29T15:00:00Z"  # midnight in Seoul between them
CLOSING = "2026-02-05T00:00:00Z"


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return decided_office(tmp_path_factory.mktemp("decided"))


@pytest.fixture
def office(decided: Office, tmp_path: Path) -> Office:
    """Return a copy of the same decided stage for each test: a desk is a folder."""
    shutil.copytree(decided.folder, tmp_path / "office")
    return replace(decided, folder=tmp_path / "office")


def objecting(office: Office, *more: object, at: str = LAST_DAY, ground: str = "clerical_error"):
    text = office.file("objection.txt", "Items of our run were typed wrong.")
    return office.dokja("stage", "object", "nuri", "--ground", ground, "--text", text, *more, at=at)


def correction(office: Office) -> Path:
    """A run of the team that came last, in which every answer was right after all."""
    run_event = next(e for e in office.events() if e.kind == "run_result" and e.payload.subject == "nuri")
    rows = [[*row[:3], "scored", 1.0] for row in run_event.payload.rows]
    value = {
        "kind": "run_result",
        "payload": {**run_event.payload.as_json(), "rows": rows},
        "supersedes": run_event.id,
    }
    return office.file("correction.json", value)


def answering(office: Office, objection: str, *more: object, person: str = "judge", at: str = LAST_DAY):
    text = office.file("answer.txt", "The log says otherwise.")
    arguments = [
        "stage",
        "answer",
        objection,
        "--heard-by",
        person,
        "--key",
        office.key(person),
        "--text",
        text,
    ]
    return office.dokja(*arguments, *more, at=at)


def test_the_figures_of_january_2026_confine_the_sealed_totals_through_the_command(tmp_path: Path) -> None:
    desk, stage = ["--desk", tmp_path / "desk"], "korea-2026-stage1"
    book = EXAMPLES / "korea-2026-01-stage1.toml"
    opening = ["stage", "open", book, *desk, "--stage", stage, "--at", "2026-01-05T00:00:00Z"]
    assert run(*opening).status == 2, (
        "much of that rulebook was never published, so nothing new opens under it"
    )
    assert not (tmp_path / "desk").exists()
    assert run(*opening, "--allow-unknown").status == 0
    lines = (EXAMPLES / "korea-2026-01-stage1.events.jsonl").read_text("utf-8").splitlines()
    for number, event in enumerate(map(json.loads, lines)):
        payload = event["payload"]
        if event["kind"] == "published_score" and float(payload["points"]).is_integer():
            payload["half_unit"] = 0.05  # 25.0 and 10.0 were published with one decimal
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(payload), encoding="utf-8")
        said = run("stage", "record", event["kind"], file, *desk, "--at", event["at"], "--by", "press")
        assert said.status == 0, said.err
    assume = ["--assume", "first:total:lg", "--assume", "last:total:nc-ai"]
    said = run("publication", "intervals", *desk, *assume, "--json")
    assert said.status == 0, said.err
    totals = {row["team"]: row for row in said.json["intervals"] if row["part"] == "total"}
    for team in set(totals) - {"lg", "nc-ai"}:
        assert totals[team]["low"] == pytest.approx(63.8, abs=0.15)
        assert totals[team]["high"] == pytest.approx(90.2, abs=0.15)
    assert totals["nc-ai"]["low"] == pytest.approx(37.3, abs=0.15)
    assert totals["nc-ai"]["high"] == pytest.approx(77.2, abs=0.15)
    assert "assumption" in totals["nc-ai"]["confined_by"]


def test_nothing_is_released_objected_to_or_closed_before_the_decision_is_published(office: Office) -> None:
    assert objecting(office).status == 1
    assert office.dokja("publication", "release", "--field", "stage_means", at=ANNOUNCED).status == 2
    assert office.dokja("stage", "close", at=CLOSING).status == 2
    before = len(office.events())
    assert office.json("stage", "publish", "--dry-run", at=ANNOUNCED)["allowed"]
    assert len(office.events()) == before
    assert office.json("stage", "publish", at=ANNOUNCED)["last_days"]["nuri"] == "2026-01-29"
    assert office.dokja("stage", "publish", at=ANNOUNCED).status == 2, "a decision is announced once"


def test_the_dossiers_of_a_published_decision_verify(office: Office) -> None:
    told = office.json("stage", "publish", "--out", office.folder / "out", at=ANNOUNCED)
    objecting(office)
    assert len(told["dossiers"]) == 2
    for dossier in told["dossiers"]:
        verified = run("verify", dossier)
        assert verified.status == 0, verified.out + verified.err


def test_a_release_the_policy_refuses_shows_the_table_and_leaves_no_event(tmp_path: Path) -> None:
    office = decided_office(tmp_path, appealing_rulebook(narrowest=70.0))
    before = office.events()
    said = office.dokja("stage", "publish", at=ANNOUNCED)
    assert said.status == 1
    assert "Refused" in said.out
    assert "this decision" in said.out
    assert office.events() == before
    assert office.dokja("stage", "publish", "--lang", "ko", at=ANNOUNCED).out.count("거부") >= 1


def test_what_a_team_knows_of_itself_is_counted_where_it_is_assumed(office: Office) -> None:
    assert office.dokja("stage", "publish", at=ANNOUNCED).status == 0
    release = ["publication", "release", "--field", "stage_means", "--digits", 3, "--dry-run"]
    assume = [word for team in TEAMS[:2] for word in ("--assume", f"knows:{team}")]
    told = office.dokja(*release, *assume, "--json", at=ANNOUNCED).json
    narrow = [row for row in told["sealed"] if row["team"] == "nuri" and row["part"] == "total"]
    assert narrow[0]["before"][1] - narrow[0]["before"][0] < 0.01, "the announced means already gave it away"
    assert told["allowed"], "refusing cannot take back what is known"


def test_before_an_embargo_ends_only_named_readers_look_and_each_look_is_recorded(office: Office) -> None:
    until = "2026-01-15T09:00:00Z"
    said = office.dokja("stage", "publish", "--until", until, "--to", "press:one", at=ANNOUNCED)
    assert said.status == 0, said.err
    look = ["publication", "preview", "--profile", "public"]
    early = "2026-01-15T08:00:00Z"
    assert office.dokja(*look, at=early).status == 2
    assert office.dokja(*look, "--by", "press:two", at=early).status == 2
    assert office.json("publication", "accesses")["accesses"] == []
    seen = office.dokja(*look, "--by", "press:one", at=early).json
    (access,) = office.json("publication", "accesses")["accesses"]
    assert (access["by"], access["at"], access["profile"]) == ("press:one", early, "public")
    assert office.dokja(*look, at=until).json == seen, "early readers saw what everyone saw later"
    assert len(office.json("publication", "accesses")["accesses"]) == 1
    assert objecting(office, at=early).status == 1, "nothing is announced yet"
    assert office.dokja("stage", "close", at="2026-01-15T08:00:00Z").status == 2


def test_an_objection_is_refused_with_its_reason_in_both_languages(office: Office) -> None:
    office.dokja("stage", "publish", at=ANNOUNCED)
    before = office.events()
    late = objecting(office, "--json", at=TOO_LATE)
    assert late.status == 1
    assert late.json["refused"]["key"] == "objection.too_late"
    assert late.json["refused"]["figures"]["last_day"] == "2026-01-29"
    assert "2026-01-29" in objecting(office, "--lang", "ko", at=TOO_LATE).out
    for ground in (
        "disagreement_with_a_judgement",
        "new_material",
        "another_teams_score",
        "the_rules_themselves",
    ):
        assert objecting(office, ground=ground).status == 1
    others = next(e.id for e in before if e.kind == "run_result" and e.payload.subject == "mirae")
    assert (
        objecting(office, "--about", others, "--json").json["refused"]["key"]
        == "objection.another_teams_score"
    )
    assert objecting(office, ground="unfairness").status == 2
    assert objecting(office, "--dry-run").status == 0
    assert office.events() == before
    assert objecting(office).status == 0
    assert objecting(office, "--json").json["refused"]["key"] == "objection.twice"


def test_an_objection_is_heard_by_others_upheld_replayed_corrected_and_closed(office: Office) -> None:
    office.dokja("stage", "publish", at=ANNOUNCED)
    evidence = office.file("evidence.csv", "item,answer\n1,right\n")
    objection = objecting(office, "--evidence", evidence, "--json").json["event"]["id"]
    assert office.dokja("stage", "close", at=CLOSING).status == 2, "an objection waits"
    fixed = ["--uphold", "--correction", correction(office)]
    assert answering(office, objection, *fixed, person="chair").status == 2, "who signed does not hear it"
    assert "another panel" in answering(office, objection, *fixed, person="chair").err
    assert answering(office, objection, "--uphold").status == 2, "nothing is corrected"
    before = office.events()
    tried = answering(office, objection, *fixed, "--dry-run", "--json").json
    assert office.events() == before
    done = answering(office, objection, *fixed, "--json").json
    assert done["differences"] == tried["differences"]
    assert {one["team"] for one in done["differences"]} >= {"nuri"}
    assert any(one["of"] == "mean" and one["was_true"] for one in done["no_longer_true"])
    after = office.events()
    assert len(after) == len(before) + 2
    assert (
        decide(office.book, History.of(after)).as_json() != decide(office.book, History.of(before)).as_json()
    )
    assert answering(office, objection, "--dismiss").status == 2, "it is answered once"

    assert office.dokja("stage", "close", at=CLOSING).status == 2, "what was announced is no longer true"
    office.decide(at="2026-01-29T14:59:59Z")
    assert office.dokja("stage", "publish", at="2026-01-30T00:00:00Z").status == 2, (
        "a correction gives its reason"
    )
    reason = ["--reason", f"upheld {objection}"]
    corrected = office.json("stage", "publish", *reason, at="2026-01-30T00:00:00Z")
    assert corrected["event"]["supersedes"]
    closed = office.dokja("stage", "close", at="2026-03-02T00:00:00Z")
    assert closed.status == 0, closed.err
    payload = office.file("withdrawal.json", {"team": "mirae"})
    assert office.dokja("stage", "record", "withdrawal", payload, at="2026-03-03T00:00:00Z").status == 2


def test_an_answer_after_its_deadline_is_taken_and_shown_as_late(office: Office) -> None:
    office.dokja("stage", "publish", at=ANNOUNCED)
    objection = objecting(office, "--json").json["event"]["id"]
    assert office.dokja("stage", "objections").status == 1
    done = answering(office, objection, "--dismiss", "--json", at="2026-02-10T00:00:00Z").json
    assert done["late_by_days"] == 5
    assert (done["differences"], done["no_longer_true"]) == ([], [])
    assert office.dokja("stage", "objections").status == 0


def test_an_allegation_resting_on_no_evidence_is_answered_at_once_and_a_better_one_opens_an_examination(
    office: Office,
) -> None:
    text = office.file("allegation.txt", "The norms are the same.")
    filing = [
        "allegation",
        "file",
        "mirae",
        "--reference",
        "GLM-4.5-Air, Z.ai",
        "--text",
        text,
        "--by",
        "rival:one",
    ]
    weak = office.dokja(
        *filing, "--basis", "norm_gain_cosine", "--basis", "equal_configuration", at=ANNOUNCED
    )
    assert weak.status == 1
    assert all(figure in weak.out for figure in ("0.989", "0.9676", "0.9678", "0.0054"))
    strong = [*filing, "--basis", "weight_comparison"]
    assert office.dokja(*strong, at=ANNOUNCED).status == 2, "evidence comes with it"
    strong += ["--evidence", office.file("comparison.csv", "layer,correlation\n0,0.9\n")]
    filed = office.dokja(*strong, "--json", at=ANNOUNCED).json
    allegation = filed["event"]["id"]

    def status(at: str, *more: object) -> dict[str, object]:
        return dict(office.json("allegation", "status", allegation, *more, at=at)["allegations"][0])

    assert status(ANNOUNCED)["status"] == "awaiting_reply"
    assert "text" not in status(ANNOUNCED)
    assert status(ANNOUNCED, "--profile", "own_team", "--team", "mirae")["text"] == "The norms are the same."
    assert "text" not in status(ANNOUNCED, "--profile", "own_team", "--team", "nuri")
    assert status("2026-02-20T00:00:00Z")["status"] == "under_examination", "its days to reply have passed"
    reply = office.file("reply.txt", "We trained it ourselves.")
    assert (
        office.dokja(
            "allegation", "reply", allegation, "--text", reply, "--by", "team:mirae", at=ANNOUNCED
        ).status
        == 0
    )
    assert office.dokja("allegation", "reply", allegation, "--text", reply, at=ANNOUNCED).status == 2
    assert status(ANNOUNCED)["status"] == "under_examination"


def test_a_re_entry_round_fills_a_vacancy_and_its_result_stands_with_the_first_stage(tmp_path: Path) -> None:
    office = made_office(tmp_path, fill=_with_one_vacancy)
    office.decide()
    again = reentry_rulebook(office.book)
    rulebook = office.file("reentry.toml", as_toml(again))
    opening = ["stage", "reenter", rulebook, "--applicant", "saebom=Saebom"]
    assert office.dokja(*opening, at=ANNOUNCED).status == 2, "nothing is announced"
    office.dokja("stage", "publish", at=ANNOUNCED)
    assert office.dokja(*opening, "--applicant", "mirae=Mirae", at=ANNOUNCED).status == 2, "it holds a place"
    closed = office.file("closed.toml", as_toml(reentry_rulebook(office.book, eliminated_may_apply=False)))
    left_before = office.dokja("stage", "reenter", closed, "--applicant", "nuri=Nuri", at=ANNOUNCED)
    assert left_before.status == 2
    assert "lets no such team apply" in left_before.err
    tried = office.dokja(*opening, "--dry-run", at=ANNOUNCED)
    assert tried.status == 0, tried.err
    opened = office.json(*opening, at=ANNOUNCED)
    assert opened["events"][0]["payload"]["reenters"]["stage"] == STAGE
    assert office.dokja(*opening, "--round", "another", at=ANNOUNCED).status == 2, "a round runs"
    round_ = again.id
    left = ["stage", "reenter", "--applicant", "nuri=Nuri"]
    assert office.dokja(*left, at=ANNOUNCED, stage=round_).status == 0, "a team that left may apply"
    votes = {"saebom": "approve", "nuri": "reject"}
    for number, rater in enumerate(("p:1", "p:2", "p:3")):
        seat = office.file("seat.json", {"rater": rater, "panel": "reviewers"})
        assert (
            office.dokja("stage", "record", "rater_registered", seat, at=ANNOUNCED, stage=round_).status == 0
        )
        for team, choice in votes.items():
            vote = office.file(f"vote{number}.json", {"rater": rater, "team": team, "choice": choice})
            said = office.dokja("stage", "record", "panel_vote", vote, at=ANNOUNCED, stage=round_)
            assert said.status == 0, said.err
    office.decide(at=ANNOUNCED, stage=round_)
    assert office.dokja("stage", "reenter", "--result", at=ANNOUNCED, stage=round_).status == 2
    said = office.dokja("stage", "publish", at=ANNOUNCED, stage=round_)
    assert said.status == 0, said.err
    result = office.json("stage", "reenter", "--result", at=ANNOUNCED, stage=round_)["events"][0]
    assert (result["stage"], result["payload"]["selected"], result["payload"]["vacancies"]) == (
        STAGE,
        ["saebom"],
        0,
    )
    assert office.dokja("stage", "reenter", "--result", at=ANNOUNCED, stage=round_).status == 2, (
        "recorded once"
    )


def _with_one_vacancy(book: rb.Rulebook) -> Stage:
    """The best of three teams fails independence, so one of two places stays empty."""
    made = full_stage(book, seed=SEED, teams=TEAMS, items=6)
    for event in [e for e in made.events if e.kind == "finding_recorded" and e.payload.team == "haneul"]:
        finding = {**event.payload.as_json()["finding"], "verdict": "REFUTED"}
        made.events[made.events.index(event)] = replace(
            event, payload={**event.payload.as_json(), "finding": finding}
        )
    return made


def reentry_rulebook(book: rb.Rulebook, **advance: object) -> rb.Rulebook:
    reviewers = rb.changed(book.panels[0], id="reviewers", size=3, quorum=2, ballot=rb.BallotForm.APPROVAL, criteria=(),
                        averaging=rb.Averaging.MEAN, trim_each_side=0)  # fmt: skip
    majority = rb.PanelMajority(
        id="majority",
        title=book.title,
        panel="reviewers",
        more_than_share=0.5,
        majority_of=rb.MajorityOf.SIZE,
    )
    settled = {
        "gate": "majority",
        "entering": rb.UNKNOWN,
        "places": 1,
        "vacancy": rb.Vacancy.LEFT_EMPTY,
        "ties": (),
    }
    return rb.changed(
        book, id="made-reentry", points=1, parts=(), suites=(), comparators=(), faults=None, panels=(reviewers,),
        items=(), gates=(majority,), publication=rb.changed(book.publication, narrowest_interval_points=0.5), advance=rb.changed(book.advance, **(settled | advance)),
    )  # fmt: skip


def as_toml(book: rb.Rulebook) -> str:
    """Write a rulebook's canonical JSON as TOML: every table of it inline."""

    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{key} = {written(inner)}" for key, inner in value.items()) + " }"
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        return json.dumps(value, ensure_ascii=False)

    return "\n".join(f"{key} = {written(value)}" for key, value in book.canonical().items())


def test_nothing_is_rewritten_by_hand_that_has_a_command_of_its_own(tmp_path: Path) -> None:
    office = decided_office(tmp_path)
    office.dokja("stage", "publish", at=ANNOUNCED)
    (release,) = [event for event in office.events() if event.kind == "release"]
    again = office.file("again.json", release.payload.as_json())
    nothing = office.file("nothing.json", {})
    before = office.events()
    for kind, file in (("release", again), ("retraction", nothing)):
        why = ["--supersedes", release.id, "--reason", "by hand"]
        assert office.dokja("stage", "record", kind, file, *why, at=ANNOUNCED).status == 2
    assert office.events() == before


def test_a_key_that_was_never_enrolled_signs_nothing(tmp_path: Path) -> None:
    office = decided_office(tmp_path)
    SigningKey(bytes([77]) * 32).save(tmp_path / "stranger.key")
    left = office.file("left.json", {"team": "nuri"})
    before = office.events()
    said = office.dokja(
        "stage", "record", "withdrawal", left, "--key", tmp_path / "stranger.key", at=ANNOUNCED
    )
    assert (said.status, "never enrolled" in said.err) == (2, True)
    assert office.events() == before
