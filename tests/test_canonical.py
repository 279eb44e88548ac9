"""One value has one encoding and one digest; what has none is refused."""

import hashlib
import json
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from dokja.canonical import (
    canonical_bytes,
    digest_bytes,
    digest_canonical,
    digest_chunks,
    digest_file,
    digest_json,
    digest_salted,
    digest_weights,
    parse_json,
    parse_json_at,
)
from dokja.errors import InvalidInput

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_canonical_json_reads_back_as_the_same_value(value: object) -> None:
    assert parse_json(canonical_bytes(value)) == value


@given(st.dictionaries(st.text(), scalars))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical_bytes(dict(reversed(value.items()))) == canonical_bytes(value)


@given(values | st.recursive(scalars | st.floats(-1e3, 1e3) | st.integers(0, 9).map(float), st.lists))
def test_every_value_is_spelt_as_the_library_of_the_standard_spells_it(value: object) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(values, st.integers(0, 100))
def test_a_digest_of_pieces_is_the_digest_of_the_whole(value: object, cut: int) -> None:
    whole = canonical_bytes(value)
    assert digest_canonical("event", [whole[:cut], whole[cut:]]) == digest_json("event", value)


@given(values, st.text(" \n\t", max_size=3), st.text())
def test_a_value_is_read_from_the_middle_of_a_text(value: object, before: str, after: str) -> None:
    spelt = canonical_bytes([value]).decode()
    assert parse_json_at(before + spelt + after, len(before)) == ([value], len(before) + len(spelt))


def test_rfc_8785_worked_example() -> None:
    given_text = (
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_bytes(json.loads(given_text)).decode() == expected


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**60, {1: 2}, {"a": {1, 2}}, b"bytes", "\ud800"]
)
def test_a_value_without_a_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="canonical"):
        canonical_bytes(value)


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "[NaN]", "[Infinity]", "{", "", "[" * 100_000])
def test_json_that_two_readers_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="only one way"):
        parse_json(text)


def test_a_digest_of_one_kind_of_thing_is_not_that_of_another() -> None:
    assert digest_json("rulebook", {"a": 1}) != digest_json("event", {"a": 1})


@given(st.binary(), st.binary(min_size=16, max_size=32))
def test_digests_name_bytes_and_salts_hide_values(data: bytes, salt: bytes) -> None:
    assert digest_bytes(data) == "sha256:" + hashlib.sha256(data).hexdigest()
    assert digest_chunks([data, data]) == digest_bytes(data + data)
    assert digest_salted(salt, "yes") != digest_salted(bytes(16) + salt, "yes")


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(InvalidInput, match="16 bytes"):
        digest_salted(b"short", 1)


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"x" * 5_000_000)
    assert digest_file(path) == digest_bytes(b"x" * 5_000_000)


def test_the_digest_of_weights_ignores_order_and_nothing_else() -> None:
    one = ("a", "F32", (2, 3), digest_bytes(b"1"))
    two = ("b", "F32", (6,), digest_bytes(b"2"))
    assert digest_weights([one, two]) == digest_weights([two, one])
    assert digest_weights([one, two]) != digest_weights([one, ("b", "F32", (3, 2), digest_bytes(b"2"))])
    assert digest_weights([one, two]) != digest_weights([one, ("c", "F32", (6,), digest_bytes(b"2"))])
