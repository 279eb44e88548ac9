"""A model on this machine as an engine for suites: text in, log-likelihoods out, the weights' digest with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dokja.anatomy import describe
from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.compute.language_model import LanguageModel
from dokja.compute.tokenizer import Tokenizer, load_tokenizer
from dokja.compute.weights import load_language_model
from dokja.errors import InvalidInput


class LocalEngine:
    """The numpy forward pass of one model, with its own tokenizer.

    Attributes:
        name: Kind of engine, as journals name it.
        weights_digest: Digest of the weights that answer, as findings name them.
        model: The decoder.
        tokenizer: Its tokenizer.
    """

    name = "numpy_float32"

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, weights_digest: str) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.weights_digest = weights_digest

    @classmethod
    def load(cls, source: str | Path) -> LocalEngine:
        """Open a model file or folder, name its weights, and decode them.

        Raises:
            InvalidInput: No model there, or a configuration that contradicts the weights.
            Unavailable: A family, size or tokenizer this engine does not run.
            UnreadableArtifact: A file is not what it says.
        """
        path = Path(source)
        with open_checkpoint(path) as checkpoint:
            tokenizer = load_tokenizer(path, checkpoint)
            model = load_language_model(checkpoint, describe(checkpoint))
            return cls(model, tokenizer, digest_tensors(checkpoint))

    def loglikelihoods(self, prompt: str, options: Sequence[str]) -> list[float]:
        """Return the natural-log probability of each option's text right after the prompt.

        Args:
            prompt: May be empty.
            options: Non-empty texts, each with its own leading space where it needs one.

        Raises:
            InvalidInput: Nothing to score, or longer than the model's context.
        """
        if not options or not all(options):
            raise InvalidInput("Every option needs some text.")
        start, continuations = self.tokenizer.encode_continuations(prompt, options)
        return self.model.log_likelihoods(start, continuations)
