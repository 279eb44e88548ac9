"""The demo's workshop: where models lie, their sketches and examinations, each made once and used by every part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dokja.canonical import JSON
from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.demo.builders import (
    read_decoder,
    stretched_depth,
    upscale_depth,
    write_decoder,
    write_tokenizer,
)
from dokja.demo.cast import Cast, Stretch
from dokja.demo.fetch import fetch_real_model
from dokja.lineage.examine import Examination, Settings, examine
from dokja.lineage.sampling import DEFAULT_SEED
from dokja.lineage.sketch import Sketch
from dokja.lineage.sketch_file import parse_sketch, sketch_bytes
from dokja.progress import Progress, unheard
from dokja.store.library import Library
from dokja.workflows.sketch import load_sketch

Tell = Callable[[str, Mapping[str, JSON]], None]
"""Called with the key of a sentence and its figures, as things happen."""


@dataclass
class Workshop:
    """What the parts of the demo share.

    Args:
        cast: Who takes part.
        examples: Folder of the examples.
        cache: Where published models are kept between runs.
        out: Where everything the demo makes goes.
        tell: Told what happens, as it happens.
        progress: Told how far what takes long is.
        seconds: Step to how long it took, filled in as steps end.
    """

    cast: Cast
    examples: Path
    cache: Path
    out: Path
    tell: Tell
    progress: Progress = unheard
    seconds: dict[str, float] = field(default_factory=dict)
    _folders: dict[str, Path] = field(default_factory=dict)
    _sketches: dict[str, Sketch] = field(default_factory=dict)
    _library: tuple[Sketch, ...] = ()
    _examinations: dict[str, Examination] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say that a step begins, and keep how long it took."""
        self.tell(f"demo.step.{name}", {})
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def folder(self, name: str) -> Path:
        """Return where a model lies, fetching or building it the first time."""
        if name not in self._folders:
            model = self.cast.models[name]
            if model.stretch is not None:
                self._folders[name] = self._stretched(name, model.stretch)
            elif model.real:
                self._folders[name] = fetch_real_model(model.real, self.cache, self._downloading)
            else:
                self._folders[name] = self.examples / model.folder
        return self._folders[name]

    def _downloading(self, what: str, done: int, total: int) -> None:
        self.tell("demo.downloading", {"line": what})
        self.progress(what, done, total)

    def _stretched(self, name: str, how: Stretch) -> Path:
        source, made = self.folder(how.of), self.out / "models" / name
        with open_checkpoint(source) as checkpoint:
            decoder = read_decoder(checkpoint)
            figures: dict[str, JSON] = {"of": how.of, "from": decoder.n_layers, "to": how.layers}
            self.tell("demo.stretching", figures | {"encoding": how.encoding, "shards": how.shards})
            taller = upscale_depth(decoder, stretched_depth(decoder.n_layers, how.layers))
            write_decoder(taller, made, naming=how.naming, encoding=how.encoding, shards=how.shards)
            write_tokenizer(source, checkpoint, made)
        return made

    def weights(self, name: str) -> str:
        """Return the digest of a model's weights."""
        with open_checkpoint(self.folder(name)) as checkpoint:
            return digest_tensors(checkpoint)

    def sketch(self, name: str) -> Sketch:
        """Return a model's sketch, with its owner where the library knows one."""
        if name not in self._sketches:
            shelved = {entry.model: entry for entry in self.cast.library}.get(name)
            self._sketches[name] = load_sketch(
                str(self.folder(name)),
                "screen",
                DEFAULT_SEED,
                name=name,
                owner=shelved.owner if shelved is not None else "",
                licence=shelved.licence if shelved is not None else "",
                progress=self.progress,
            )
        return self._sketches[name]

    @property
    def library(self) -> tuple[Sketch, ...]:
        """The references as they are read back from the library on disk, which is stocked the first time."""
        if not self._library:
            shelf = Library(self.out / "library")
            for entry in self.cast.library:
                sketch = self.sketch(entry.model)
                shelf.add(sketch_bytes(sketch), sketch.name, sketch.owner, sketch.licence, sketch.family)
                figures: dict[str, JSON] = {"name": sketch.name, "owner": sketch.owner}
                self.tell("demo.shelved", figures | {"licence": sketch.licence or "–"})
            self._library = tuple(parse_sketch(shelf.read(entry)) for entry in shelf.entries())
        return self._library

    def examination(self, suspect: str) -> Examination:
        """Return what comparing a model with every reference of the library gave."""
        if suspect not in self._examinations:
            names = ", ".join(reference.name for reference in self.library)
            self.tell("demo.comparing", {"suspect": suspect, "references": names})
            self._examinations[suspect] = examine(
                self.sketch(suspect), self.library, Settings(seed=DEFAULT_SEED), self.progress
            )
        return self._examinations[suspect]
