"""A pickle read as a description of tensors, never as the program it is.

A pickle is a program for a stack machine that can import and call anything. This machine knows the operations that
build containers, and of the things a pickle can name only those on the list below, for which it writes down what
*would* be made (`StorageRef`, `TensorRef`, `Record`). Anything else ends the reading with the name it asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dokja.checkpoint.limits import Limits, unreadable

Value = Any  # None, bool, int, float, str, bytes, tuple, list, dict, or one of the classes below
_MAX_INTEGER_BYTES = 8

STORAGE_TYPES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}
ELEMENT_TYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e8m0fnu": "F8_E8M0",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
}


@dataclass(frozen=True, slots=True)
class Global:
    """A thing the pickle names and this list knows; never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class StorageRef:
    """A run of elements in the archive: its key, element type (empty when untyped) and length."""

    key: str
    dtype: str
    elements: int


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A view of a storage; offset and stride in elements of `dtype`."""

    storage: StorageRef
    dtype: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(slots=True)
class Record:
    """An object of a TorchScript class: its attributes and nothing of its code."""

    state: dict[Value, Value] = field(default_factory=dict)


def read_pickle(data: bytes, where: str, limits: Limits) -> Value:
    """Return what a pickle describes.

    Args:
        data: The whole pickle, already bounded.
        where: File and entry, for messages.
        limits: Bound on its operations.

    Raises:
        UnreadableArtifact: It asks for anything but containers and tensors, or is malformed.
    """
    machine = _Machine(data, where)
    for _ in range(limits.steps):
        code = machine.take(1)
        if code == b".":
            return machine.pop()
        operation = _OPERATIONS.get(code)
        if operation is None:
            raise unreadable(
                where, f"its pickle uses the operation 0x{code.hex()}, which no list of tensors needs"
            )
        operation(machine)
    raise unreadable(where, f"its pickle runs beyond {limits.steps} operations")


class _Machine:
    """The stack, the marks, the memo and the place in the bytes."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self.position = 0
        self.stack: list[Value] = []
        self.marked: list[list[Value]] = []
        self.memo: dict[int, Value] = {}

    def refuse(self, what: str) -> Exception:
        return unreadable(self.where, f"its pickle {what}, at byte {self.position}")

    def take(self, length: int) -> bytes:
        piece = self.data[self.position : self.position + length]
        if len(piece) != length:
            raise self.refuse("is cut short")
        self.position += length
        return piece

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def protocol(self) -> None:
        version = self.take(1)[0]
        if not 2 <= version <= 5:
            raise self.refuse(f"has the protocol {version}")

    def line(self) -> str:
        end = self.data.find(b"\n", self.position, self.position + 1024)
        if end < 0:
            raise self.refuse("has a name without end")
        name = self.take(end - self.position + 1)[:-1]
        return name.decode("utf-8", "backslashreplace")

    def text(self, length: int) -> str:
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.refuse("has a string that is no UTF-8") from error

    def push(self, value: Value) -> None:
        self.stack.append(value)

    def pop(self) -> Value:
        if not self.stack:
            raise self.refuse("takes from an empty stack")
        return self.stack.pop()

    def top(self, kind: type) -> Value:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise self.refuse(f"needs a {kind.__name__} that is not there")
        return self.stack[-1]

    def mark(self) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[Value]:
        if not self.marked:
            raise self.refuse("takes from a mark that was not set")
        items, self.stack = self.stack, self.marked.pop()
        return items

    def pop_several(self, count: int) -> tuple[Value, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def put(self, index: int) -> None:
        self.memo[index] = self.top(object)

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise self.refuse("recalls what it never stored")
        self.push(self.memo[index])

    def push_integer(self, length: int) -> None:
        if length > _MAX_INTEGER_BYTES:
            raise self.refuse(f"has an integer of {length} bytes")
        self.push(int.from_bytes(self.take(length), "little", signed=True))

    def push_global(self, module: Value, name: Value) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise self.refuse("names something by what is no text")
        if not _is_known(module, name):
            shown = f"{module[:100]}.{name[:100]}"
            raise unreadable(
                self.where,
                f"its pickle asks for {shown!a}; only containers and tensors are read",
                hint="Never load this file with a library that unpickles; ask for safetensors.",
            )
        self.push(Global(module, name))

    def set_items(self, items: list[Value] | tuple[Value, ...]) -> None:
        target = self.top(dict)
        if len(items) % 2:
            raise self.refuse("has a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Hashing a deeply nested tuple would exhaust the interpreter's own stack.
            if not isinstance(key, (str, int, float, bytes, type(None))):
                raise self.refuse("has a key that is neither text nor number")
            target[key] = value

    def append(self, items: list[Value] | tuple[Value, ...]) -> None:
        self.top(list).extend(items)

    def persistent(self) -> None:
        """Note a storage: ("storage", its class, its key, its device, its length)."""
        reference = self.pop()
        if not isinstance(reference, tuple) or len(reference) < 5 or reference[0] != "storage":
            raise self.refuse("refers to something that is no storage")
        _, kind, key, _, elements = reference[:5]
        if not isinstance(kind, Global) or not isinstance(key, str) or type(elements) is not int:
            raise self.refuse("describes a storage in no known way")
        if kind.module == "torch.storage":
            dtype = ""
        elif kind.name in STORAGE_TYPES:
            dtype = STORAGE_TYPES[kind.name]
        else:
            raise self.refuse(f"describes a storage of {kind}")
        self.push(StorageRef(key, dtype, elements))

    def reduce(self) -> None:
        """Write down what a call would make; the callables are the ones on the list."""
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise self.refuse("calls what is no function")
        maker = _MAKERS.get((function.module, function.name))
        if maker is None:
            raise self.refuse(f"calls {function}")
        try:
            self.push(maker(*arguments))
        except (TypeError, ValueError) as error:
            raise self.refuse(f"calls {function} with other arguments than it takes") from error

    def new_object(self) -> None:
        arguments, kind = self.pop(), self.pop()
        if not isinstance(kind, Global) or not kind.module.startswith("__torch__") or arguments != ():
            raise self.refuse("makes an object of no TorchScript class")
        self.push(Record())

    def build(self) -> None:
        """Give a record its attributes; what hangs on a dictionary (`_metadata`) is no weight and is dropped."""
        state = self.pop()
        target = self.top(object)
        if isinstance(target, Record) and isinstance(state, dict):
            target.state = state
        elif not isinstance(target, dict):
            raise self.refuse("sets the state of what has none")


def _is_known(module: str, name: str) -> bool:
    if (module, name) in _MAKERS or module == "__torch__" or module.startswith("__torch__."):
        return True
    if module == "torch.storage":
        return name == "UntypedStorage"
    return module == "torch" and (name in STORAGE_TYPES or name in ELEMENT_TYPES)


def _integers(value: Value) -> tuple[int, ...]:
    if not isinstance(value, tuple) or any(type(item) is not int for item in value):
        raise TypeError("no tuple of integers")
    return value


def _tensor(storage: Value, offset: Value, shape: Value, stride: Value, *_rest: Value) -> TensorRef:
    if not isinstance(storage, StorageRef) or not storage.dtype or type(offset) is not int or len(_rest) > 3:
        raise TypeError("no typed storage")
    return TensorRef(storage, storage.dtype, offset, _integers(shape), _integers(stride))


def _tensor_of_type(
    storage: Value,
    offset: Value,
    shape: Value,
    stride: Value,
    _grad: Value,
    _hooks: Value,
    kind: Value,
    *_rest: Value,
) -> TensorRef:
    if not isinstance(storage, StorageRef) or not isinstance(kind, Global) or type(offset) is not int:
        raise TypeError("no storage and type")
    if kind.module != "torch" or kind.name not in ELEMENT_TYPES:
        raise TypeError("no element type")
    return TensorRef(storage, ELEMENT_TYPES[kind.name], offset, _integers(shape), _integers(stride))


def _parameter(data: Value, *_rest: Value) -> Value:
    if len(_rest) > 3:
        raise TypeError("more than a parameter takes")
    return data


def _ordered(pairs: Value = ()) -> dict[Value, Value]:
    if not isinstance(pairs, (list, tuple)):
        raise TypeError("no pairs")
    made: dict[Value, Value] = {}
    for pair in pairs:
        key, value = pair
        if not isinstance(key, (str, int, float)):
            raise TypeError("a key that is neither text nor number")
        made[key] = value
    return made


def _same(value: Value, *_rest: Value) -> Value:
    return value


_MAKERS: dict[tuple[str, str], Callable[..., Value]] = {
    ("collections", "OrderedDict"): _ordered,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of_type,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch", "Size"): _same,
    ("torch", "device"): _same,
    ("torch.jit._pickle", "build_intlist"): _same,
    ("torch.jit._pickle", "build_doublelist"): _same,
    ("torch.jit._pickle", "build_boollist"): _same,
    ("torch.jit._pickle", "build_tensorlist"): _same,
    ("torch.jit._pickle", "restore_type_tag"): _same,
}

_OPERATIONS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine.protocol,
    b"\x95": lambda machine: _ignore(machine.take(8)),  # frame
    b"(": _Machine.mark,
    b"0": lambda machine: _ignore(machine.pop()),
    b"1": lambda machine: _ignore(machine.pop_mark()),
    b"N": lambda machine: machine.push(None),
    b"\x88": lambda machine: machine.push(True),
    b"\x89": lambda machine: machine.push(False),
    b"J": lambda machine: machine.push(machine.number("<i")),
    b"K": lambda machine: machine.push(machine.number("<B")),
    b"M": lambda machine: machine.push(machine.number("<H")),
    b"\x8a": lambda machine: machine.push_integer(machine.number("<B")),
    b"G": lambda machine: machine.push(machine.number(">d")),
    b"X": lambda machine: machine.push(machine.text(machine.number("<I"))),
    b"\x8c": lambda machine: machine.push(machine.text(machine.number("<B"))),
    b"U": lambda machine: machine.push(machine.take(machine.number("<B"))),
    b"B": lambda machine: machine.push(machine.take(machine.number("<I"))),
    b"C": lambda machine: machine.push(machine.take(machine.number("<B"))),
    b"]": lambda machine: machine.push([]),
    b"}": lambda machine: machine.push({}),
    b")": lambda machine: machine.push(()),
    b"\x85": lambda machine: machine.push(machine.pop_several(1)),
    b"\x86": lambda machine: machine.push(machine.pop_several(2)),
    b"\x87": lambda machine: machine.push(machine.pop_several(3)),
    b"t": lambda machine: machine.push(tuple(machine.pop_mark())),
    b"l": lambda machine: machine.push(machine.pop_mark()),
    b"a": lambda machine: machine.append(machine.pop_several(1)),
    b"e": lambda machine: machine.append(machine.pop_mark()),
    b"s": lambda machine: machine.set_items(machine.pop_several(2)),
    b"u": lambda machine: machine.set_items(machine.pop_mark()),
    b"q": lambda machine: machine.put(machine.number("<B")),
    b"r": lambda machine: machine.put(machine.number("<I")),
    b"\x94": lambda machine: machine.put(len(machine.memo)),
    b"h": lambda machine: machine.get(machine.number("<B")),
    b"j": lambda machine: machine.get(machine.number("<I")),
    b"c": lambda machine: machine.push_global(machine.line(), machine.line()),
    b"\x93": lambda machine: machine.push_global(*machine.pop_several(2)),
    b"Q": _Machine.persistent,
    b"R": _Machine.reduce,
    b"\x81": _Machine.new_object,
    b"b": _Machine.build,
}


def _ignore(_value: Value) -> None:
    """Take what the machine does not need."""
