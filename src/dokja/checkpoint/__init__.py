"""Weights as hostile data: open, list, slice, stream; never executed.

    with open_checkpoint("path/to/model") as checkpoint:
        for name, info in checkpoint.tensors.items():
            rows = checkpoint.read(name, 0, 16)      # float32, only those rows' bytes are read

`digest_tensors` names the weights whatever files they lie in. `Limits` holds every bound.
"""

from dokja.checkpoint.checkpoint import Checkpoint, TensorInfo, Threat
from dokja.checkpoint.limits import Limits
from dokja.checkpoint.open import open_checkpoint
from dokja.checkpoint.stored import digest_tensors
from dokja.encodings.encoding import FloatArray

__all__ = ["Checkpoint", "FloatArray", "Limits", "TensorInfo", "Threat", "digest_tensors", "open_checkpoint"]
