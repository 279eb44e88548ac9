"""What a rulebook may not contradict: each rule is one small generator of mistakes.

`UNKNOWN` is never a mistake here: what was not published cannot be checked, and is refused only where a computation
needs it. Rules about parts and suites are in `consistency_scores`, about gates in
`consistency_gates`, about days in `consistency_clock`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from dokja.finding import Evidence
from dokja.grammar.mistakes import Mistake
from dokja.grammar.unknown import Unknown
from dokja.rulebook.conduct import TeamPosition
from dokja.rulebook.consistency_clock import clock_mistakes
from dokja.rulebook.consistency_gates import gate_mistakes
from dokja.rulebook.consistency_scores import score_mistakes
from dokja.rulebook.deciding import TOTAL, IndependenceCriterion
from dokja.rulebook.mistakes import mistake
from dokja.rulebook.panels import Panel
from dokja.rulebook.schema import Rulebook
from dokja.rulebook.terms import Averaging, BallotForm, Consent, Position


def contradictions(rulebook: Rulebook) -> list[Mistake]:
    """Return every contradiction in a rulebook, in the order of the file."""
    found = [
        *_repeated(rulebook),
        *clock_mistakes(rulebook),
        *score_mistakes(rulebook),
    ]
    for panel in rulebook.panels:
        found += _panel(panel)
    for item in rulebook.items:
        found += _item(item)
    found += [
        *gate_mistakes(rulebook),
        *_publication(rulebook),
        *_signatures(rulebook),
        *_amendments(rulebook),
    ]
    return found


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _repeated(rulebook: Rulebook) -> Iterator[Mistake]:
    parts = [part.id for top in rulebook.parts for part in top.all_parts()]
    spaces: dict[str, list[str]] = {
        "parts": parts,
        "suites": [suite.id for suite in rulebook.suites],
        "comparators": [one.id for one in rulebook.comparators],
        "panels": [panel.id for panel in rulebook.panels],
        "items": [item.id for item in rulebook.items],
        "gates": [gate.id for gate in rulebook.gates],
        "support": [one.id for one in rulebook.support],
        "sources": [one.id for one in rulebook.sources],
    }
    for space, names in spaces.items():
        for name in _twice(names):
            yield mistake(space, "id_twice", name=name)
    # A gate may read a part or another gate by its id alone, so these share one space with the word `total`.
    for name in sorted(set(parts) & set(spaces["gates"])):
        yield mistake("gates", "id_of_part_and_gate", name=name)
    if TOTAL in {*parts, *spaces["gates"]}:
        yield mistake("parts", "id_reserved", name=TOTAL)


def _panel(panel: Panel) -> Iterator[Mistake]:
    at = f"panels.{panel.id}"
    size, quorum, trim = panel.size, panel.quorum, panel.trim_each_side
    if not isinstance(size, Unknown) and not isinstance(quorum, Unknown) and quorum > size:
        yield mistake(f"{at}.quorum", "quorum_above_size", quorum=quorum, size=size)
    if not isinstance(trim, Unknown):
        yield from _trimming(panel, trim, at)
    if isinstance(panel.criteria, Unknown):
        return
    if not panel.criteria and panel.ballot is BallotForm.RATING:
        yield mistake(f"{at}.criteria", "no_criteria")
    for name in _twice(one.id for one in panel.criteria):
        yield mistake(f"{at}.criteria", "id_twice", name=name)
    for one in panel.criteria:
        where = f"{at}.criteria.{one.id}"
        known = not isinstance(one.lowest, Unknown) and not isinstance(one.highest, Unknown)
        if known and one.lowest >= one.highest:  # type: ignore[operator]  # both are numbers here
            yield mistake(where, "empty_scale", lowest=one.lowest, highest=one.highest)  # type: ignore[arg-type]


def _trimming(panel: Panel, trim: int, at: str) -> Iterator[Mistake]:
    where = f"{at}.trim_each_side"
    if panel.averaging is Averaging.TRIMMED:
        left = [count for count in (panel.quorum, panel.size) if not isinstance(count, Unknown)]
        if trim == 0:
            yield mistake(where, "trims_nothing")
        elif left and 2 * trim >= min(left):
            yield mistake(where, "trims_everybody", trimmed=2 * trim, raters=min(left))
    elif trim > 0 and isinstance(panel.averaging, Averaging):
        yield mistake(where, "trim_unused", averaging=str(panel.averaging))


def _item(item: IndependenceCriterion) -> Iterator[Mistake]:
    at = f"items.{item.id}"
    if not isinstance(item.claims, Unknown):
        if not item.claims:
            yield mistake(f"{at}.claims", "item_without_claims")
        for name in item.claims:
            if not _is_claim(name):
                yield mistake(f"{at}.claims", "not_a_claim", value=name[:80])
    if item.evidence is Evidence.JUDGED and item.judged_allowed is False:
        yield mistake(f"{at}.judged_allowed", "judged_required_yet_not_allowed")


def _is_claim(name: str) -> bool:
    words = name.split(".")
    return len(words) > 1 and all(
        word[:1].isascii()
        and word[:1].islower()
        and word.replace("_", "a").isalnum()
        and word == word.lower()
        for word in words
    )


def _publication(rulebook: Rulebook) -> Iterator[Mistake]:
    publication = rulebook.publication
    if not isinstance(publication.fields, Unknown):
        for name in _twice(str(row.field) for row in publication.fields):
            yield mistake("publication.fields", "id_twice", name=name)
    narrowest = publication.narrowest_interval_points
    if isinstance(narrowest, Unknown):
        return
    if not isinstance(rulebook.points, Unknown) and narrowest > rulebook.points:
        yield mistake(
            "publication.narrowest_interval_points", "wider_than_scale", found=narrowest, most=rulebook.points
        )


def _signatures(rulebook: Rulebook) -> Iterator[Mistake]:
    k, n, roles = rulebook.signatures.k, rulebook.signatures.n, rulebook.signatures.roles
    if not isinstance(k, Unknown) and not isinstance(n, Unknown) and k > n:
        yield mistake("signatures.k", "k_above_n", k=k, n=n)
    if isinstance(roles, Unknown):
        return
    for name in _twice(role.name for role in roles):
        yield mistake("signatures.roles", "id_twice", name=name)
    for role in roles:
        if not 0 <= role.at_least <= role.seats:
            yield mistake(
                f"signatures.roles.{role.name}",
                "role_asks_too_many",
                at_least=role.at_least,
                seats=role.seats,
            )
    seats, needed = sum(role.seats for role in roles), sum(role.at_least for role in roles)
    if not isinstance(n, Unknown) and seats != n:
        yield mistake("signatures.roles", "seats_are_not_n", seats=seats, n=n)
    if not isinstance(k, Unknown) and needed > k:
        yield mistake("signatures.roles", "roles_above_k", needed=needed, k=k)


def _amendments(rulebook: Rulebook) -> Iterator[Mistake]:
    versions = [one.version for one in rulebook.amendments]
    if versions != list(range(2, rulebook.version + 1)):
        listed = ", ".join(str(version) for version in versions) or "-"
        yield mistake("amendments", "versions_broken", version=rulebook.version, listed=listed)
    for one in rulebook.amendments:
        if not isinstance(one.positions, Unknown):
            yield from _consent(rulebook.amending.needs, one.positions, f"amendments.{one.version}.positions")


def _consent(needs: Consent | Unknown, positions: tuple[TeamPosition, ...], at: str) -> Iterator[Mistake]:
    for name in _twice(row.team for row in positions):
        yield mistake(at, "id_twice", name=name)
    consenting = [row.team for row in positions if row.position is Position.CONSENTS]
    against = [row.team for row in positions if row.position in (Position.OBJECTS, Position.SILENT)]
    if needs is Consent.ALL and against:
        yield mistake(at, "amendment_without_consent", teams=", ".join(against))
    if needs is Consent.MAJORITY and 2 * len(against) >= len(positions) > 0:
        yield mistake(at, "amendment_without_majority", consenting=len(consenting), teams=len(positions))
