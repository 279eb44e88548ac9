"""What a kind of event is: its fields, who sees it, when it may come, and what it does to the history.

A kind is one class below `Payload` in `record/kinds/`, and nothing else has to be told of it:

- `kind` is its name in events, for ever.
- `disclosed` says under which field of the rulebook's publication table it is shown, or `EVERYONE` for the frame that
  every public dossier proves. A kind that says nothing is for the auditor alone.
- `after_closing` says whether it lies beside the result, so that it may still come when the stage is closed.
- `by_hand` names the command that records it, where more goes with it than its fields; empty lets
  `dokja stage record` do it.
- `for_good` says that such an event is never corrected nor taken back.
- `is_evidence` says whether the answer to an objection may correct it.
- `apply` puts it into the history, and refuses what the history does not allow; `undo` takes it out again, where
  nothing can rest on it.
- `check` refuses what the rulebook does not allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

from dokja.errors import InvalidInput
from dokja.grammar.model import Model
from dokja.rulebook import Disclosed, Rulebook

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.history import History

EVERYONE: Final = "everyone"
Audience: TypeAlias = Disclosed | Literal["everyone"] | None


class Payload(Model):
    """What one kind of event says. Subclasses are the kinds; each registers itself under its `kind`."""

    kind: ClassVar[str] = ""
    disclosed: ClassVar[Audience] = None
    after_closing: ClassVar[bool] = False
    by_hand: ClassVar[str] = ""
    is_evidence: ClassVar[bool] = True
    in_ledger: ClassVar[bool] = False
    for_good: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        if "kind" in cls.__dict__:
            if cls.kind in KINDS:
                raise TypeError(f"Two kinds of event are called {cls.kind!r}.")
            KINDS[cls.kind] = cls

    def apply(self, event: Event[Any], history: History) -> None:
        """Put what happened into the history.

        Raises:
            EventInvalid: It may not follow what came before.
        """

    def undo(self, event: Event[Any], history: History) -> bool:
        """Take what happened out of the history again and return whether that was possible without reading it anew."""
        return False

    def check(self, event: Event[Any], rulebook: Rulebook, history: History) -> None:
        """Refuse what the rulebook in force does not allow.

        Raises:
            EventInvalid: It does not.
        """


KINDS: dict[str, type[Payload]] = {}
"""Every kind of event by its name, filled as the modules of `record/kinds/` are read."""


def kind_of(name: str) -> type[Payload]:
    """Return the kind of event of a name.

    Raises:
        InvalidInput: There is none.
    """
    import dokja.record.kinds  # noqa: F401  # reads every kind

    found = KINDS.get(name) if isinstance(name, str) else None
    if found is None:
        raise InvalidInput(f"There is no kind of event {name!r}.", hint=f"Kinds: {', '.join(sorted(KINDS))}.")
    return found
