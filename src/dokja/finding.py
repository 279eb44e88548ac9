"""Claim, Verdict, Finding: the only words in which an examination answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dokja.canonical import JSON, digest_json
from dokja.errors import InvalidInput

_DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Verdict(StrEnum):
    """What an examination says of a claim. Never a bool, None, NaN or a bare similarity."""

    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_EXAMINED = "NOT_EXAMINED"


# How good a verdict is for whoever made the claim. Used to say "worse" in one place only.
_GOODNESS = {Verdict.SUPPORTED: 3, Verdict.INCONCLUSIVE: 2, Verdict.NOT_EXAMINED: 1, Verdict.REFUTED: 0}


def gravest(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict that counts most against the claim; NOT_EXAMINED when there is none."""
    return min(verdicts, key=_GOODNESS.__getitem__, default=Verdict.NOT_EXAMINED)


class Evidence(StrEnum):
    """What kind of looking stands behind a finding.

    The first five are the ladder of training evidence, weakest first. MEASURED is what an examiner computed from
    the artefact itself; JUDGED is a signed expert finding that cites evidence, shown as "judged, not replayed".
    """

    DECLARED = "declared"
    IMPORTED = "imported"
    RECORDED = "recorded"
    COMMITTED = "committed"
    REPLAYED = "replayed"
    MEASURED = "measured"
    JUDGED = "judged"

    def reaches(self, required: Evidence) -> bool:
        """Return whether this level is the required one or, on the ladder, a stronger one."""
        if self in _LADDER and required in _LADDER:
            return _LADDER.index(self) >= _LADDER.index(required)
        return self is required


_LADDER = (Evidence.DECLARED, Evidence.IMPORTED, Evidence.RECORDED, Evidence.COMMITTED, Evidence.REPLAYED)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something said of a submission, e.g. `weights.independent_of` about `vision_encoder`.

    Args:
        name: Dotted, lower case, stable across versions.
        about: The part of the submission it is said of; empty for the whole.
    """

    name: str
    about: str = ""

    def __post_init__(self) -> None:
        if not _DOTTED.fullmatch(self.name):
            raise InvalidInput(f"A claim's name is dotted lower-case words, not {self.name!r}.")

    def __str__(self) -> str:
        return f"{self.name}[{self.about}]" if self.about else self.name


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a message key with its figures; words in Korean or English are put at the edge.

    Args:
        key: Key in the catalogue of sentences (`dokja.report.sentences`), dotted.
        figures: What the sentence names: numbers, names, shares. JSON-able.
    """

    key: str
    figures: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _DOTTED.fullmatch(self.key):
            raise InvalidInput(f"A reason's key is dotted lower-case words, not {self.key!r}.")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination saw of one claim.

    Args:
        claim: What was claimed.
        verdict: What was seen.
        reason: Why, as a message key with figures.
        evidence: What kind of looking this rests on.
        looked_at: Role to digest of each thing looked at; role `subject` is the submission's weights.
    """

    claim: Claim
    verdict: Verdict
    reason: Reason
    evidence: Evidence
    looked_at: Mapping[str, str]

    def __post_init__(self) -> None:
        for role, digest in self.looked_at.items():
            if not _DIGEST.fullmatch(digest):
                raise InvalidInput(f"The {role} of a finding is named by a sha256 digest, not {digest!r}.")

    def as_json(self) -> dict[str, JSON]:
        """Return the finding as a JSON object; `Finding.from_json` reads it back."""
        return {
            "claim": self.claim.name,
            "about": self.claim.about,
            "verdict": self.verdict.value,
            "reason": {"key": self.reason.key, "figures": dict(self.reason.figures)},
            "evidence": self.evidence.value,
            "looked_at": dict(self.looked_at),
        }

    @classmethod
    def from_json(cls, value: object) -> Finding:
        """Return the finding a JSON object holds.

        Raises:
            InvalidInput: A field is missing, unknown or of another type.
        """
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise InvalidInput(f"A finding has exactly the fields {', '.join(sorted(_FIELDS))}.")
        reason = value["reason"]
        if not isinstance(reason, dict) or set(reason) != {"key", "figures"}:
            raise InvalidInput("A finding's reason has exactly the fields key and figures.")
        try:
            return cls(
                claim=Claim(value["claim"], value["about"]),
                verdict=Verdict(value["verdict"]),
                reason=Reason(reason["key"], dict(reason["figures"])),
                evidence=Evidence(value["evidence"]),
                looked_at=dict(value["looked_at"]),
            )
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"A finding's field cannot be read: {error}.") from error

    def digest(self) -> str:
        """Return the digest by which decisions and dossiers name this finding."""
        return digest_json("finding", self.as_json())


_FIELDS = {"claim", "about", "verdict", "reason", "evidence", "looked_at"}
