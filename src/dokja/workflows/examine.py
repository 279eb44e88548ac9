"""Examine: look at a submission's weights and record what was seen as findings.

Each component is compared with every reference. A reference whose owner the team declares as its own is a legitimate
parent: what links to it is recorded under another claim and speaks against nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from dokja.canonical import JSON
from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.errors import InvalidInput, NotAllowed
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.lineage.examine import ComponentResult, Examination, Settings, examine
from dokja.lineage.relation import Relation
from dokja.lineage.sampling import DEFAULT_SEED, Depth
from dokja.lineage.sketch import Sketch
from dokja.lineage.sketch_file import parse_sketch, sketch_digest
from dokja.progress import Progress, unheard
from dokja.record.events import AnyEvent
from dokja.record.kinds.findings import FindingRecorded
from dokja.store.library import Library
from dokja.workflows.sketch import load_sketch
from dokja.workflows.stage import Actor, Draft, Stage

_INDEPENDENT = "weights.independent_of"
_OWN_PARENT = "weights.parent_is_own"


@dataclass(frozen=True, slots=True)
class Looking:
    """How to look.

    Args:
        depth: `screen` or `full`.
        seed: Of the sample; an auditor draws a secret one and publishes it afterwards.
    """

    depth: Depth = "screen"
    seed: int = DEFAULT_SEED


def examine_submission(
    stage: Stage,
    team: str,
    model: str,
    references: Sequence[Sketch],
    actor: Actor,
    looking: Looking,
    progress: Progress = unheard,
) -> list[AnyEvent]:
    """Compare a submission with references, record the findings, and return their events.

    Args:
        stage: The stage.
        team: Whose submission.
        model: Where the submitted weights lie; they must be the weights that were submitted.
        references: Sketches of the references, each with its owner.
        actor: Who records.
        looking: How to look.
        progress: Told what is sampled or compared, how much of it is done, and how much there is.

    Raises:
        InvalidInput: The team submitted nothing, or there is no reference.
        NotAllowed: The weights are not the ones submitted.
    """
    weights = stage.history.weights.get(team)
    if weights is None:
        raise InvalidInput(f"Team {team!r} has submitted nothing in stage {stage.name!r}.")
    if not references:
        raise InvalidInput("There is nothing to compare with.", hint="Name a --reference, or a --library.")
    with open_checkpoint(model) as checkpoint:
        if digest_tensors(checkpoint) != weights:
            raise NotAllowed(
                f"The weights in {model} are not the ones {team} submitted.",
                hint="Examine the very files that were submitted, or submit these.",
            )
    suspect = load_sketch(model, looking.depth, looking.seed, name=team, progress=progress)
    examination = examine(suspect, references, Settings(seed=looking.seed), progress)
    return record_examination(stage, team, weights, examination, references, actor)


def record_examination(
    stage: Stage,
    team: str,
    weights: str,
    examination: Examination,
    references: Sequence[Sketch],
    actor: Actor,
) -> list[AnyEvent]:
    """Record what an examination found about a submission and return the events.

    Args:
        stage: The stage.
        team: Whose submission.
        weights: Digest of the weights that were examined.
        examination: What was found.
        references: What it was compared with.
        actor: Who records.

    Raises:
        InvalidInput: The team submitted nothing.
        NotAllowed: The weights are not the ones submitted.
    """
    digests = {reference.name: sketch_digest(reference) for reference in references}

    def drafts(stage: Stage) -> list[Draft]:
        submitted = stage.history.weights.get(team)
        if submitted is None:
            raise InvalidInput(f"Team {team!r} has submitted nothing in stage {stage.name!r}.")
        if submitted != weights:
            raise NotAllowed(f"The weights examined are not the ones {team} submitted.")
        owners = stage.history.declarations[team].get("owners", [])
        own = {str(owner) for owner in owners} if isinstance(owners, list) else set()
        findings = [_finding(result, weights, digests, own) for result in examination.all_results]
        return [Draft(FindingRecorded(team=team, finding=finding)) for finding in _gravest_only(findings)]

    return stage.record(actor, drafts)


def load_references(
    sources: Sequence[str],
    owners: Sequence[str],
    library: Path | None,
    looking: Looking,
    progress: Progress = unheard,
) -> list[Sketch]:
    """Return sketches of the references named and of everything in a library.

    Args:
        sources: Models or sketch files.
        owners: Owner of each source, in order; empty where a sketch names its own.
        library: Folder of a library, or None.
        looking: How models are sampled.
        progress: Told which is sampled, how much of it is done, and how much there is.
    """
    named = [
        load_sketch(source, looking.depth, looking.seed, owner=owner, progress=progress)
        for source, owner in zip_longest(sources, owners[: len(sources)], fillvalue="")
    ]
    if library is None:
        return named
    shelf = Library(library)
    return named + [parse_sketch(shelf.read(entry)) for entry in shelf.entries()]


def _finding(result: ComponentResult, weights: str, digests: dict[str, str], own: set[str]) -> Finding:
    """Return what a comparison says, under the claim it bears on."""
    is_own = bool(result.reference_owner) and result.reference_owner in own
    related = result.relation not in (Relation.NO_LINK_FOUND, Relation.UNTESTABLE)
    claim, verdict = _INDEPENDENT, result.verdict
    reason = result.reason
    if is_own and related:
        # Descent from the team's own model is legitimate; the edge still names its owner.
        claim, verdict = _OWN_PARENT, Verdict.SUPPORTED
        reason = Reason(
            "examine.own_parent", {"component": result.component, "owner": result.reference_owner}
        )
    figures: dict[str, JSON] = {**reason.figures, "reference_owner": result.reference_owner}
    return Finding(
        claim=Claim(claim, result.component),
        verdict=verdict,
        reason=Reason(reason.key, figures),
        evidence=Evidence.MEASURED,
        looked_at={"subject": weights, "reference": digests[result.reference]},
    )


def _gravest_only(findings: Sequence[Finding]) -> list[Finding]:
    """Keep every finding that says something, and one line per component where nothing was found."""
    telling = [f for f in findings if f.verdict in (Verdict.REFUTED, Verdict.SUPPORTED)]
    about = {(f.claim.name, f.claim.about) for f in telling}
    quiet: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.claim.name, finding.claim.about)
        if finding in telling or key in about:
            continue
        known = quiet.get(key)
        if known is None or (
            known.verdict is Verdict.NOT_EXAMINED and finding.verdict is Verdict.INCONCLUSIVE
        ):
            quiet[key] = finding
    return [*telling, *quiet.values()]
