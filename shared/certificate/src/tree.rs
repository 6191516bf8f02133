//! Merkle trees as RFC 6962, 2.1, defines them: a leaf's hash is SHA-256 of a zero byte and the leaf, a node's that of a one byte and
//! both hashes below it, so that neither passes for the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// A Merkle tree that grows leaf by leaf. It keeps one hash for each bit of the number of its leaves, so it can be written down at
/// any time and gone on with elsewhere; who wants proofs keeps the leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Checkpoint", into = "Checkpoint")]
#[schemars(with = "Checkpoint")]
pub struct Tree {
    leaves: u64,
    /// The roots of the full subtrees, the largest first.
    roots: Vec<Digest>,
}

/// How a tree is written down.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Checkpoint {
    leaves: u64,
    roots: Vec<Digest>,
}

/// What was written down is no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tree has one root for each bit of the number of its leaves")]
pub struct InvalidTree;

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a leaf at the end.
    pub fn append(&mut self, leaf: &[u8]) {
        self.append_hash(leaf_hash(leaf));
    }

    /// Adds a leaf by its hash.
    pub fn append_hash(&mut self, leaf: Digest) {
        let mut root = leaf;
        // Two full trees of the same size make one, as a carry does when one is added to a number.
        for _ in 0..self.leaves.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                root = node_hash(left, root);
            }
        }
        self.roots.push(root);
        self.leaves = self.leaves.saturating_add(1);
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root of all of them; of none, the hash of nothing.
    pub fn root(&self) -> Digest {
        let together = |right, left: &Digest| node_hash(*left, right);
        match self.roots.split_last() {
            None => Digest::of(&[]),
            Some((last, rest)) => rest.iter().rev().fold(*last, together),
        }
    }
}

impl TryFrom<Checkpoint> for Tree {
    type Error = InvalidTree;

    fn try_from(Checkpoint { leaves, roots }: Checkpoint) -> Result<Self, InvalidTree> {
        if u32::try_from(roots.len()) == Ok(leaves.count_ones()) {
            Ok(Self { leaves, roots })
        } else {
            Err(InvalidTree)
        }
    }
}

impl From<Tree> for Checkpoint {
    fn from(Tree { leaves, roots }: Tree) -> Self {
        Self { leaves, roots }
    }
}

/// The hash of a leaf.
pub(crate) fn leaf_hash(leaf: &[u8]) -> Digest {
    Digest::of(&[&[0], leaf])
}

/// The hash of a node.
pub(crate) fn node_hash(left: Digest, right: Digest) -> Digest {
    Digest::of(&[&[1], left.as_bytes(), right.as_bytes()])
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The leaves of the test vectors that come with RFC 6962's reference implementation.
    pub(crate) const LEAVES: [&[u8]; 8] = [
        &[],
        &[0],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];

    /// The roots of the first leaf, the first two, and so on.
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// RFC 6962, 2.1, word for word.
    fn root_as_defined(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => Digest::of(&[]),
            [leaf] => leaf_hash(leaf),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(root_as_defined(left), root_as_defined(right))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_test_vectors() {
        let mut tree = Tree::new();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(tree.root().to_string(), empty);
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            tree.append(leaf);
            assert_eq!(tree.root().to_string(), root);
        }
        assert_eq!(tree.leaves(), 8);
    }

    #[test]
    fn a_leaf_does_not_pass_for_a_node() {
        let (mut two, mut one) = (Tree::new(), Tree::new());
        two.append(b"a");
        two.append(b"b");
        one.append(&[leaf_hash(b"a").as_bytes().as_slice(), leaf_hash(b"b").as_bytes()].concat());
        assert_ne!(one.root(), two.root());
    }

    #[test]
    fn what_is_no_tree_is_not_taken_up() {
        let mut tree = Tree::new();
        LEAVES.iter().take(7).for_each(|leaf| tree.append(leaf));
        let mut json = serde_json::to_value(&tree).unwrap();
        json["leaves"] = 8.into();
        assert!(serde_json::from_value::<Tree>(json).is_err());
    }

    proptest! {
        #[test]
        fn any_tree_has_the_root_that_is_defined_also_when_it_was_written_down_between(
            leaves in vec(vec(any::<u8>(), 0..4), 0..70), stops in vec(any::<bool>(), 70),
        ) {
            let mut tree = Tree::new();
            for (leaf, stop) in leaves.iter().zip(stops) {
                tree.append(leaf);
                if stop {
                    tree = serde_json::from_str(&serde_json::to_string(&tree).unwrap()).unwrap();
                }
            }
            prop_assert_eq!(tree.root(), root_as_defined(&leaves));
        }
    }
}
