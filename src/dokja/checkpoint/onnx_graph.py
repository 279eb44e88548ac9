"""The part of an ONNX model that lineage needs: its tensors, wherever they hide, and who consumes them.

Graphs nest (branches of If, bodies of Loop), and weights lie as initialisers or as Constant nodes in any of them.
Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.limits import Limits, unreadable
from dokja.checkpoint.wire import LENGTH, VARINT, Field, Wire

_MODEL_PRODUCER, _MODEL_GRAPH, _MODEL_FUNCTION = 2, 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_FUNCTION_NODE = 7
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 1, 3, 5, 6, 11
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 1, 2, 8, 9, 13, 14
TYPED_FIELDS = (4, 5, 7, 10, 11)  # float_data, int32_data, int64_data, double_data, uint64_data
_LONGEST_LOCATION = 4096


@dataclass(slots=True)
class GraphTensor:
    """A TensorProto: what it declares and where its values lie.

    Args:
        name: Initialiser's name, or the Constant node's output; made unique over all graphs.
        data_type: TensorProto.DataType.
        dims: Its shape.
        raw: Payload of raw_data, or None.
        typed: Payloads of the typed fields, by field number.
        external: Keys of external_data (`location`, `offset`, `length`), empty when inside the file.
    """

    name: str
    data_type: int = 0
    dims: list[int] = field(default_factory=list)
    raw: Field | None = None
    typed: dict[int, list[Field]] = field(default_factory=dict)
    external: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class GraphNode:
    """A node that consumes a stored tensor.

    Args:
        name: Its name, or empty.
        op: Operator, e.g. `MatMul`.
        inputs: Names of its inputs.
        outputs: Names of its outputs.
        axis: The `axis` attribute, or None.
    """

    name: str = ""
    op: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    axis: int | None = None


@dataclass(slots=True)
class Graph:
    """Every tensor of a model and every node that has one for an input."""

    tensors: dict[str, GraphTensor] = field(default_factory=dict)
    nodes: list[GraphNode] = field(default_factory=list)
    producer: str = ""


def read_graph(file: ByteSource, limits: Limits) -> Graph:
    """Return the tensors and nodes of an ONNX file.

    Args:
        file: The file.
        limits: Bounds on fields, tensors and nesting.

    Raises:
        UnreadableArtifact: It is no ONNX model, or asks for more than is read.
    """
    return _Reader(file, limits).read()


class _Reader:
    """Walks the graphs of one file."""

    def __init__(self, file: ByteSource, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.wire = Wire(file, limits)
        self.graph = Graph()

    def read(self) -> Graph:
        graphs = 0
        for entry in self.wire.fields(0, self.file.size):
            if entry.number == _MODEL_GRAPH and entry.wire == LENGTH:
                graphs += 1
                self._read_nodes(entry, _GRAPH_NODE, "", 0)
            elif entry.number == _MODEL_FUNCTION and entry.wire == LENGTH:
                self._read_nodes(entry, _FUNCTION_NODE, "function", 1)
            elif entry.number == _MODEL_PRODUCER:
                self.graph.producer = self.wire.text(entry)
        if graphs != 1:
            raise unreadable(self.file.name, f"it has {graphs} ONNX graphs at its top, not one")
        return self.graph

    def _read_nodes(self, whole: Field, node_number: int, path: str, depth: int) -> None:
        if depth > self.limits.depth:
            raise unreadable(self.file.name, f"its graphs nest deeper than {self.limits.depth}")
        is_graph = node_number == _GRAPH_NODE
        for entry in self.wire.fields(whole.value, whole.end):
            if entry.wire != LENGTH:
                continue
            if entry.number == node_number:
                self._read_node(entry, path, depth)
            elif is_graph and entry.number == _GRAPH_INITIALIZER:
                self._keep(self._read_tensor(entry), path)
            elif is_graph and entry.number == _GRAPH_SPARSE:
                raise unreadable(self.file.name, "it holds sparse initialisers, which are not read")

    def _read_node(self, whole: Field, path: str, depth: int) -> None:
        node = GraphNode()
        attributes: list[Field] = []
        for entry in self.wire.fields(whole.value, whole.end):
            if entry.number == _NODE_ATTRIBUTE and entry.wire == LENGTH:
                attributes.append(entry)
            elif entry.number == _NODE_NAME:
                node.name = self.wire.text(entry)
            elif entry.number == _NODE_OP:
                node.op = self.wire.text(entry)
            elif entry.number in (_NODE_INPUT, _NODE_OUTPUT):
                (node.inputs if entry.number == _NODE_INPUT else node.outputs).append(self.wire.text(entry))
        for attribute in attributes:
            self._read_attribute(attribute, node, path, depth)
        if node.op != "Constant":
            self.graph.nodes.append(node)

    def _read_attribute(self, whole: Field, node: GraphNode, path: str, depth: int) -> None:
        name = ""
        entries = list(self._attribute_fields(whole))
        for entry in entries:
            if entry.number == _ATTRIBUTE_NAME:
                name = self.wire.text(entry)
        for entry in entries:
            if entry.number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS) and entry.wire == LENGTH:
                branch = f"{path}/{node.name or node.op}.{name}" if path else f"{node.name or node.op}.{name}"
                self._read_nodes(entry, _GRAPH_NODE, branch, depth + 1)
            elif entry.number == _ATTRIBUTE_TENSOR and node.op == "Constant" and node.outputs:
                tensor = self._read_tensor(entry)
                if tensor.dims:  # a scalar constant is arithmetic, not weights
                    tensor.name = node.outputs[0]
                    self._keep(tensor, path)
            elif entry.number == _ATTRIBUTE_INTEGER and entry.wire == VARINT and name == "axis":
                node.axis = self.wire.integers(entry)[0]

    def _attribute_fields(self, whole: Field) -> Iterator[Field]:
        """Yield the few fields of an attribute that matter; its lists of numbers are passed over."""
        wanted = {_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS}
        return (entry for entry in self.wire.fields(whole.value, whole.end) if entry.number in wanted)

    def _read_tensor(self, whole: Field) -> GraphTensor:
        tensor = GraphTensor("")
        for entry in self.wire.fields(whole.value, whole.end):
            if entry.number == _TENSOR_DIMS:
                tensor.dims += self.wire.integers(entry)
            elif entry.number == _TENSOR_TYPE and entry.wire == VARINT:
                tensor.data_type = entry.value
            elif entry.number == _TENSOR_NAME:
                tensor.name = self.wire.text(entry)
            elif entry.number == _TENSOR_RAW and entry.wire == LENGTH:
                if tensor.raw is not None:
                    raise unreadable(
                        self.file.name, f"a tensor at offset {whole.value} has its raw data twice"
                    )
                tensor.raw = entry
            elif entry.number in TYPED_FIELDS:
                tensor.typed.setdefault(entry.number, []).append(entry)
            elif entry.number == _TENSOR_EXTERNAL and entry.wire == LENGTH:
                self._read_external(entry, tensor)
        return tensor

    def _read_external(self, whole: Field, tensor: GraphTensor) -> None:
        pair = {
            entry.number: self.wire.text(entry, _LONGEST_LOCATION)
            for entry in self.wire.fields(whole.value, whole.end)
        }
        tensor.external[pair.get(1, "")] = pair.get(2, "")

    def _keep(self, tensor: GraphTensor, path: str) -> None:
        """Keep a tensor under a name of its own: two branches may hold tensors of one name."""
        name = tensor.name
        if name in self.graph.tensors:
            if not path:
                raise unreadable(self.file.name, f"the initialiser {name[:80]!r} is stored twice")
            name = f"{path}/{name}"
        number, unique = 2, name
        while unique in self.graph.tensors:
            unique, number = f"{name}#{number}", number + 1
        tensor.name = unique
        self.graph.tensors[unique] = tensor
        if len(self.graph.tensors) > self.limits.tensors:
            raise unreadable(self.file.name, f"more than {self.limits.tensors} tensors")
