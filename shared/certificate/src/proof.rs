use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Certificate, Digest, Item, NotCanonical,
    tree::{leaf_hash, node_hash},
};

/// Proof that an item is among those that a certificate says were destroyed (RFC 6962, 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The item.
    pub item: Item,
    /// Its place in its store's tree, from 0.
    pub index: u64,
    /// How many leaves the tree has.
    pub leaves: u64,
    /// The hashes beside the way from the leaf to the root.
    pub path: Vec<Digest>,
}

/// The proof for the item at `index` of `items`, the whole list of one store; `None` where there is no such item.
///
/// # Errors
/// [`NotCanonical`] for an item that no leaf can be made of.
pub fn prove(items: &[Item], index: usize) -> Result<Option<Proof>, NotCanonical> {
    let Some(item) = items.get(index) else { return Ok(None) };
    let hashes: Vec<Digest> = items.iter().map(Item::leaf).collect::<Result<_, _>>()?;
    Ok(Some(proof_at(item.clone(), &hashes, index)))
}

/// The proof for `item`, out of the hashes of all leaves of its store; `None` where it is none of them.
///
/// # Errors
/// [`NotCanonical`] for an item that no leaf can be made of.
pub fn prove_item(item: Item, leaves: &[Digest]) -> Result<Option<Proof>, NotCanonical> {
    let hash = item.leaf()?;
    let index = leaves.iter().position(|leaf| *leaf == hash);
    Ok(index.map(|index| proof_at(item, leaves, index)))
}

fn proof_at(item: Item, hashes: &[Digest], index: usize) -> Proof {
    let mut path = Vec::new();
    gather_path(hashes, index, &mut path);
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Proof { item, index: count(index), leaves: count(hashes.len()), path }
}

impl Proof {
    /// Whether the item is a leaf of the tree of its store in `certificate`.
    pub fn holds(&self, certificate: &Certificate) -> bool {
        let store = certificate.stores.iter().find(|store| store.store == self.item.store);
        store.is_some_and(|store| store.leaves == self.leaves && self.root() == Some(store.root))
    }

    /// The root to which the path leads; `None` where it leads nowhere (RFC 9162, 2.1.3.2).
    pub fn root(&self) -> Option<Digest> {
        if self.index >= self.leaves {
            return None;
        }
        let (mut node, mut last) = (self.index, self.leaves.saturating_sub(1));
        let mut root = leaf_hash(self.item.line().ok()?.as_bytes());
        for sibling in &self.path {
            if last == 0 {
                return None;
            }
            if node % 2 == 1 || node == last {
                root = node_hash(*sibling, root);
                // A subtree that has no right neighbour is its parent, until it has a left one.
                while node.is_multiple_of(2) && node != 0 {
                    (node, last) = (node / 2, last / 2);
                }
            } else {
                root = node_hash(root, *sibling);
            }
            (node, last) = (node / 2, last / 2);
        }
        (last == 0).then_some(root)
    }
}

/// Answers the root of `hashes`, and gathers what is beside the way from the leaf at `index` to it.
fn gather_path(hashes: &[Digest], index: usize, path: &mut Vec<Digest>) -> Digest {
    match hashes {
        [] => Digest::of(&[]),
        [leaf] => *leaf,
        _ => {
            let middle = hashes.len().next_power_of_two() / 2;
            let (left, right) = hashes.split_at_checked(middle).unwrap_or((hashes, &[]));
            if index < middle {
                let root = gather_path(left, index, path);
                let beside = root_of(right);
                path.push(beside);
                node_hash(root, beside)
            } else {
                let root = gather_path(right, index.saturating_sub(middle), path);
                let beside = root_of(left);
                path.push(beside);
                node_hash(beside, root)
            }
        }
    }
}

fn root_of(hashes: &[Digest]) -> Digest {
    let mut tree = crate::Tree::new();
    hashes.iter().for_each(|hash| tree.append_hash(*hash));
    tree.root()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::{Tree, certificate::tests::certificate};

    fn items(number: usize) -> Vec<Item> {
        let item = |number: usize| Item {
            store: "media_bucket".to_owned(),
            key: format!("k{number}"),
            version: None,
            sha256: None,
            bytes: None,
        };
        (0..number).map(item).collect()
    }

    fn tree(items: &[Item]) -> Tree {
        let mut tree = Tree::new();
        items.iter().for_each(|item| tree.append(item.line().unwrap().as_bytes()));
        tree
    }

    fn certificate_of(items: &[Item]) -> Certificate {
        let mut certificate = certificate();
        let tree = tree(items);
        for store in &mut certificate.stores {
            (store.leaves, store.root) = (tree.leaves(), tree.root());
        }
        certificate
    }

    /// The path that RFC 6962, 2.1.3, draws for the first leaf of seven: b, h, l.
    #[test]
    fn a_path_is_as_in_the_rfc() {
        let items = items(7);
        let proof = prove(&items, 0).unwrap().unwrap();
        let beside = [tree(&items[1..2]), tree(&items[2..4]), tree(&items[4..7])];
        assert_eq!(proof.path, beside.map(|tree| tree.root()));
        assert_eq!(
            prove(&items, 6).unwrap().unwrap().path,
            [tree(&items[4..6]), tree(&items[0..4])].map(|tree| tree.root())
        );
        assert_eq!(prove(&items, 7).unwrap(), None);
    }

    #[test]
    fn the_only_item_needs_no_path() {
        let items = items(1);
        let proof = prove(&items, 0).unwrap().unwrap();
        assert!(proof.path.is_empty() && proof.holds(&certificate_of(&items)));
    }

    proptest! {
        #[test]
        fn any_item_is_proven_and_any_other_is_not(number in 1_usize..60, index in any::<Index>(), place in any::<Index>()) {
            let items = items(number);
            let certificate = certificate_of(&items);
            let index = index.index(number);
            let proof = prove(&items, index).unwrap().unwrap();
            let holds = |proof: Proof| proof.holds(&certificate);
            prop_assert!(holds(proof.clone()));

            let not_there = Item { key: "elsewhere".to_owned(), ..proof.item.clone() };
            let other = Proof { item: not_there, ..proof.clone() };
            prop_assert!(!holds(other));
            let elsewhere = Item { store: "feed_bucket".to_owned(), ..proof.item.clone() };
            let other = Proof { item: elsewhere, ..proof.clone() };
            prop_assert!(!holds(other));
            let place = place.index(number);
            let moved = Proof { index: place as u64, ..proof.clone() };
            prop_assert_eq!(holds(moved), place == index);
            let other = Proof { index: number as u64, ..proof.clone() };
            prop_assert!(!holds(other));
            let other = Proof { leaves: proof.leaves + 1, ..proof.clone() };
            prop_assert!(!holds(other));
            for at in 0..proof.path.len() {
                let mut path = proof.path.clone();
                path[at] = Digest::of(&[b"other"]);
                let other = Proof { path, ..proof.clone() };
            prop_assert!(!holds(other));
            }
            let mut longer = proof.clone();
            longer.path.push(Digest::of(&[]));
            prop_assert!(!holds(longer));
            if proof.path.len() > 1 {
                let mut shorter = proof;
                shorter.path.pop();
                prop_assert!(!holds(shorter));
            }
        }
    }
}
