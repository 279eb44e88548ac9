"""Who takes part in the demo: models, references, teams, and what the simulator assumes of them. Read from cast.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dokja.canonical import JSON
from dokja.errors import InvalidInput, Unavailable

CAST_FILE = "cast.toml"


@dataclass(frozen=True, slots=True)
class Stretch:
    """How a suspicious model is made of another.

    Args:
        of: Name of the model it is made of.
        layers: Layers it has afterwards.
        naming: Naming scheme of its tensors, see `builders.NAMINGS`.
        encoding: How its weights are stored.
        shards: Number of files.
    """

    of: str
    layers: int
    naming: str
    encoding: str
    shards: int


@dataclass(frozen=True, slots=True)
class CastModel:
    """One model of the demo; exactly one of the fields after the name is set.

    Args:
        name: What the demo calls it.
        real: Key of a published model, see `dokja.demo.fetch`.
        folder: Folder within the examples.
        stretch: How it is made of another.
    """

    name: str
    real: str = ""
    folder: str = ""
    stretch: Stretch | None = None


@dataclass(frozen=True, slots=True)
class LibraryModel:
    """A reference with its owner."""

    model: str
    owner: str
    licence: str


@dataclass(frozen=True, slots=True)
class CastTeam:
    """One fictional team.

    Args:
        id: Its id.
        name: Its display name.
        model: Name of the model behind it.
        declaration: What it declares: owners and components.
        chooses: The benchmark it names as its own.
        reply: What it replies to a finding against it; empty for nothing.
        expert_share, user_share: True quality as the simulated panels see it, a share of their scale.
        approval_share: Probability that a simulated member approves it.
    """

    id: str
    name: str
    model: str
    declaration: Mapping[str, JSON]
    chooses: str = ""
    reply: str = ""
    expert_share: float = 0.0
    user_share: float = 0.0
    approval_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Cast:
    """Everyone in the demo.

    Args:
        seed: Of every simulated ballot.
        models: By name.
        library: The references.
        suspects: Models that the first part compares with the library.
        teams: Of the stage.
        mistyped: (team, criterion) of the ballot that is mistyped on purpose.
        applicants: Of the re-entry round.
    """

    seed: int
    models: Mapping[str, CastModel]
    library: tuple[LibraryModel, ...]
    suspects: tuple[str, ...]
    teams: tuple[CastTeam, ...]
    mistyped: tuple[str, str]
    applicants: tuple[CastTeam, ...]

    def origins(self, name: str) -> frozenset[str]:
        """Return the kinds of origin behind a model: `real`, `trained`, `made`."""
        model = self.models[name]
        if model.stretch is not None:
            return frozenset({"made"}) | self.origins(model.stretch.of)
        return frozenset({"real" if model.real else "trained"})

    def packages(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the published models that these models need, each once."""
        needed = []
        for name in names:
            model = self.models[name]
            needed += list(self.packages([model.stretch.of])) if model.stretch is not None else [model.real]
        return tuple(dict.fromkeys(one for one in needed if one))


def read_cast(examples: Path) -> Cast:
    """Return the cast of the examples' folder.

    Raises:
        Unavailable: The folder holds no cast.
        InvalidInput: The cast cannot be read.
    """
    path = examples / CAST_FILE
    if not path.is_file():
        raise Unavailable(
            f"The demo's examples are not in {str(examples)!r}.",
            hint="They come with the source checkout, in examples/demo; name the folder with --examples.",
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        cast = _cast(table)
        _require_models(cast)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise InvalidInput(f"The cast {path} cannot be read: {error!r}.") from error
    return cast


def _cast(table: Mapping[str, Any]) -> Cast:
    wrong = table["clerical_error"]
    return Cast(
        seed=int(table["seed"]),
        models={name: _model(name, row) for name, row in table["models"].items()},
        library=tuple(LibraryModel(**row) for row in table["library"]),
        suspects=tuple(table["suspects"]),
        teams=tuple(_team(row) for row in table["teams"]),
        mistyped=(str(wrong["team"]), str(wrong["criterion"])),
        applicants=tuple(_team(row) for row in table["applicants"]),
    )


def _model(name: str, row: Mapping[str, Any]) -> CastModel:
    if "stretched" in row:
        settings = {key: value for key, value in row.items() if key != "stretched"}
        return CastModel(name, stretch=Stretch(of=row["stretched"], **settings))
    return CastModel(name, **row)


def _team(row: Mapping[str, Any]) -> CastTeam:
    rest = {key: value for key, value in row.items() if key not in ("owners", "components")}
    return CastTeam(declaration={"owners": row["owners"], "components": row["components"]}, **rest)


def _require_models(cast: Cast) -> None:
    if not cast.library or not cast.teams:
        raise InvalidInput("The cast has no library, or no team.")
    named = [entry.model for entry in cast.library]
    named += [team.model for team in (*cast.teams, *cast.applicants)]
    named += cast.suspects
    named += [model.stretch.of for model in cast.models.values() if model.stretch is not None]
    if unknown := sorted(set(named) - set(cast.models)):
        raise InvalidInput(f"The cast names models it does not describe: {', '.join(unknown)}.")
