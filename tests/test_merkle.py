"""The tree is the one of RFC 6962: published vectors, an independent implementation, and every wrong proof refused."""

from collections.abc import Sequence
from hashlib import sha256

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja import merkle
from dokja.errors import InvalidInput

# The vectors of the Certificate Transparency project: eight leaves, and the root of each beginning of them.
PUBLISHED_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PUBLISHED_INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
PUBLISHED_CONSISTENCY = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


class Tree:
    """The perfect subtrees in a dictionary, grown leaf by leaf as the store does."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        for index, entry in enumerate(entries):
            for level, at, value in merkle.completed_nodes(index, merkle.leaf_hash(entry), self.node):
                self.nodes[level, at] = value

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


def test_the_published_vectors_hold() -> None:
    tree = Tree(PUBLISHED_LEAVES)
    for size, root in enumerate(PUBLISHED_ROOTS):
        assert merkle.root_at(size, tree.node).hex() == root
        assert merkle.root_of(map(merkle.leaf_hash, PUBLISHED_LEAVES[:size])).hex() == root
    for (index, size), path in PUBLISHED_INCLUSION.items():
        assert tuple(h.hex() for h in merkle.inclusion_proof(index, size, tree.node)) == path
    for (old, new), path in PUBLISHED_CONSISTENCY.items():
        assert tuple(h.hex() for h in merkle.consistency_proof(old, new, tree.node)) == path


def test_every_proof_of_every_small_tree_agrees_with_pymerkle() -> None:
    entries = [b"entry %d" % i for i in range(40)]
    ours, theirs = Tree(entries), pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        theirs.append_entry(entry)
    for size in range(1, len(entries) + 1):
        root = merkle.root_at(size, ours.node)
        assert root == theirs.get_root(size)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, ours.node)
            their_proof = theirs.prove_inclusion(index + 1, size)
            assert proof == [h for h in their_proof.path if h != merkle.leaf_hash(entries[index])]
            assert merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, size, proof, root)
            pymerkle.verify_inclusion(merkle.leaf_hash(entries[index]), root, their_proof)
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(old, size, ours.node)
            pymerkle.verify_consistency(theirs.get_root(old), root, theirs.prove_consistency(old, size))
            assert merkle.verify_consistency(old, size, proof, theirs.get_root(old), root)


@given(st.integers(1, 200), st.data())
def test_a_proof_holds_for_nothing_else(size: int, data: st.DataObject) -> None:
    tree = Tree([i.to_bytes(2) for i in range(size)])
    index = data.draw(st.integers(0, size - 1))
    root, leaf = merkle.root_at(size, tree.node), tree.node(0, index)
    proof = merkle.inclusion_proof(index, size, tree.node)
    assert merkle.verify_inclusion(leaf, index, size, proof, root)
    assert not merkle.verify_inclusion(leaf, index, size, [*proof, root], root)
    assert not merkle.verify_inclusion(sha256(leaf).digest(), index, size, proof, root)
    assert not merkle.verify_inclusion(leaf, index, size, proof, sha256(root).digest())
    other = data.draw(st.integers(0, size - 1))
    assert merkle.verify_inclusion(leaf, other, size, proof, root) == (other == index)
    if proof:
        assert not merkle.verify_inclusion(leaf, index, size, proof[:-1], root)
        at = data.draw(st.integers(0, len(proof) - 1))
        proof[at] = sha256(proof[at]).digest()
        assert not merkle.verify_inclusion(leaf, index, size, proof, root)


@given(st.integers(1, 200), st.data())
def test_a_rewritten_history_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    entries = [i.to_bytes(2) for i in range(size)]
    honest = Tree(entries)
    entries[changed] = b"rewritten"
    rewritten = Tree(entries)
    seen, now = merkle.root_at(old, honest.node), merkle.root_at(size, rewritten.node)
    for tree in (honest, rewritten):
        proof = merkle.consistency_proof(old, size, tree.node)
        assert not merkle.verify_consistency(old, size, proof, seen, now)
    honest_proof = merkle.consistency_proof(old, size, honest.node)
    assert merkle.verify_consistency(old, size, honest_proof, seen, merkle.root_at(size, honest.node))


def test_proofs_of_leaves_and_trees_that_do_not_exist_are_refused() -> None:
    tree = Tree([b"only"])
    for index, size in ((1, 1), (-1, 1), (0, 0)):
        with pytest.raises(InvalidInput):
            merkle.inclusion_proof(index, size, tree.node)
        assert not merkle.verify_inclusion(b"", index, size, [], b"")
    for old, new in ((0, 1), (2, 1)):
        with pytest.raises(InvalidInput):
            merkle.consistency_proof(old, new, tree.node)
        assert not merkle.verify_consistency(old, new, [], b"", b"")
