"""Small suites and an engine that answers from arithmetic: a real implementation of the port, without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from dokja.benchmark.suite import Custody, Item, Scorer, Suite, Title
from dokja.errors import Unavailable

WEIGHTS = "sha256:" + "a" * 64


def suite(name: str = "letters", n_items: int = 6, *, repeats: int = 1, scorer: Scorer = Scorer.SUM) -> Suite:
    """Return a suite whose items differ in clusters, lengths and answers."""
    items = tuple(
        Item(
            id=f"q{number}",
            prompt=f"Question {number}:",
            options=("yes", "no", "perhaps"),
            answer=number % 3,
            cluster=f"cluster{number // 2}",
        )
        for number in range(n_items)
    )
    return Suite(
        suite=name,
        language="en",
        title=Title(en=name, ko=name),
        licence="Apache-2.0",
        reviewed="by the tests",
        custody=Custody.PUBLIC,
        prompt_template="{prompt}",
        option_template=" {option}",
        scorer=scorer,
        repeats=repeats,
        items=items,
    )


class HashEngine:
    """Answers with numbers that depend on the texts only; remembers what it was asked; fails where told to."""

    name = "hash"
    weights_digest = WEIGHTS

    def __init__(self, *, failing: str = "", times: int = 10**9) -> None:
        self.asked: list[str] = []
        self._failing, self._times = failing, times

    def loglikelihoods(self, prompt: str, options: Sequence[str]) -> list[float]:
        self.asked.append(prompt)
        if self._failing and self._failing in prompt and self._times > 0:
            self._times -= 1
            raise Unavailable("The engine is not here.")
        return [-hashlib.sha256(f"{prompt}{option}".encode()).digest()[0] / 8 - 1 for option in options]


class BrokenEngine(HashEngine):
    """Answers with something that is no answer."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self._values = values

    def loglikelihoods(self, prompt: str, options: Sequence[str]) -> list[float]:
        return self._values
