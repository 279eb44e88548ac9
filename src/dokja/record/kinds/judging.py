"""What is measured and judged: runs, raters, marks, preferences, votes, ties, eliminations by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from dokja.errors import EventInvalid
from dokja.grammar.types import Count, Digest, Id, Listed, Name, Number, Some, Text
from dokja.record.payload import Audience, Payload
from dokja.record.rows import Rows
from dokja.rulebook import Criterion, Disclosed, Rulebook, Unknown

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.history import History


class RunResult(Payload):
    """One subject's answers to one benchmark."""

    kind: ClassVar[str] = "run_result"
    disclosed: ClassVar[Audience] = Disclosed.ITEM_ANSWERS
    by_hand: ClassVar[str] = "dokja stage evaluate"

    subject: Name
    benchmark: Name
    items: Digest
    engine: Name
    weights: Digest
    completed: Count
    total: Count
    rows: Rows
    journal: Digest = ""

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the run, once for each subject and benchmark."""
        key = (self.subject, self.benchmark)
        history.once(history.runs, key, event, event, f"the run of {self.subject} on {self.benchmark}")

    def undo(self, event: Event[Any], history: History) -> bool:
        """Nothing rests on a run but scores."""
        del history.runs[self.subject, self.benchmark]
        return True


class RaterRegistered(Payload):
    """A rater sits on a panel."""

    kind: ClassVar[str] = "rater_registered"
    disclosed: ClassVar[Audience] = Disclosed.EXPERT_NAMES

    rater: Id
    panel: Name

    def apply(self, event: Event[Any], history: History) -> None:
        """Seat the rater, on one panel."""
        history.once(history.panel_of, self.rater, self.panel, event, f"rater {self.rater}")
        history.strangers.discard(self.rater)


class ConflictDeclared(Payload):
    """A rater says what ties it to a team."""

    kind: ClassVar[str] = "conflict_declared"
    disclosed: ClassVar[Audience] = Disclosed.EXPERT_NAMES

    rater: Id
    team: Name
    ground: Text

    def apply(self, event: Event[Any], history: History) -> None:
        """Take note of it."""
        history.conflicts.append((self.rater, history.registered(event, self.team), self.ground))


class RaterRecused(Payload):
    """A rater steps back from teams."""

    kind: ClassVar[str] = "recusal"
    disclosed: ClassVar[Audience] = Disclosed.EXPERT_NAMES

    rater: Id
    teams: Some[Name]

    def apply(self, event: Event[Any], history: History) -> None:
        """Let the rater's marks of these teams count no longer."""
        history.recused |= {(self.rater, team): "score.recused" for team in self.teams}


class Mark(Payload):
    """One mark: of a team, on a criterion, by a rater, for the very weights submitted."""

    rater: Id
    team: Name
    criterion: Name
    score: Number
    weights: Digest

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the mark, once for each rater, team and criterion."""
        key = (self.rater, history.registered(event, self.team), self.criterion)
        what = f"the mark of {self.rater} for {self.team} on {self.criterion}"
        history.once(history.marks, key, event, event, what)
        history.judged(self.rater)

    def undo(self, event: Event[Any], history: History) -> bool:
        """Nothing rests on a mark but scores."""
        del history.marks[self.rater, self.team, self.criterion]
        return True

    def check(self, event: Event[Any], rulebook: Rulebook, history: History) -> None:
        """Refuse a mark outside its scale, which would keep every score of the stage from being read."""
        panel = next((one for one in rulebook.panels if one.id == history.panel_of.get(self.rater)), None)
        criteria = () if panel is None or isinstance(panel.criteria, Unknown) else panel.criteria
        for criterion in criteria:
            if criterion.id == self.criterion:
                require_on_scale(event, self.score, criterion)


def require_on_scale(event: Event[Any], score: float, criterion: Criterion) -> None:
    """Require that a mark lies on its criterion's scale, as far as that is known.

    Raises:
        EventInvalid: It does not.
    """
    low, high = criterion.lowest, criterion.highest
    if isinstance(low, Unknown) or isinstance(high, Unknown) or low <= score <= high:
        return
    raise EventInvalid(
        f"Event {event.id!r} marks {criterion.id} with {score:g}, outside {low:g} to {high:g}.",
        hint="Supersede the event by a mark on the scale.",
    )


class ExpertScore(Mark):
    """One mark of an expert."""

    kind: ClassVar[str] = "expert_score"
    disclosed: ClassVar[Audience] = Disclosed.EXPERT_MARKS

    cites: Listed[Text] = ()


class UserRating(Mark):
    """One mark of a user."""

    kind: ClassVar[str] = "user_rating"
    disclosed: ClassVar[Audience] = Disclosed.USER_BALLOTS


class UserPreference(Payload):
    """Which of two answers to a prompt a user prefers."""

    kind: ClassVar[str] = "user_preference"
    disclosed: ClassVar[Audience] = Disclosed.USER_BALLOTS

    rater: Id
    prompt: Id
    first: Name
    second: Name
    first_weights: Digest
    second_weights: Digest
    preferred: Literal["first", "second", "tie"]

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the preference between two teams."""
        if history.registered(event, self.first) == history.registered(event, self.second):
            raise EventInvalid(f"Event {event.id!r} compares a team with itself.")
        history.judged(self.rater)

    def undo(self, event: Event[Any], history: History) -> bool:
        """Nothing rests on a preference."""
        return True


class PanelVote(Payload):
    """A panel member's vote on a team."""

    kind: ClassVar[str] = "panel_vote"
    disclosed: ClassVar[Audience] = Disclosed.EXPERT_MARKS

    rater: Id
    team: Name
    choice: Literal["approve", "reject", "abstain"]

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the vote, once for each rater and team."""
        key = (self.rater, history.registered(event, self.team))
        history.once(history.votes, key, self.choice, event, f"the vote of {self.rater} on {self.team}")
        history.judged(self.rater)

    def undo(self, event: Event[Any], history: History) -> bool:
        """Nothing rests on a vote but a gate."""
        del history.votes[self.rater, self.team]
        return True


class TieResolved(Payload):
    """A lot drawn, or a panel's vote, best first."""

    kind: ClassVar[str] = "tie_resolved"
    disclosed: ClassVar[Audience] = Disclosed.DECISION

    rule: Literal["lot", "panel_majority"]
    order: Annotated[Listed[Name], Field(min_length=2)]

    def apply(self, event: Event[Any], history: History) -> None:
        """Take note of the order."""
        history.ties.append((self.rule, self.order))


class ExtraElimination(Payload):
    """People eliminate a team; without effect unless the rulebook lists the ground."""

    kind: ClassVar[str] = "extra_elimination"
    disclosed: ClassVar[Audience] = Disclosed.REASONS

    team: Name
    ground: Text
    cites: Some[Text]

    def apply(self, event: Event[Any], history: History) -> None:
        """Take note of the ground."""
        history.eliminated[history.registered(event, self.team)] = self.ground
