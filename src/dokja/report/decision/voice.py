"""How the decision page says names, numbers and reasons in one language; a figure that does not exist is a dash with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.deciding.decision import Decision
from dokja.deciding.measurements import NoResult
from dokja.deciding.score import Points
from dokja.finding import Evidence, Reason
from dokja.record.terms import Exit
from dokja.report.words import Language, name_component, say, sentences
from dokja.rulebook import Gate, IndependenceCriterion, Panel, Rulebook, ScorePart, SuiteRule, Text, Unknown
from dokja.stats.intervals import Interval

# Controls and marks that turn the direction of writing: a name could use them to look like another.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_VOCABULARY = frozenset({"rule"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it is shown: the value, or a dash with its reason; and what of it is simulated, in words."""

    value: str
    why: str = ""
    simulated: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """One language, and what the stage's names are in it.

    Args:
        language: `ko` or `en`.
        teams: Team id to the name shown; no two are equal.
        titles: (part, panel, suite, item or gate; its id) to its title.
    """

    language: Language
    teams: Mapping[str, str]
    titles: Mapping[tuple[str, str], str]

    def say(self, key: str, **figures: object) -> str:
        """Return a sentence of the decision page."""
        return say(f"decision_page.{key}", figures, self.language)

    def word(self, key: str) -> str:
        """Return a word of another part of the catalogue."""
        return say(key, {}, self.language)

    def title(self, text: Text) -> str:
        """Return a rulebook's words in this language."""
        return text.ko if self.language == "ko" else text.en

    def named(self, what: str, name: str) -> str:
        """Return the title of a part, panel, suite, item or gate; an id without one stays as it is."""
        return self.titles.get((what, name), name)

    def team_names(self, teams: object) -> str:
        """Return the names of some teams, joined."""
        assert isinstance(teams, (tuple, list))
        return ", ".join(self.teams.get(str(team), str(team)) for team in teams)

    def exits(self, exits: tuple[Exit, ...], unsettled: frozenset[Exit] = frozenset()) -> str:
        """Return the ways in which a team leaves; one that nothing has settled yet is not called an elimination."""
        return ", ".join(
            self.say(f"pending.{way.value}") if way in unsettled else self.word(f"exit.{way.value}")
            for way in exits
        )

    def simulated(self, what: str) -> str:
        """Return the label of figures made of simulated ballots or records; empty for none."""
        return self.say(f"simulated.{what}") if what else ""

    def points(self, result: Points | NoResult, simulated: str = "") -> Figure:
        """Return a score, or why there is none."""
        if isinstance(result, NoResult):
            return Figure("", self.reason(result.reason))
        return Figure(f"{result.points:.2f}", simulated=self.simulated(simulated))

    def interval(self, interval: Interval) -> str:
        """Return an interval of points."""
        return f"{interval.low:.2f} – {interval.high:.2f}"

    def reason(self, reason: Reason) -> str:
        """Return a reason as a sentence; one whose words are not in the catalogue shows its key and figures."""
        if reason.key not in sentences():
            return self._without_words(reason)
        return say(reason.key, {n: self._spoken(n, v) for n, v in reason.figures.items()}, self.language)

    def _without_words(self, reason: Reason) -> str:
        figures = ", ".join(f"{name} = {value}" for name, value in reason.figures.items())
        return f"{reason.key} ({figures})" if figures else reason.key

    def _spoken(self, name: str, value: JSON) -> JSON:
        """Return a figure with ids turned into the words people know them by."""
        if not isinstance(value, str):
            return value
        if name in {"team", "supplier"}:
            return self.teams.get(value, value)
        if name == "objecting":
            return ", ".join(self.teams.get(one, one) for one in value.split(", "))
        if name in {"part", "panel", "item", "suite"}:
            return self.named(name, value)
        if name == "reads":
            return self.named("part", self.named("panel", value))
        if name == "required" and value in set(Evidence):
            return self.word(f"evidence.{value}")
        if name == "published":
            key = "rulebook.outcome.advances" if value == "advances" else f"exit.{value}"
            return self.word(key) if key in sentences() else value
        if name in _VOCABULARY and f"rulebook.value.{value}" in sentences():
            return self.word(f"rulebook.value.{value}")
        return value

    def role(self, role: str) -> str:
        """Return what a thing looked at was to the examination, in words; another role stays as it is."""
        return self.say(f"role.{role}") if f"decision_page.role.{role}" in sentences() else role

    def component(self, about: str) -> str:
        """Return what part of a submission a finding is about, in words."""
        return name_component(about, self.language) if about else ""


def make_voice(rulebook: Rulebook, decision: Decision, language: Language) -> Voice:
    """Return the voice of a stage in one language.

    Args:
        rulebook: For titles.
        decision: For the names of teams.
        language: `ko` or `en`.
    """
    titled: dict[str, Sequence[ScorePart | Panel | SuiteRule | IndependenceCriterion | Gate]] = {
        "part": [part for top in rulebook.parts for part in top.all_parts()],
        "panel": rulebook.panels,
        "suite": rulebook.suites,
        "item": rulebook.items,
        "gate": rulebook.gates,
    }
    titles = {
        (what, one.id): one.title.ko if language == "ko" else one.title.en
        for what, several in titled.items()
        for one in several
    }
    shown = {one.team: _visible(one.name) or one.team for one in decision.teams}
    twice = [name for name in shown.values() if list(shown.values()).count(name) > 1]
    teams = {team: f"{name} ({team})" if name in twice else name for team, name in shown.items()}
    return Voice(language, teams, titles)


def _visible(name: str) -> str:
    return _INVISIBLE.sub("", name).strip()


def known(value: object) -> str:
    """Return a number of the rulebook, or the empty string where it is unknown."""
    return "" if isinstance(value, Unknown) else f"{value:g}"
