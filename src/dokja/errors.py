"""Every error dokja raises, drawn as a tree.

An error means *we could not look*; what we saw is a `Finding`, never an exception.

    DokjaError
    ├── InvalidInput            what you gave us cannot be used; nothing was changed
    │   ├── BallotsInvalid      a file of ballots with mistakes, each with its line
    │   ├── DisclosureContradictory  published figures and assumptions that no scores can satisfy
    │   ├── EventInvalid        an event, or a history of events, that breaks its own rules
    │   ├── RulebookInvalid     a rulebook with mistakes: one sentence for each
    │   ├── JournalInvalid      a run's journal with a line that is no event, or events that contradict one another
    │   ├── SuiteInvalid        a suite file with mistakes: one sentence for each, by line
    │   └── RulebookUnknown     a rule marked `unknown` where a computation needs its value
    ├── UnreadableArtifact      a file lies about itself, is cut short, or asks for more than we allow
    │   ├── DossierUnreadable   a dossier that is not canonical JSON in the documented format
    │   └── StoreDamaged        a database whose rows no longer give the log it signed
    ├── Unavailable             something we need is not here: a package, a network, a database
    │   └── DatabaseUnavailable a database that cannot be reached, is busy for too long, or is not migrated
    └── NotAllowed              the rules forbid it: a frozen rulebook, a sealed score, an append-only row
        ├── AppendOnly          what was recorded is not changed, deleted, or recorded twice in two ways
        └── KeyRefused          a key, or a statement about one, that may not be used or accepted

Each class has a stable `code`; more precise classes sit under one of the four and refine it after a dot.
There is no exit status, colour or HTTP status here: `dokja.cli` maps classes to exit codes in one table.
"""

from __future__ import annotations

from typing import ClassVar


class DokjaError(Exception):
    """Base of every error raised on purpose.

    Args:
        message: One sentence saying what is wrong and where.
        hint: What to do next, one sentence.
        **fields: Figures and names behind the sentence, for `--json`; values must be JSON-able.
    """

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "", **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint
        self.fields = fields

    def as_json(self) -> dict[str, object]:
        """Return code, message, hint and fields as one JSON-able object."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "fields": self.fields}


class InvalidInput(DokjaError):
    """What was given cannot be used."""

    code = "invalid"
    default_hint = "Correct the input and run the command again; nothing was changed."


class DisclosureContradictory(InvalidInput):
    """Published figures and assumptions that no scores can satisfy together."""

    code = "invalid.disclosure"
    default_hint = (
        "One of the figures, their rounding, or an assumption is wrong; check them against the releases."
    )


class BallotsInvalid(InvalidInput):
    """A file of ballots has mistakes; `fields["mistakes"]` lists every one as line and sentence."""

    code = "invalid.ballots"
    default_hint = "Correct the lines named and read the file again; no ballot of it was taken."


class EventInvalid(InvalidInput):
    """An event, or a history of events, breaks its own rules."""

    code = "invalid.event"


class JournalInvalid(InvalidInput):
    """A run's journal has a line that is no event, or its events contradict one another."""

    code = "invalid.journal"
    default_hint = "Take the journal as the run wrote it; an edited one gives no score."


class SuiteInvalid(InvalidInput):
    """A suite file with mistakes; `fields["mistakes"]` lists every mistake as place, key and figures."""

    code = "invalid.suite"
    default_hint = "Correct every line named; docs/reference/suites.md says what each field means."


class RulebookInvalid(InvalidInput):
    """A rulebook contradicts itself; `fields["mistakes"]` lists every mistake as place, key and figures."""

    code = "invalid.rulebook"
    default_hint = "Correct every mistake listed and check the rulebook again; it was not frozen."


class RulebookUnknown(InvalidInput):
    """A computation needs a rule that the rulebook marks `unknown`."""

    code = "invalid.rulebook_unknown"
    default_hint = "Publish an amendment that states the value; dokja never invents one."


class UnreadableArtifact(DokjaError):
    """A file is malformed, cut short, oversized, or lies about itself."""

    code = "unreadable"
    default_hint = "Ask whoever made the file for an intact copy; dokja will not guess what it meant."


class Unavailable(DokjaError):
    """Something needed is not here."""

    code = "unavailable"
    default_hint = "Make it available and run the command again."


class NotAllowed(DokjaError):
    """The rules forbid it."""

    code = "not_allowed"
    default_hint = "Read the rulebook of the stage for what is allowed at this point."


class AppendOnly(NotAllowed):
    """What was recorded stays as it is."""

    code = "not_allowed.append_only"
    default_hint = "Record a correction: a new event that names the old one and says why."


class KeyRefused(NotAllowed):
    """A key, or a statement about a key, that may not be used or accepted."""

    code = "not_allowed.key"
    default_hint = "Ask an organiser to enrol, rotate or revoke the key."


class DossierUnreadable(UnreadableArtifact):
    """A dossier that is not canonical JSON in the documented format."""

    code = "unreadable.dossier"
    default_hint = "Fetch the dossier again from whoever published it; a reformatted copy is not the dossier."


class StoreDamaged(UnreadableArtifact):
    """A database whose rows no longer give the log it signed."""

    code = "unreadable.store"
    default_hint = (
        "Stop writing to it and restore the latest backup whose log root matches a signed checkpoint."
    )


class DatabaseUnavailable(Unavailable):
    """A database that cannot be reached, is busy for too long, or was not migrated."""

    code = "unavailable.database"
    default_hint = (
        "Check the address and that the server runs, then run the command again; nothing was changed."
    )
