"""Ballot files: taken whole or refused with every mistake and its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import BallotsInvalid, InvalidInput
from dokja.panel.ballots import SCHEMA, Ballot, BallotFile, BallotKind, parse_ballots_csv, parse_ballots_json

GOOD = b"rater,team,criterion,score\ne1,haneul,plan,4\ne1,nuri,plan,3.5\ne2,haneul,plan,5\n"
names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)


def sentences(data: bytes, parse=parse_ballots_csv) -> dict[int, str]:
    with pytest.raises(BallotsInvalid) as caught:
        parse(data)
    return {one["line"]: one["sentence"] for one in caught.value.fields["mistakes"]}  # type: ignore[attr-defined]


def test_a_good_file_is_read_whole() -> None:
    file = parse_ballots_csv(GOOD)
    assert (file.kind, len(file.ballots), file.simulated) == (BallotKind.MARK, 3, False)
    assert file.ballots[1] == Ballot(3, {"rater": "e1", "team": "nuri", "criterion": "plan", "score": 3.5})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("e1,haneul,plan", "3 fields where the first line names 4"),
        ("e1,haneul,plan,", "score is '', not a number"),
        ("e1,haneul,plan,nan", "not a number"),
        ("e1,haneul,plan,1e999", "not a number"),
        ("e1,haneul,plan,1_0", "not a number"),
        ("e1,haneul,plan,'4", "not a number"),
        (",haneul,plan,4", "rater is ''"),
        ("e1,하늘,plan,4", "team is '하늘'"),
        ("e1,=cmd(),plan,4", "team is '=cmd()'"),
        ("e2,haneul,plan,5", "says again what line 4 says"),
    ],
)
def test_each_mistake_is_told_with_its_line(line: str, says: str) -> None:
    assert says in sentences(GOOD + line.encode() + b"\n")[5]


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    told = sentences(b"rater,team,criterion,score\ne1,haneul,plan,x\ne1,nuri,plan,4\ne1,dalbit,plan,y\n")
    assert set(told) == {2, 4}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"rater,team,criterion,score\n", "holds no ballot"),
        (b"rater,team,points\n", "the columns are"),
        (b"rater,rater,team,choice\n", "the columns are"),
        (b"rater,team,choice\ne1,haneul,maybe\n", "not one of approve, reject, abstain"),
        (b"rater,prompt,first,second,preferred\nu1,p1,haneul,haneul,tie\n", "the same team"),
        (b"rater,team,choice,simulated\ne1,a,approve,true\ne2,a,approve,false\n", "two files"),
        (b"rater,team,choice\ne1,\xff,approve\n", "not UTF-8"),
        (b'rater,team,choice\n"e1,a,approve\n', "not comma-separated"),
        (b"rater,team,choice\ne1,a\x00,approve\n", "null character"),
    ],
)
def test_files_of_another_shape_are_refused(data: bytes, says: str) -> None:
    assert says in "; ".join(sentences(data).values())


def test_json_says_the_same_as_csv() -> None:
    rows = [dict(ballot.values) for ballot in parse_ballots_csv(GOOD).ballots]
    file = parse_ballots_json(json.dumps({"schema": SCHEMA, "simulated": True, "ballots": rows}).encode())
    assert [ballot.values for ballot in file.ballots] == rows
    assert file.simulated
    bad = {
        "schema": SCHEMA,
        "simulated": False,
        "ballots": [rows[0], {**rows[1], "extra": 1}, {**rows[2], "score": True}],
    }
    told = sentences(json.dumps(bad).encode(), parse_ballots_json)
    assert "extra" in told[2]
    assert "not a number" in told[3]
    assert sentences(b'{"schema": "x"}', parse_ballots_json)
    assert sentences(b"[NaN]", parse_ballots_json)


MARKS = st.dictionaries(st.tuples(names, names, names), st.floats(-100, 100), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(MARKS, st.booleans(), st.text("한글 ,\"'=\n", max_size=8))
def test_a_written_file_reads_back_the_same(marks: dict, simulated: bool, comment: str) -> None:
    ballots = tuple(
        Ballot(n + 2, {"rater": r, "team": t, "criterion": c, "score": float(score)}, comment.strip())
        for n, ((r, t, c), score) in enumerate(marks.items())
    )
    read = parse_ballots_csv(BallotFile(BallotKind.MARK, ballots, simulated).render_csv().encode())
    assert [(b.values, b.comment) for b in read.ballots] == [(b.values, b.comment) for b in ballots]
    assert read.simulated is simulated


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120), st.integers(0, len(GOOD)))
def test_no_bytes_at_all_break_the_reader(noise: bytes, at: int) -> None:
    for parse in (parse_ballots_csv, parse_ballots_json):
        try:
            file = parse(GOOD[:at] + noise + GOOD[at:])
        except BallotsInvalid:
            continue
        assert file.ballots


def test_a_ballot_names_the_weights_it_is_about_and_none_without_a_submission() -> None:
    digest = "sha256:" + "0" * 64
    mark = parse_ballots_csv(GOOD).ballots[0]
    assert mark.payload({"haneul": digest}) == {**mark.values, "weights": digest}
    pair = parse_ballots_csv(b"rater,prompt,first,second,preferred\nu1,p1,haneul,nuri,tie\n").ballots[0]
    assert pair.payload({"haneul": digest, "nuri": digest})["second_weights"] == digest
    with pytest.raises(InvalidInput, match="submitted no weights"):
        mark.payload({})
