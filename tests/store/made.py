"""Made-up events and keys for the tests of the store."""

from dokja.canonical import JSON
from dokja.record.events import Event, PersonalPayload
from dokja.signature import SigningKey, key_statement

AT = "2026-01-15T06:00:00Z"
OFFICE = SigningKey(bytes([1]) * 32)
LOG_KEY = SigningKey(bytes([2]) * 32)
ORIGIN = "programme.example/log"


def event(number: int, *, stage: str = "stage-1", supersedes: str | None = None, **fields: object) -> Event:
    """Return a synthetic event: a team registers."""
    payload: dict[str, JSON] = {"team": f"team{number}", "name": f"Team {number}"}
    values: dict[str, object] = {
        "id": f"e{number}", "kind": "team_registered", "stage": stage, "at": AT, "by": "office", "payload": payload,
        "supersedes": supersedes, "reason": "the name was misspelt" if supersedes else "",
    }  # fmt: skip
    return Event(**(values | fields))  # type: ignore[arg-type]


def person(name: str = "홍길동") -> PersonalPayload:
    """Return a synthetic personal payload."""
    return PersonalPayload(bytes(range(16)), {"name": name, "affiliation": "한국대학교"})


def first_key() -> dict[str, JSON]:
    """Return the statement that enrols the office."""
    statement = {
        "action": "enrol", "person": "office", "role": "organiser", "key": OFFICE.id, "effective_at": AT,
        "reason": "programme founded",
    }  # fmt: skip
    return key_statement(statement, [OFFICE], AT)
