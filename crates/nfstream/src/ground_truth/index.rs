//! Index of rules by addresses and ports, for files with many rules.

use std::collections::HashMap;
use std::net::IpAddr;

use super::rule::{Rule, Subject};

type End = (IpAddr, u16);

/// Places of rules in their file, by the most selective properties of each.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By two addresses with their ports, the smaller end first.
    ends: HashMap<[End; 2], Vec<usize>>,
    /// By two addresses, the smaller one first.
    pairs: HashMap<[IpAddr; 2], Vec<usize>>,
    /// By one address.
    hosts: HashMap<IpAddr, Vec<usize>>,
    /// All others.
    others: Vec<usize>,
}

impl Index {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (place, rule) in rules.iter().enumerate() {
            let addresses = rule.subnets.map(|subnet| subnet.and_then(|subnet| subnet.single()));
            let places = match (addresses, rule.ports) {
                ([Some(source), Some(destination)], [Some(from), Some(to)]) => {
                    index.ends.entry(sorted([(source, from), (destination, to)])).or_default()
                }
                ([Some(source), Some(destination)], _) => {
                    index.pairs.entry(sorted([source, destination])).or_default()
                }
                ([Some(host), None] | [None, Some(host)], _) => {
                    index.hosts.entry(host).or_default()
                }
                ([None, None], _) => &mut index.others,
            };
            places.push(place);
        }
        index
    }

    /// Returns the places of the rules that may match a flow, in no order.
    pub(super) fn near(&self, flow: &Subject) -> impl Iterator<Item = usize> {
        let [source, destination] = flow.ends;
        let of_destination = (source.0 != destination.0).then(|| self.hosts.get(&destination.0));
        let lists = [
            self.ends.get(&sorted(flow.ends)),
            self.pairs.get(&sorted([source.0, destination.0])),
            self.hosts.get(&source.0),
            of_destination.flatten(),
            Some(&self.others),
        ];
        lists.into_iter().flatten().flatten().copied()
    }
}

fn sorted<T: Ord>([one, other]: [T; 2]) -> [T; 2] {
    if one <= other { [one, other] } else { [other, one] }
}
