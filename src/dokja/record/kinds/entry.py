"""Who takes part, with what: registrations, submissions, choices that a rulebook leaves to teams, withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import JsonValue

from dokja.grammar.types import Day, Digest, Name, Some, Text
from dokja.record.payload import Audience, Payload
from dokja.rulebook import Disclosed

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.history import History


class Registration(Payload):
    """A team takes part, under a display name."""

    team: Name
    name: Text

    def apply(self, event: Event[Any], history: History) -> None:
        """Register the team, once."""
        history.once(history.teams, self.team, self.name, event, f"team {self.team}")


class TeamRegistered(Registration):
    """A team takes part."""

    kind: ClassVar[str] = "team_registered"
    disclosed: ClassVar[Audience] = Disclosed.DECISION


class ReentryApplication(Registration):
    """Registers an applicant of a re-entry round."""

    kind: ClassVar[str] = "reentry_application"
    disclosed: ClassVar[Audience] = Disclosed.DECISION


class BenchmarksChosen(Payload):
    """The benchmarks a team chose, where the rulebook leaves the choice to it."""

    kind: ClassVar[str] = "benchmarks_chosen"
    disclosed: ClassVar[Audience] = Disclosed.SUBMISSIONS

    team: Name
    suite: Name
    benchmarks: Some[Name]

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the choice, once for each suite."""
        key = (history.registered(event, self.team), self.suite)
        history.once(history.chosen_benchmarks, key, self.benchmarks, event, f"the choice of {self.team}")


class ComparatorChosen(Payload):
    """A team's own target model; `subject` is what its runs are called."""

    kind: ClassVar[str] = "comparator_chosen"
    disclosed: ClassVar[Audience] = Disclosed.SUBMISSIONS

    team: Name
    comparator: Name
    subject: Name
    name: Text
    released: Day

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the choice, once for each comparator."""
        key = (history.registered(event, self.team), self.comparator)
        history.once(history.chosen_comparators, key, self, event, f"the comparator of {self.team}")


class WeightsSubmitted(Payload):
    """The weights a team hands in, and what it declares of their components. The last one counts."""

    kind: ClassVar[str] = "submission"
    disclosed: ClassVar[Audience] = Disclosed.SUBMISSIONS
    by_hand: ClassVar[str] = "dokja stage submit"

    team: Name
    weights: Digest
    declaration: dict[str, JsonValue]

    def apply(self, event: Event[Any], history: History) -> None:
        """Let these weights be the team's."""
        history.weights[history.registered(event, self.team)] = self.weights
        history.declarations[self.team] = self.declaration


class Withdrawal(Payload):
    """A team leaves of its own will."""

    kind: ClassVar[str] = "withdrawal"
    disclosed: ClassVar[Audience] = Disclosed.DECISION

    team: Name

    def apply(self, event: Event[Any], history: History) -> None:
        """Let the team be gone."""
        history.withdrawn.add(history.registered(event, self.team))
