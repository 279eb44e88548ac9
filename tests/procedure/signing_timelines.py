"""Random histories of keys and signatures of one decision, and what must be said of each, counted by brute force.

A timeline is a list of steps in the order of the log: keys are enrolled and revoked, decisions are signed well, badly and
by the wrong people, signatures are retracted. `expected` knows what each step was meant to be; it never looks at a key
ring or a signature.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.canonical import JSON
from dokja.record.events import Event
from dokja.signature import KeyRing, SigningKey, key_statement
from tests.signature.authenticator import Authenticator

DECISION, ANOTHER = "sha256:" + "1d" * 32, "sha256:" + "2e" * 32
TIMES = tuple(f"2026-01-{day:02}T00:00:00Z" for day in (3, 6, 9, 12))
OFFICE = SigningKey(bytes([1]) * 32)
# Name of a key -> (key, person, role). The chair holds three: two in one role, one in another.
KEYS: dict[str, tuple[Any, str, str]] = {
    "c1": (SigningKey(bytes([31]) * 32), "chair", "chair"),
    "c2": (Authenticator(32), "chair", "chair"),
    "c3": (SigningKey(bytes([33]) * 32), "chair", "reviewer"),
    "j1": (Authenticator(34, edwards=True), "judge", "reviewer"),
    "e1": (SigningKey(bytes([35]) * 32), "elder", "reviewer"),
    "g1": (SigningKey(bytes([36]) * 32), "guest", "team"),
}
FAULTS = ("", "", "", "", "other value", "other domain", "other signer", "malformed", "another decision")


@dataclass(frozen=True)
class Step:
    """One step: `enrol`, `revoke`, `sign` or `retract`.

    `time` is when it takes effect or was made; `target` is the number of the step that a retraction takes back.
    """

    act: str
    key: str = ""
    time: int = 0
    fault: str = ""
    target: int = -1


steps = st.builds(
    Step,
    act=st.sampled_from(["enrol", "enrol", "sign", "sign", "sign", "revoke", "retract"]),
    key=st.sampled_from(sorted(KEYS)),
    time=st.integers(0, len(TIMES) - 1),
    fault=st.sampled_from(FAULTS),
    target=st.integers(0, 11),
)


@st.composite
def timelines(draw: st.DrawFn) -> tuple[Step, ...]:
    """Draw a timeline whose steps the log would take."""
    kept: list[Step] = []
    enrolled: set[str] = set()
    ended: set[str] = set()
    gone: set[int] = set()
    for step in draw(st.lists(steps, max_size=12)):
        fits = {
            "enrol": step.key not in enrolled,
            "revoke": step.key in enrolled - ended,
            "sign": True,
            "retract": step.target < len(kept)
            and kept[step.target].act == "sign"
            and step.target not in gone,
        }[step.act]
        if not fits:
            continue
        enrolled |= {step.key} if step.act == "enrol" else set()
        ended |= {step.key} if step.act == "revoke" else set()
        gone |= {step.target} if step.act == "retract" else set()
        kept.append(step)
    return tuple(kept)


roles = st.lists(
    st.builds(
        lambda name, least: rb.SigningRole(name=name, seats=3, at_least=least),
        st.sampled_from(["chair", "reviewer", "organiser"]),
        st.integers(0, 2),
    ),
    max_size=4,
).map(tuple)
rules = st.builds(
    lambda k, roles: rb.Signatures(k=k, n=9, roles=roles),
    st.sampled_from([1, 1, 2, 2, 3, rb.UNKNOWN]),
    roles | st.just(rb.UNKNOWN),
)


def expected(rule: rb.Signatures, timeline: tuple[Step, ...]) -> tuple[str, dict[str, str]]:
    """What must come out: met, short or unknown; and person -> role of those who count."""
    taken_back = {step.target for step in timeline if step.act == "retract"}
    counted: dict[str, str] = {}
    for place, step in enumerate(timeline):
        if step.act != "sign" or place in taken_back or step.fault:
            continue
        _, person, role = KEYS[step.key]
        begun = [(p, s.time) for p, s in enumerate(timeline) if (s.act, s.key) == ("enrol", step.key)]
        ended = [(p, s.time) for p, s in enumerate(timeline) if (s.act, s.key) == ("revoke", step.key)]
        in_force = (
            bool(begun)
            and all(place > p and step.time >= time for p, time in begun)
            and all(place < p and step.time < time for p, time in ended)
        )
        listed = isinstance(rule.roles, rb.Unknown) or role in {one.name for one in rule.roles}
        if in_force and listed:
            counted.setdefault(person, role)
    if isinstance(rule.k, rb.Unknown):
        return "unknown", counted
    present = Counter(counted.values())
    asked = () if isinstance(rule.roles, rb.Unknown) else rule.roles
    met = len(counted) >= rule.k and all(present[one.name] >= one.at_least for one in asked)
    return ("met" if met else "short"), counted


def statement(step: Step) -> dict[str, JSON]:
    """The signed statement of an `enrol` or `revoke` step; the office vouches."""
    key, person, role = KEYS[step.key]
    at = TIMES[step.time]
    if step.act == "revoke":
        return key_statement(
            {"action": "revoke", "key": key.id, "effective_at": at, "reason": "lost"}, [OFFICE], TIMES[0]
        )
    enrolled = {
        "action": "enrol", "person": person, "role": role, "key": key.id, "effective_at": at, "reason": "appointed",
    }  # fmt: skip
    return key_statement(enrolled, [key, OFFICE], TIMES[0])


def event_of(number: int, step: Step, stage: str, decision: str = DECISION) -> Event:
    """The event of a `sign` or `retract` step."""
    if step.act == "retract":
        target = f"step-{step.target}"
        return Event(
            f"step-{number}", "retraction", stage, TIMES[-1], "office", {}, supersedes=target, reason="no"
        )
    key, person, _ = KEYS[step.key]
    at = TIMES[step.time]
    signed = ANOTHER if step.fault in ("other value", "another decision") else decision
    made = key.sign("event" if step.fault == "other domain" else "decision", signed, at)
    payload = {
        "decision": ANOTHER if step.fault == "another decision" else decision,
        "signer": "somebody" if step.fault == "other signer" else person,
        "key": key.id,
        "signature": "nonsense" if step.fault == "malformed" else made.signature,
    }
    return Event(f"step-{number}", "decision_signed", stage, at, person, payload)


def office_enrolled() -> dict[str, JSON]:
    """The first statement of all: the office vouches for itself."""
    enrolled = {
        "action": "enrol", "person": "office", "role": "organiser", "key": OFFICE.id,
        "effective_at": TIMES[0], "reason": "appointed",
    }  # fmt: skip
    return key_statement(enrolled, [OFFICE], TIMES[0])


def recorded(timeline: tuple[Step, ...]) -> tuple[KeyRing, list[tuple[int, Event]]]:
    """The key ring and the placed events of a timeline, as a log would hold them."""
    ring, placed = KeyRing.replay([(0, office_enrolled())]), []
    for number, step in enumerate(timeline):
        if step.act in ("enrol", "revoke"):
            ring.accept(number + 1, statement(step))
        else:
            placed.append((number + 1, event_of(number, step, "made-stage")))
    return ring, placed
