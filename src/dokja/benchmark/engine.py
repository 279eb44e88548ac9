"""What a suite asks of a model: how likely is each option after this prompt?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Engine(Protocol):
    """A model that answers.

    Attributes:
        name: Kind of engine, stable, for the journal.
        weights_digest: Digest of the weights that answer.
    """

    name: str
    weights_digest: str

    def loglikelihoods(self, prompt: str, options: Sequence[str]) -> list[float]:
        """Return the natural-log probability of each option's text right after the prompt.

        Raises:
            DokjaError: The model could not answer; the journal counts a fault.
        """
