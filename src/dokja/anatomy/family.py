"""A family of models as data: which stored name plays which role. Sizes never come from here.

A family is a handful of `ComponentRules`, each a table of `Rule`s. Adding one is adding a file to
`dokja.anatomy.families`; see docs/guides/adding-a-family.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from dokja.anatomy.exported import Known
from dokja.anatomy.part import ComponentKind

# A wrapper may put anything in front (`model.`, `language_model.model.`, `module.`), but a language model never
# lies below a module that names another sense.
ANY_PREFIX = r"(?:\w+\.)*?"
TEXT_PREFIX = r"(?!(?:\w+\.)*\w*(?:vision|visual|audio|speech))(?:\w+\.)*?"
VISION_PREFIX = r"(?:\w+\.)*?(?:vision_tower|vision_model|visual|vision_encoder|image_encoder)\."

_HOLES = {"{layer}": r"(?P<layer>\d{1,5})", "{expert}": r"(?P<expert>\d{1,5})", "{any}": r"[\w.]+?"}


# A number between dots that is not the last word of a module's name.
_NUMBER = re.compile(r"(?<=\.)\d{1,5}(?=\.(?!(?:weight|bias)$))")


@dataclass(frozen=True)
class Rule:
    """One line of a family's table.

    Args:
        pattern: Stored name after the prefix, without `.weight` or `.bias`, with `{layer}` and `{expert}` holes.
        roles: The role, or the roles that lie one after another on the output axis of a fused tensor.
        transposed: Whether the matrix is stored input axis first.
        stacked: Whether the first stored axis counts experts.
        shared: Whether this is a shared expert, which sees every token.
        bare: Whether the pattern is the whole name, without `.weight` (a plain parameter).
        interleaved: Whether query and key rows may be stored with rotary pairs side by side, see `rotary_rows`.
    """

    pattern: str
    roles: str | tuple[str, ...]
    transposed: bool = False
    stacked: bool = False
    shared: bool = False
    bare: bool = False
    interleaved: bool = False

    @property
    def all_roles(self) -> tuple[str, ...]:
        """The roles as a tuple, one or several."""
        return (self.roles,) if isinstance(self.roles, str) else self.roles

    def regex(self) -> str:
        """Return the rule as a regular expression with groups layer, expert and suffix."""
        body = re.escape(self.pattern)
        for hole, group in _HOLES.items():
            body = body.replace(re.escape(hole), group)
        return body if self.bare else body + r"\.(?P<suffix>weight|bias)"


@dataclass(frozen=True)
class ComponentRules:
    """How one component of a family is stored.

    Args:
        kind: What the component is.
        rules: Its table; the first rule that fits a name decides.
        prefix: Regular expression of what may stand in front. Different prefixes are different components.
        rotary: Whether positions enter by rotating queries and keys.
        norm: `rms`, `layer` or `none`.
        inner: Regular expression of what may stand between the prefix and the rule without making a difference.
        input_kind: For a projector, the kind of component whose residual stream it reads.
    """

    kind: ComponentKind
    rules: tuple[Rule, ...]
    prefix: str = TEXT_PREFIX
    rotary: bool = False
    norm: str = "none"
    inner: str = ""
    input_kind: ComponentKind | None = None

    @cached_property
    def compiled(self) -> tuple[tuple[re.Pattern[str], Rule], ...]:
        """The rules as full-name expressions, in order."""
        return tuple(
            (re.compile(f"(?P<prefix>{self.prefix}){self.inner}{rule.regex()}"), rule) for rule in self.rules
        )


_Decision: TypeAlias = tuple[ComponentRules, re.Pattern[str], Rule]


@dataclass(frozen=True)
class Match:
    """A stored tensor recognised by a rule."""

    tensor: str
    component: ComponentRules
    prefix: str
    rule: Rule
    layer: int | None
    expert: int | None
    is_bias: bool
    transposed: bool


@dataclass(frozen=True)
class Family:
    """Everything names say about a family.

    Args:
        name: The family's own name, as people use it.
        components: In the order of the model.
        requires: Regular expressions; each must be found in some stored name.
        lacks: Regular expressions; none may be found in any stored name.
        ignored: (regular expression of a stored name, reason) of tensors that hold nothing learnt.
        ties_head: Whether a missing lm_head means that the token embedding serves as one.
    """

    name: str
    components: tuple[ComponentRules, ...]
    requires: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()
    ties_head: bool = False

    def fits(self, names: Iterable[str]) -> bool:
        """Return whether every required name is there and no excluded one."""
        joined = "\n".join(names)
        return all(re.search(pattern, joined, re.MULTILINE) for pattern in self.requires) and not any(
            re.search(pattern, joined, re.MULTILINE) for pattern in self.lacks
        )

    def match_all(self, known: Iterable[Known]) -> list[Match]:
        """Return what the family knows of these tensors, in their order; those it does not know are left out."""
        # Names that differ only in layer and expert fit the same rule; a large model has thousands of them.
        decided: dict[str, _Decision | None] = {}
        matches = []
        for one in known:
            alike = one.name if self._counts_by_hand else _NUMBER.sub("#", one.name)
            if alike not in decided:
                decided[alike] = self._decide(one.name)
            decision = decided[alike]
            if decision is not None:
                matches.append(_match(one, decision))
        return matches

    @cached_property
    def _counts_by_hand(self) -> bool:
        """Whether some pattern tells numbered modules apart, so that numbers may not be blurred."""
        return any(_NUMBER.search(rule.pattern + ".weight") for one in self.components for rule in one.rules)

    def _decide(self, name: str) -> _Decision | None:
        for component in self.components:
            for pattern, rule in component.compiled:
                if pattern.fullmatch(name):
                    return component, pattern, rule
        return None

    def reason_to_ignore(self, name: str) -> str | None:
        """Return why a stored tensor is nobody's part, or None when the family does not know it."""
        for pattern, reason in (*FIXED_TABLES, *self.ignored):
            if re.search(pattern, name):
                return reason
        return None


# Written by code, not by training, in every family that has them.
FIXED_TABLES: tuple[tuple[str, str], ...] = (
    (
        r"rotary_emb\.inv_freq$|rope_freqs\.weight$|rope_factors_(long|short)\.weight$|freqs_cis$",
        "fixed_table",
    ),
    (r"position_ids$|masked_bias$|\.attn\.bias$", "fixed_table"),
)


def _match(known: Known, decision: _Decision) -> Match:
    component, pattern, rule = decision
    found = pattern.fullmatch(known.name)
    assert found is not None
    groups = found.groupdict()
    layer, expert = groups.get("layer"), groups.get("expert")
    number = int(expert) if expert is not None else None
    if rule.shared:
        number = -1 - (number or 0)
    return Match(
        tensor=known.tensor,
        component=component,
        prefix=groups["prefix"] or "",
        rule=rule,
        layer=None if layer is None else int(layer),
        expert=number,
        is_bias=groups.get("suffix") == "bias",
        transposed=rule.transposed != known.flipped,
    )
