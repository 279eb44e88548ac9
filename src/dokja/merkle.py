"""The Merkle tree of RFC 6962 as pure functions: hashes in, hashes out, nothing stored.

A tree of any size is made of *perfect* subtrees, named by (level, index): level 0 are the leaves, and the node
(level, index) covers the leaves from index·2^level up to (index+1)·2^level. A perfect subtree never changes once it is
full, so whoever keeps them can append and prove in O(log n) without reading the leaves again.

Source: RFC 6962 §2.1 (hashing, proofs); RFC 9162 §2.1.3.2 and §2.1.4.2 (verifying proofs).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from dokja.errors import InvalidInput

Node: TypeAlias = Callable[[int, int], bytes]
"""(level, index) -> hash of that perfect subtree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf holding these bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed_nodes(size: int, leaf: bytes, node: Node) -> list[tuple[int, int, bytes]]:
    """Return the perfect subtrees that one more leaf completes, the leaf itself first.

    Args:
        size: Number of leaves so far, which is the new leaf's index.
        leaf: Hash of the new leaf.
        node: The perfect subtrees so far; asked for at most log2(size) of them.
    """
    completed = [(0, size, leaf)]
    level, index, value = 0, size, leaf
    while index % 2 == 1:
        value = node_hash(node(level, index - 1), value)
        level, index = level + 1, index // 2
        completed.append((level, index, value))
    return completed


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes, read once and never held."""
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        level, value = 0, leaf
        while stack and stack[-1][0] == level:
            value = node_hash(stack.pop()[1], value)
            level += 1
        stack.append((level, value))
    if not stack:
        return EMPTY_ROOT
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def root_at(size: int, node: Node) -> bytes:
    """Return the root of the first `size` leaves."""
    return _range_hash(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return the audit path of a leaf in the tree of the first `size` leaves, from the leaf upwards.

    Raises:
        InvalidInput: There is no such leaf in a tree of that size.
    """
    if not 0 <= index < size:
        raise InvalidInput(f"A tree of {size} leaves has no leaf {index}.")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_hash(middle, end, node))
            end = middle
        else:
            path.append(_range_hash(begin, middle, node))
            begin = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is a beginning of the tree of `new` leaves.

    Raises:
        InvalidInput: The old tree is empty or larger than the new one.
    """
    if not 0 < old <= new:
        raise InvalidInput(f"A tree of {old} leaves cannot be shown to be a beginning of one of {new}.")
    proof: list[bytes] = []
    begin, end, old_is_whole = 0, new, True
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_range_hash(middle, end, node))
            end = middle
        else:
            proof.append(_range_hash(begin, middle, node))
            begin, old_is_whole = middle, False
    if not old_is_whole:
        proof.append(_range_hash(begin, end, node))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that a leaf hash is the one at an index of the tree with this root."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position % 2 == 1 or position == last:
            value = node_hash(sibling, value)
            while position % 2 == 0 and position != 0:
                position, last = position // 2, last // 2
        else:
            value = node_hash(value, sibling)
        position, last = position // 2, last // 2
    return last == 0 and value == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Return whether a proof shows that the tree of `old` leaves is a beginning of the tree of `new` leaves."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position % 2 == 1:
        position, last = position // 2, last // 2
    old_value = new_value = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position % 2 == 1 or position == last:
            old_value, new_value = node_hash(sibling, old_value), node_hash(sibling, new_value)
            while position % 2 == 0 and position != 0:
                position, last = position // 2, last // 2
        else:
            new_value = node_hash(new_value, sibling)
        position, last = position // 2, last // 2
    return last == 0 and old_value == old_root and new_value == new_root


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(begin: int, end: int, node: Node) -> bytes:
    """Return the hash over leaves begin..end of a range that occurs as a subtree."""
    size = end - begin
    if size & (size - 1) == 0:
        return node(size.bit_length() - 1, begin // size)
    middle = begin + _split(size)
    return node_hash(_range_hash(begin, middle, node), _range_hash(middle, end, node))
