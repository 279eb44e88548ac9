"""Independence items: what findings say of them, and what keeps them from passing.

- An item passes when each of its claims is SUPPORTED, for each declared component where the rulebook asks so, by
  evidence of the required level; or by a signed expert finding that cites evidence, where the rulebook allows it.
- One REFUTED finding fails the item, whatever supports it, and whether or not the component it is about was declared.
- What nobody examined passes nothing. Silence and "no link found" support nothing.
- A finding counts only if it looked at the very weights the team submitted (role `subject`). Findings about other
  weights are left out and named.
- A judged finding where the rulebook does not allow one is shown and not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON
from dokja.finding import Evidence, Reason, Verdict
from dokja.record.finding import RecordedFinding
from dokja.rulebook import IndependenceCriterion, Unknown, WhenInconclusive


class Outcome(StrEnum):
    """How a gate, or an item of one, stands for a team."""

    PASS = "pass"  # noqa: S105  the outcome of a gate
    CONDITIONAL = "conditional"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
    FAIL = "fail"

    @property
    def opens(self) -> bool:
        """Return whether the team goes on."""
        return self in (Outcome.PASS, Outcome.CONDITIONAL)


_ORDER = (Outcome.FAIL, Outcome.INSUFFICIENT_EVIDENCE, Outcome.CONDITIONAL, Outcome.PASS)


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the worst of some outcomes; of none, that nothing was examined."""
    return min(outcomes, key=_ORDER.index, default=Outcome.INSUFFICIENT_EVIDENCE)


def best(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the best of some outcomes; of none, that nothing was examined."""
    return max(outcomes, key=_ORDER.index, default=Outcome.INSUFFICIENT_EVIDENCE)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """How one independence item stands for one team.

    Args:
        item: Id of the item.
        aspect: technical, policy or ethical.
        outcome: How it stands.
        judged: Whether it passes only by expert findings: "judged, not replayed".
        rests_on: Events of the findings that decided.
        reasons: Why it does not pass, or under which condition; empty when it passes.
    """

    item: str
    aspect: str
    outcome: Outcome
    judged: bool
    rests_on: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one claim stands for one component."""

    outcome: Outcome
    judged: bool
    rests_on: tuple[str, ...]
    reason: Reason | None = None


def judge_item(
    item: IndependenceCriterion, findings: Sequence[RecordedFinding], weights: str, components: Sequence[str]
) -> ItemResult:
    """Return how an item stands for a team.

    Args:
        item: The rulebook's item.
        findings: Findings recorded about the team.
        weights: Digest of the weights the team submitted.
        components: Components the team declared.
    """
    if isinstance(item.claims, Unknown):
        return _unread(item, Reason("gate.rule_unknown", {"at": f"items.{item.id}.claims"}))
    if item.per_component and not components:
        return _unread(item, Reason("gate.no_components_declared", {"item": item.id}))
    targets = tuple(components) if item.per_component else ("",)
    about_claims = [found for found in findings if found.finding.claim.name in item.claims]
    readable, refused = _readable(item, about_claims, weights)
    refuted = [found for found in readable if found.finding.verdict is Verdict.REFUTED]
    if refuted:
        reasons = tuple(_named("gate.refuted", item, found) for found in refuted)
        return ItemResult(
            item.id, item.aspect, Outcome.FAIL, False, tuple(found.event for found in refuted), reasons
        )
    readings = [_read(item, claim, target, readable) for claim in item.claims for target in targets]
    outcome = worst([reading.outcome for reading in readings])
    reasons = tuple(reading.reason for reading in readings if reading.reason is not None)
    return ItemResult(
        item.id,
        item.aspect,
        outcome,
        outcome.opens and any(reading.judged for reading in readings),
        tuple(event for reading in readings for event in reading.rests_on),
        reasons if outcome is Outcome.PASS else reasons + refused,
    )


def _unread(item: IndependenceCriterion, reason: Reason) -> ItemResult:
    return ItemResult(item.id, item.aspect, Outcome.INSUFFICIENT_EVIDENCE, False, (), (reason,))


def _named(key: str, item: IndependenceCriterion, found: RecordedFinding) -> Reason:
    figures: Mapping[str, JSON] = {"item": item.id, "claim": str(found.finding.claim), "event": found.event}
    return Reason(key, figures)


def _readable(
    item: IndependenceCriterion, findings: Sequence[RecordedFinding], weights: str
) -> tuple[list[RecordedFinding], tuple[Reason, ...]]:
    """Return the findings that may be read, and why the others may not."""
    readable: list[RecordedFinding] = []
    refused: list[Reason] = []
    for found in findings:
        judged = found.finding.evidence is Evidence.JUDGED
        if found.finding.looked_at.get("subject") != weights:
            refused.append(_named("gate.finding_other_weights", item, found))
        elif judged and item.judged_allowed is not True:
            refused.append(_named("gate.judged_not_allowed", item, found))
        elif judged and not found.cites:
            refused.append(_named("gate.judged_cites_nothing", item, found))
        else:
            readable.append(found)
    return readable, tuple(refused)


def _read(
    item: IndependenceCriterion, claim: str, target: str, readable: Sequence[RecordedFinding]
) -> _Reading:
    """Return how one claim about one component stands, no finding being REFUTED."""
    figures: dict[str, JSON] = {"item": item.id, "claim": f"{claim}[{target}]" if target else claim}
    found = [one for one in readable if (one.finding.claim.name, one.finding.claim.about) == (claim, target)]
    examined = [one for one in found if one.finding.verdict is not Verdict.NOT_EXAMINED]
    if not examined:
        return _Reading(Outcome.INSUFFICIENT_EVIDENCE, False, (), Reason("gate.not_examined", figures))
    judged = [one for one in examined if one.finding.evidence is Evidence.JUDGED]
    if isinstance(item.evidence, Unknown):
        strong: list[RecordedFinding] = []
        weak = Reason("gate.rule_unknown", {"at": f"items.{item.id}.evidence"})
    else:
        required = item.evidence
        strong = [one for one in examined if one.finding.evidence.reaches(required)]
        weak = Reason("gate.evidence_too_weak", figures | {"required": required.value})
    for group, by_judgement in ((strong, False), (judged, True)):
        supporting = tuple(one.event for one in group if one.finding.verdict is Verdict.SUPPORTED)
        if supporting:
            return _Reading(Outcome.PASS, by_judgement, supporting)
    decisive = strong + judged
    if not decisive:
        return _Reading(Outcome.INSUFFICIENT_EVIDENCE, False, tuple(one.event for one in examined), weak)
    conditional = item.when_inconclusive is WhenInconclusive.CONDITIONAL
    return _Reading(
        Outcome.CONDITIONAL if conditional else Outcome.INSUFFICIENT_EVIDENCE,
        not strong,
        tuple(one.event for one in decisive),
        Reason("gate.inconclusive", figures),
    )
