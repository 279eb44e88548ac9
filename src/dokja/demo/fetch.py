"""Fetch real models that ordinary packages carry: download once, check the digest, take the files out.

Packages are downloaded with the pip of the running Python, without their dependencies, and are never installed
or imported. What arrives is checked against the pinned digest before a byte of it is used.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from dokja.canonical import digest_file
from dokja.errors import InvalidInput, Unavailable, UnreadableArtifact
from dokja.progress import Progress, unheard

# The one platform whose files are pinned; the weights inside are the same on every machine.
_PLATFORMS = ("any", "manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
_CHUNK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned wheel.

    Args:
        name: Name in the package index.
        version: Exact version.
        bytes: Size of the wheel.
        sha256: Its digest, 64 hex digits.
    """

    name: str
    version: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RealModel:
    """One real model and where it comes from.

    Args:
        name: Key in `real_models.toml`.
        title: For people.
        owner: Who made the weights.
        licence: As the package states it.
        packages: Wheels that carry it.
        files: Path inside the model's folder -> archive members joined in order.
        inside: Archive within the wheel that holds the members, or empty.
    """

    name: str
    title: str
    owner: str
    licence: str
    packages: tuple[Package, ...]
    files: Mapping[str, tuple[str, ...]]
    inside: str

    @property
    def download_bytes(self) -> int:
        """Bytes that have to be downloaded when nothing is cached."""
        return sum(package.bytes for package in self.packages)


@cache
def real_models() -> Mapping[str, RealModel]:
    """Return every known real model by name."""
    table = tomllib.loads(files("dokja.demo").joinpath("real_models.toml").read_text(encoding="utf-8"))
    return {
        name: RealModel(
            name=name,
            title=row["title"],
            owner=row["owner"],
            licence=row["licence"],
            packages=tuple(Package(**package) for package in row["packages"]),
            files={file["path"]: tuple(file["members"]) for file in row["files"]},
            inside=row.get("inside", ""),
        )
        for name, row in table.items()
    }


def is_fetched(name: str, cache_folder: Path) -> bool:
    """Return whether the model already lies in the cache."""
    return all((cache_folder / name / path).is_file() for path in real_models()[name].files)


def fetch_real_model(name: str, cache_folder: Path, progress: Progress = unheard) -> Path:
    """Return the folder of a real model, downloading its packages if it is not cached.

    Args:
        name: Key in `real_models.toml`.
        cache_folder: Where models are kept between runs.
        progress: Told what is downloaded, how many packages are there, and how many are needed.

    Raises:
        InvalidInput: No such model.
        Unavailable: The package index cannot be reached or no longer has the file.
        UnreadableArtifact: What arrived is not the pinned file.
    """
    model = real_models().get(name)
    if model is None:
        raise InvalidInput(
            f"There is no real model {name!r}.", hint=f"Known: {', '.join(sorted(real_models()))}."
        )
    target = cache_folder / name
    if is_fetched(name, cache_folder):
        return target
    cache_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder) as work:
        wheels = []
        for done, package in enumerate(model.packages):
            what = f"downloading {package.name} {package.version} ({package.bytes / 1e6:.0f} MB)"
            progress(what, done, len(model.packages))
            wheels.append(_download(package, Path(work)))
        _take_out(model, wheels, Path(work) / "model")
        if not target.exists():
            (Path(work) / "model").rename(target)
    return target


def _download(package: Package, folder: Path) -> Path:
    into = folder / package.name
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", "311", "--disable-pip-version-check", "--dest", str(into)]
    for platform in _PLATFORMS:
        command += ["--platform", platform]
    ran = subprocess.run(  # noqa: S603  # fixed words and pinned names only
        [*command, f"{package.name}=={package.version}"], capture_output=True, text=True, check=False
    )
    wheels = sorted(into.glob("*.whl")) if into.is_dir() else []
    if ran.returncode or len(wheels) != 1:
        last = (ran.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise Unavailable(
            f"The package {package.name} {package.version} could not be downloaded: {last}",
            hint="Check the network and pip's configuration, then run the command again; what is cached stays.",
        )
    if digest_file(wheels[0]) != "sha256:" + package.sha256:
        raise UnreadableArtifact(
            f"The package {package.name} {package.version} is not the pinned file: its digest differs.",
            hint="Do not use it; the index or something on the way changed it.",
        )
    return wheels[0]


def _take_out(model: RealModel, wheels: list[Path], target: Path) -> None:
    archives = [zipfile.ZipFile(wheel) for wheel in wheels]
    if model.inside:
        archives = [zipfile.ZipFile(io.BytesIO(archive.read(model.inside))) for archive in archives]
    where = {name: archive for archive in archives for name in archive.namelist()}
    for path, members in model.files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        with (target / path).open("wb") as out:
            for member in members:
                with where[member].open(member) as stored:
                    while chunk := stored.read(_CHUNK_BYTES):
                        out.write(chunk)
    for archive in archives:
        archive.close()
