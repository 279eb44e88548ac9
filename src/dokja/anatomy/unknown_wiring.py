"""The last resort: an architecture nobody described, as one component of matrices in the order of the file.

Nothing is known of what feeds what. What can be told of a single matrix is whether its rows may be hidden units,
which have no meaning of their own: their number must be read elsewhere in the model, as the input of another matrix.
Classes, tokens, atoms, positions and frequencies are read by nobody, and such matrices are called tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from dokja.anatomy.part import Anatomy, Axis, Component, ComponentKind, Part, Slice
from dokja.checkpoint.checkpoint import Checkpoint, TensorInfo

LEAST_HIDDEN_UNITS = 16

_TABLE, _VECTOR = "table", "vector"
# Blocks of rows that carry one labelling, side by side: the gates of a recurrent cell.
_GATES = {"lstm": 4, "rnn": 4, "gru": 3}
_RECURRENT_WORD = re.compile(r"(?:^|[^a-z])(lstm|gru|rnn)(?![a-z])")
_RECURRENT_WEIGHT = re.compile(r"(?:weight|bias)_[ih]h(?:_|$|\b)")
_OPTIMISER = re.compile(r"(?:^|\.)(?:optimizer|optim|exp_avg|exp_avg_sq|scheduler)(?:_\w+)?(?:\.|$)")
_LOOKED_UP = re.compile(r"(?:^|[._/])embeddings?$|(?:^|[._/])(?:word|token|position)_embeddings?(?:[._/]|$)")
_INTEGERS = ("I", "U", "BOOL")
_MOST_PARTS = 20_000


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A stored tensor of two or more axes, output axis first.

    Args:
        name: As stored.
        rows: Outputs.
        inputs: Input channels.
        kernel: Values per input channel, 1 for a dense matrix.
        transposed: Whether it is stored input axis first.
        blocks: Gates of a recurrent cell among its rows, 1 otherwise.
        is_looked_up: Whether its rows are looked up by number.
    """

    name: str
    rows: int
    inputs: int
    kernel: int
    transposed: bool
    blocks: int
    is_looked_up: bool


def describe_unknown(checkpoint: Checkpoint, idle: Mapping[str, str]) -> Anatomy:
    """Return the anatomy of a checkpoint of no known family and without repeated blocks.

    One component of kind OTHER. A part's layer is its number in file order. Roles: `dense`, `convolution/K` with K
    values per input channel, `recurrent/B` with B gates side by side, `table` where rows may have a meaning of their
    own, `vector`.

    Args:
        checkpoint: Opened weights; no value is read.
        idle: Tensors that are no weights, each with the reason.
    """
    unassigned = dict(idle)
    kept: dict[str, TensorInfo] = {}
    for name, info in checkpoint.tensors.items():
        if name in unassigned:
            continue
        reason = _reason_to_leave_out(info)
        if reason or len(kept) >= _MOST_PARTS:
            unassigned[name] = reason or "unknown"
        else:
            kept[name] = info
    operators = _words(checkpoint, "consumer_ops")
    matrices = [_matrix(info, operators) for info in kept.values() if len(_long_axes(info.shape)) > 1]
    hidden = _hidden_widths(matrices)
    # An exported graph keeps no order of construction; elsewhere the last matrix writes the answer, whatever its width.
    last = matrices[-1].name if matrices and checkpoint.format != "onnx" else ""
    parts = []
    of_name = {matrix.name: matrix for matrix in matrices}
    for number, info in enumerate(kept.values()):
        matrix = of_name.get(info.name)
        is_hidden = matrix is not None and matrix.name != last and _units(matrix) in hidden
        parts.append(_vector(number, info) if matrix is None else _part(number, matrix, is_hidden))
    if not matrices:
        return Anatomy("unknown", True, (), unassigned | dict.fromkeys(kept, "unknown"))
    component = Component(ComponentKind.OTHER.value, ComponentKind.OTHER, tuple(parts), 0, 0)
    n_hidden = sum(part.role.split("/")[0] not in (_TABLE, _VECTOR) for part in parts)
    note = ("anatomy.wiring_unknown", {"matrices": len(matrices), "hidden": n_hidden})
    return Anatomy("unknown", True, (component,), unassigned, (note,))


def _reason_to_leave_out(info: TensorInfo) -> str:
    if 0 in info.shape:
        return "unknown"
    if info.size <= 1:
        return "single_number"
    if info.dtype.startswith(_INTEGERS) and len(info.shape) < 2:
        return "graph_constant"
    return "optimiser_state" if _OPTIMISER.search(info.name) else ""


def _long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length > 1)


def _matrix(info: TensorInfo, operators: Mapping[str, str]) -> _Matrix:
    """Return a matrix in canonical orientation; leading axes of one are dropped, an ONNX product is turned."""
    shape = info.shape
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    operator = operators.get(info.name, "")
    transposed = len(info.shape) == 2 and operator.startswith("MatMul")
    rows, inputs = (shape[1], shape[0]) if transposed else (shape[0], shape[1])
    blocks = _gates(info.name, operator)
    return _Matrix(
        name=info.name,
        rows=rows,
        inputs=inputs,
        kernel=prod(shape[2:]),
        transposed=transposed,
        blocks=blocks if rows % blocks == 0 else 1,
        is_looked_up=operator == "Gather" or bool(_LOOKED_UP.search(info.name.removesuffix(".weight"))),
    )


def _gates(name: str, operator: str) -> int:
    if operator.lower() in _GATES:
        return _GATES[operator.lower()]
    word = _RECURRENT_WORD.search(name.lower())
    if word:
        return _GATES[word.group(1)]
    return 4 if _RECURRENT_WEIGHT.search(name.lower()) else 1


def _units(matrix: _Matrix) -> int:
    return 0 if matrix.is_looked_up else matrix.rows // matrix.blocks


def _hidden_widths(matrices: Iterable[_Matrix]) -> frozenset[int]:
    """Return numbers of units that another matrix of some height takes for its input, once or side by side."""
    matrices = list(matrices)
    read = {m.inputs for m in matrices if m.rows >= LEAST_HIDDEN_UNITS and not m.is_looked_up}
    widths = {_units(m) for m in matrices} - {0}
    return frozenset(
        width for width in widths if width >= LEAST_HIDDEN_UNITS and any(n % width == 0 for n in read)
    )


def _part(number: int, matrix: _Matrix, is_hidden: bool) -> Part:
    role = _TABLE
    if is_hidden and matrix.blocks > 1:
        role = f"recurrent/{matrix.blocks}"
    elif is_hidden:
        role = f"convolution/{matrix.kernel}" if matrix.kernel > 1 else "dense"
    source = Slice(matrix.name, transposed=matrix.transposed, flatten=matrix.kernel > 1)
    shape = (matrix.rows, matrix.inputs * matrix.kernel)
    return Part(role, number, None, (Axis.OUTPUT_UNIT, Axis.INPUT_UNIT), shape, source)


def _vector(number: int, info: TensorInfo) -> Part:
    return Part(_VECTOR, number, None, (Axis.OTHER,), (info.size,), Slice(info.name))


def _words(checkpoint: Checkpoint, key: str) -> Mapping[str, str]:
    table = checkpoint.metadata.get(key)
    return {k: v for k, v in table.items() if isinstance(v, str)} if isinstance(table, dict) else {}
