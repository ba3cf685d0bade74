//! Domain suffixes and the values they stand for, found label by label from the right.
//!
//! The build script fills a table and writes it out as constants; rules fill one at run time.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// Most bytes of a label (RFC 1035).
const MAX_LABEL: usize = 63;
/// Most bytes of a domain name, written without the final dot (RFC 1035).
const MAX_NAME: usize = 253;
/// The node of the empty suffix.
const ROOT: u32 = 0;
/// Flag of an edge to a node with further labels.
const HAS_CHILDREN: u8 = 1;
/// Flag of an edge to a node that accepts any label.
const HAS_WILDCARD: u8 = 2;
/// Flag of an edge to a node that accepts labels by their beginning and end.
const HAS_PATTERNS: u8 = 4;

/// Suffixes and their values, each above zero.
///
/// The tree of labels is one table of edges, hashed by the node they leave and by their label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suffixes<'a> {
    /// A power of two of slots, at most half of them in use, or none at all.
    pub(crate) edges: Cow<'a, [Edge]>,
    /// The labels of all edges, in lower case and reversed.
    pub(crate) labels: Cow<'a, [u8]>,
    /// Patterns, by the node they leave.
    pub(crate) patterns: Cow<'a, [Pattern]>,
    /// Flags of the root.
    pub(crate) root: u8,
}

/// A label such as `photos-*`, the first of a suffix.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pattern {
    /// The node that the pattern leaves.
    pub(crate) from: u32,
    /// Place of its end among all labels, with its beginning right after it.
    pub(crate) label: u32,
    /// Value of the suffix.
    pub(crate) value: u16,
    /// Bytes before the star.
    pub(crate) before: u8,
    /// Bytes after the star.
    pub(crate) after: u8,
}

/// One label: the way from a node to the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edge {
    /// The node that the edge leaves.
    pub(crate) from: u32,
    /// The node that it leads to; an unused slot has the root here.
    pub(crate) to: u32,
    /// Place of the label among all labels.
    pub(crate) label: u32,
    /// Value of the suffix that ends here, zero if there is none.
    pub(crate) value: u16,
    /// Bytes of the label.
    pub(crate) len: u8,
    /// Flags for the edges and patterns that leave the next node.
    pub(crate) flags: u8,
}

/// Suffixes under construction.
#[derive(Debug)]
pub(crate) struct SuffixesBuilder {
    nodes: Vec<Node>,
}

/// A node of the tree that is built.
#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<Vec<u8>, usize>,
    /// Beginnings and ends of labels, the longest first.
    patterns: Vec<(Vec<u8>, Vec<u8>, u16)>,
    value: u16,
}

/// Why a suffix cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SuffixError {
    /// A label has no bytes.
    EmptyLabel,
    /// A byte is no letter, digit, hyphen or underscore.
    Forbidden,
    /// The suffix or one of its labels is too long.
    TooLong,
    /// The suffix has this value already.
    Taken(u16),
}

impl Suffixes<'_> {
    /// Returns the value of the longest suffix of `name`, and `None` if it has none.
    ///
    /// Upper and lower case are the same, and one final dot counts for nothing. A label of the name
    /// prefers the same label over a pattern and a pattern over `*`. The walk ends at the first
    /// label that no suffix has, so its cost does not grow with the name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u16> {
        let mut rest = name.strip_suffix(b".").unwrap_or(name);
        let mut node = ROOT;
        let mut flags = self.root;
        let mut found = None;
        while flags & (HAS_CHILDREN | HAS_PATTERNS) != 0 {
            // The last label, in lower case and from its end.
            let mut label = [0_u8; MAX_LABEL];
            let mut len = 0;
            let mut hash = start(node);
            for &byte in rest.iter().rev() {
                if byte == b'.' {
                    break;
                }
                let Some(place) = label.get_mut(len) else { return found };
                let byte = byte.to_ascii_lowercase();
                *place = byte;
                hash = step(hash, byte);
                len += 1;
            }
            let Some(label) = label.get(..len).filter(|label| !label.is_empty()) else { break };
            let mut edge = self.edge(node, label, hash);
            let mut value = edge.map_or(0, |edge| edge.value);
            if edge.is_none() {
                if flags & HAS_WILDCARD != 0 {
                    edge = self.edge(node, b"*", step(start(node), b'*'));
                    value = edge.map_or(0, |edge| edge.value);
                }
                if flags & HAS_PATTERNS != 0 {
                    value = self.pattern(node, label).unwrap_or(value);
                }
            }
            if value != 0 {
                found = Some(value);
            }
            let Some(edge) = edge else { break };
            let head = rest.len().checked_sub(len + 1).and_then(|end| rest.get(..end));
            let Some(head) = head else { break };
            rest = head;
            node = edge.to;
            flags = edge.flags;
        }
        found
    }

    /// Returns the edge that leaves `node` by `label`, which is in lower case and reversed.
    fn edge(&self, node: u32, label: &[u8], hash: u32) -> Option<&Edge> {
        let mask = self.edges.len().checked_sub(1)?;
        let mut slot = finish(hash);
        loop {
            let edge = self.edges.get(slot & mask)?;
            if edge.to == ROOT {
                return None;
            }
            if edge.from == node && usize::from(edge.len) == label.len() {
                let at = usize::try_from(edge.label).ok()?;
                let stored = self.labels.get(at..)?.get(..label.len())?;
                if stored == label {
                    return Some(edge);
                }
            }
            slot = slot.wrapping_add(1);
        }
    }
}

impl Suffixes<'_> {
    /// Returns the value of the first pattern of `node` that fits `label`, which is in lower case
    /// and reversed.
    fn pattern(&self, node: u32, label: &[u8]) -> Option<u16> {
        let first = self.patterns.partition_point(|pattern| pattern.from < node);
        let of_node = self.patterns.get(first..)?.iter().take_while(|pattern| pattern.from == node);
        for pattern in of_node {
            let at = usize::try_from(pattern.label).ok()?;
            let (after, rest) = self.labels.get(at..)?.split_at_checked(pattern.after.into())?;
            let before = rest.get(..usize::from(pattern.before))?;
            if fits(label, after, before) {
                return Some(pattern.value);
            }
        }
        None
    }
}

/// Returns whether `label` begins with `before`, ends with `after` and has something in between.
fn fits(label: &[u8], before: &[u8], after: &[u8]) -> bool {
    label.len() > before.len() + after.len() && label.starts_with(before) && label.ends_with(after)
}

impl SuffixesBuilder {
    /// Builder of no suffixes.
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Adds `suffix`, in which a label `*` accepts any one label. The first label may have a star
    /// and more: `photos-*` accepts labels that begin so and continue.
    ///
    /// # Errors
    ///
    /// Fails if the suffix is malformed or known already.
    pub(crate) fn add(&mut self, suffix: &str, value: u16) -> Result<(), SuffixError> {
        if suffix.len() > MAX_NAME {
            return Err(SuffixError::TooLong);
        }
        let usual = |label: &str| {
            label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let suffix = suffix.to_ascii_lowercase();
        let mut at = 0;
        let mut rest = Some(suffix.as_str());
        while let Some(left) = rest {
            let (head, label) = match left.rsplit_once('.') {
                Some((head, label)) => (Some(head), label),
                None => (None, left),
            };
            rest = head;
            if label.is_empty() {
                return Err(SuffixError::EmptyLabel);
            }
            if label.len() > MAX_LABEL {
                return Err(SuffixError::TooLong);
            }
            let fresh = self.nodes.len();
            let node = self.nodes.get_mut(at).expect("nodes are never removed");
            match label.split_once('*') {
                Some((before, after)) if label != "*" => {
                    if head.is_some() || !usual(before) || !usual(after) {
                        return Err(SuffixError::Forbidden);
                    }
                    return node.add_pattern(before, after, value);
                }
                None if !usual(label) => return Err(SuffixError::Forbidden),
                _ => {}
            }
            at = *node.children.entry(label.as_bytes().to_vec()).or_insert(fresh);
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
        let node = self.nodes.get_mut(at).expect("nodes are never removed");
        if node.value != 0 {
            return Err(SuffixError::Taken(node.value));
        }
        node.value = value;
        Ok(())
    }

    /// Builds the table.
    ///
    /// A name may go along several branches, one by its own label and one by `*`. A node of the
    /// table therefore stands for a list of nodes here, those with more labels of their own first,
    /// read from the right. Lists grow with wildcards that have labels before them only.
    pub(crate) fn build(&self) -> Suffixes<'static> {
        let mut edges = Vec::new();
        let mut patterns = Vec::new();
        let mut labels = Labels::default();
        let mut nodes = 1_u32;
        let mut open = VecDeque::from([(ROOT, vec![0_usize])]);
        while let Some((from, branches)) = open.pop_front() {
            for label in self.labels_after(&branches) {
                let next = self.after(&branches, &label);
                edges.push(Edge {
                    from,
                    to: nodes,
                    label: labels.place(&label),
                    value: self.value(&branches, &label),
                    len: u8::try_from(label.len()).expect("a label has at most 63 bytes"),
                    flags: self.flags(&next),
                });
                open.push_back((nodes, next));
                nodes += 1;
            }
            for &node in &branches {
                let Some(node) = self.nodes.get(node) else { continue };
                for (before, after, value) in &node.patterns {
                    patterns.push(Pattern {
                        from,
                        label: labels.place(&[before.as_slice(), after].concat()),
                        value: *value,
                        before: u8::try_from(before.len()).expect("a label has at most 63 bytes"),
                        after: u8::try_from(after.len()).expect("a label has at most 63 bytes"),
                    });
                }
                if self.child(node, b"*").is_some_and(|child| child.value != 0) {
                    break;
                }
            }
        }
        Suffixes {
            edges: hash_edges(&edges, &labels.bytes).into(),
            labels: labels.bytes.into(),
            patterns: patterns.into(),
            root: self.flags(&[0]),
        }
    }

    /// Returns the value of the suffix that ends with `label` after `branches`.
    fn value(&self, branches: &[usize], label: &[u8]) -> u16 {
        for node in branches.iter().filter_map(|&node| self.nodes.get(node)) {
            let own = self.child(node, label).map(|child| child.value);
            let pattern =
                node.patterns.iter().find(|(before, after, _)| fits(label, before, after));
            let any = self.child(node, b"*").map(|child| child.value);
            let value = own
                .filter(|&value| value != 0)
                .or_else(|| pattern.map(|&(_, _, value)| value))
                .or(any)
                .filter(|&value| value != 0);
            if let Some(value) = value {
                return value;
            }
        }
        0
    }

    /// Returns the node to which exactly `label` leads from `node`.
    fn child(&self, node: &Node, label: &[u8]) -> Option<&Node> {
        node.children.get(label).and_then(|&child| self.nodes.get(child))
    }

    /// Returns the labels that leave one of `branches`.
    fn labels_after(&self, branches: &[usize]) -> Vec<Vec<u8>> {
        let mut labels: Vec<_> =
            branches.iter().flat_map(|&node| self.nodes[node].children.keys()).cloned().collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// Returns the nodes to which `label` leads from `branches`, the preferred one first.
    fn after(&self, branches: &[usize], label: &[u8]) -> Vec<usize> {
        let mut next = Vec::new();
        for &node in branches {
            let children = &self.nodes[node].children;
            next.extend(children.get(label));
            if label != b"*" {
                next.extend(children.get(b"*".as_slice()));
            }
        }
        next
    }

    /// Returns what leaves `branches`.
    fn flags(&self, branches: &[usize]) -> u8 {
        let mut flags = 0;
        for &node in branches {
            let Node { children, patterns, .. } = &self.nodes[node];
            if !patterns.is_empty() {
                flags |= HAS_PATTERNS;
            }
            if !children.is_empty() {
                flags |= HAS_CHILDREN;
            }
            if children.contains_key(b"*".as_slice()) {
                flags |= HAS_WILDCARD;
            }
        }
        flags
    }
}

impl Node {
    /// Adds a pattern; of two that fit a label the longer one counts.
    fn add_pattern(&mut self, before: &str, after: &str, value: u16) -> Result<(), SuffixError> {
        let pattern = (before.as_bytes().to_vec(), after.as_bytes().to_vec(), value);
        let known =
            self.patterns.iter().find(|known| (&known.0, &known.1) == (&pattern.0, &pattern.1));
        if let Some((_, _, other)) = known {
            return Err(SuffixError::Taken(*other));
        }
        self.patterns.push(pattern);
        self.patterns.sort_by(|one, other| {
            let len = |pattern: &(Vec<u8>, Vec<u8>, u16)| pattern.0.len() + pattern.1.len();
            len(other).cmp(&len(one)).then_with(|| one.cmp(other))
        });
        Ok(())
    }
}

/// Labels, each stored once.
#[derive(Default)]
struct Labels {
    bytes: Vec<u8>,
    places: BTreeMap<Vec<u8>, u32>,
}

impl Labels {
    /// Returns the place of `label`.
    fn place(&mut self, label: &[u8]) -> u32 {
        *self.places.entry(label.to_vec()).or_insert_with(|| {
            let place = u32::try_from(self.bytes.len()).expect("bounded by what was added");
            self.bytes.extend(label.iter().rev());
            place
        })
    }
}

/// Returns `edges` at the slots where [`Suffixes::edge`] finds them.
fn hash_edges(edges: &[Edge], labels: &[u8]) -> Vec<Edge> {
    if edges.is_empty() {
        return Vec::new();
    }
    let mut slots = vec![Edge::default(); (edges.len() * 2).next_power_of_two()];
    let mask = slots.len() - 1;
    for edge in edges {
        let at = usize::try_from(edge.label).expect("a place in memory");
        let label = &labels[at..at + usize::from(edge.len)];
        let hash = label.iter().fold(start(edge.from), |hash, &byte| step(hash, byte));
        let mut slot = finish(hash);
        while slots[slot & mask].to != ROOT {
            slot = slot.wrapping_add(1);
        }
        slots[slot & mask] = *edge;
    }
    slots
}

/// Returns the hash of no bytes after `node`.
const fn start(node: u32) -> u32 {
    node.wrapping_mul(0x9e37_79b1) ^ 0x811c_9dc5
}

/// Returns `hash` with one more byte (FNV-1a).
const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// Returns the slot of a hash, before it is reduced to the table.
const fn finish(hash: u32) -> usize {
    (hash ^ (hash >> 15)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn suffixes(list: &[(&str, u16)]) -> Suffixes<'static> {
        let mut builder = SuffixesBuilder::new();
        for &(suffix, value) in list {
            builder.add(suffix, value).unwrap();
        }
        builder.build()
    }

    /// The value that the definition gives: the longest suffix counts; of two that are as long,
    /// the one with the closer label at the first difference, read from the right.
    fn naive(list: &[(String, u16)], name: &str) -> Option<u16> {
        let name = name.to_ascii_lowercase();
        let name: Vec<&str> = name.strip_suffix('.').unwrap_or(&name).rsplit('.').collect();
        let fit = |own: &str, label: &str| match own.split_once('*') {
            _ if label.is_empty() => None,
            None => (own == label).then_some((2, 0, None)),
            Some(("", "")) => Some((0, 0, None)),
            Some((before, after)) => {
                let len = before.len() + after.len();
                let fits = label.len() > len && label.starts_with(before) && label.ends_with(after);
                fits.then(|| {
                    (1, len, Some(std::cmp::Reverse((before.to_owned(), after.to_owned()))))
                })
            }
        };
        let closeness = |suffix: &str| {
            let labels: Vec<&str> = suffix.rsplit('.').collect();
            if labels.len() > name.len() {
                return None;
            }
            labels.iter().zip(&name).map(|(own, label)| fit(own, label)).collect::<Option<Vec<_>>>()
        };
        list.iter()
            .filter_map(|(suffix, value)| {
                let close = closeness(suffix)?;
                Some(((close.len(), close), *value))
            })
            .max()
            .map(|(_, value)| value)
    }

    #[test]
    fn find_takes_the_longest_suffix() {
        let table = suffixes(&[("example.com", 1), ("cdn.example.com", 2), ("com", 3)]);
        assert_eq!(table.find(b"example.com"), Some(1));
        assert_eq!(table.find(b"www.example.com"), Some(1));
        assert_eq!(table.find(b"a.b.CDN.Example.COM."), Some(2));
        assert_eq!(table.find(b"notexample.com"), Some(3));
        assert_eq!(table.find(b"example.org"), None);
    }

    #[test]
    fn find_prefers_a_label_over_a_wildcard_and_a_longer_wildcard_over_a_label() {
        let table = suffixes(&[("s3.*.example.com", 1), ("eu.example.com", 2), ("*.a.b", 3)]);
        assert_eq!(table.find(b"s3.eu.example.com"), Some(1));
        assert_eq!(table.find(b"x.s3.us.example.com"), Some(1));
        assert_eq!(table.find(b"eu.example.com"), Some(2));
        assert_eq!(table.find(b"ec2.eu.example.com"), Some(2));
        assert_eq!(table.find(b"ec2.us.example.com"), None);
        assert_eq!(table.find(b"a.b"), None);
        assert_eq!(table.find(b"x.y.a.b"), Some(3));
    }

    #[test]
    fn find_knows_labels_by_their_beginning_and_end() {
        let table = suffixes(&[("cdn.net", 1), ("photos-*.cdn.net", 2), ("*-buy.cdn.net", 3)]);
        assert_eq!(table.find(b"Photos-a.cdn.net"), Some(2));
        assert_eq!(table.find(b"x.photos-a.cdn.net"), Some(2));
        assert_eq!(table.find(b"p1-BUY.cdn.net"), Some(3));
        assert_eq!(table.find(b"photos-.cdn.net"), Some(1));
        assert_eq!(table.find(b"-buy.cdn.net"), Some(1));
        assert_eq!(table.find(b"photos.cdn.net"), Some(1));
    }

    #[test]
    fn find_stops_at_labels_that_are_empty_or_too_long() {
        let table = suffixes(&[("example.com", 1), ("*.example.com", 2)]);
        let long = [vec![b'a'; 64], b".example.com".to_vec()].concat();
        assert_eq!(table.find(&long), Some(1));
        assert_eq!(table.find(b"..example.com"), Some(1));
        assert_eq!(table.find(b".example.com"), Some(1));
        assert_eq!(table.find(b"example..com"), None);
        assert_eq!(table.find(b"example.com.."), None);
        assert_eq!(table.find(b""), None);
        assert_eq!(table.find(b"."), None);
        assert_eq!(table.find(&vec![b'a'; 65_536]), None);
        assert_eq!(table.find(&vec![b'.'; 65_536]), None);
    }

    #[test]
    fn find_knows_nothing_in_an_empty_table() {
        assert_eq!(Suffixes::default().find(b"example.com"), None);
        assert_eq!(suffixes(&[]).find(b"example.com"), None);
    }

    #[test]
    fn add_refuses_malformed_and_repeated_suffixes() {
        let mut builder = SuffixesBuilder::new();
        builder.add("example.com", 7).unwrap();
        assert_eq!(builder.add("EXAMPLE.com", 8), Err(SuffixError::Taken(7)));
        assert_eq!(builder.add("", 8), Err(SuffixError::EmptyLabel));
        assert_eq!(builder.add(".com", 8), Err(SuffixError::EmptyLabel));
        assert_eq!(builder.add("example.com.", 8), Err(SuffixError::EmptyLabel));
        assert_eq!(builder.add("exa mple.com", 8), Err(SuffixError::Forbidden));
        builder.add("a*.com", 9).unwrap();
        assert_eq!(builder.add("A*.com", 8), Err(SuffixError::Taken(9)));
        assert_eq!(builder.add("a*b*.com", 8), Err(SuffixError::Forbidden));
        assert_eq!(builder.add("x.a*.com", 8), Err(SuffixError::Forbidden));
        assert_eq!(builder.add("müller.de", 8), Err(SuffixError::Forbidden));
        assert_eq!(builder.add(&"a".repeat(64), 8), Err(SuffixError::TooLong));
        assert_eq!(builder.add(&"a.".repeat(127), 8), Err(SuffixError::TooLong));
    }

    proptest! {
        #[test]
        fn find_agrees_with_the_definition(
            list in proptest::collection::btree_map(
                "([ab]{0,2}\\*[ab]{0,2}|[ab]{1,3})(\\.[ab*]){0,3}", 1_u16..999, 0..12,
            ),
            names in proptest::collection::vec("[abAB]{0,4}(\\.[abAB]){0,5}\\.?", 1..20),
        ) {
            let list: Vec<(String, u16)> = list.into_iter().collect();
            let mut builder = SuffixesBuilder::new();
            for (suffix, value) in &list {
                builder.add(suffix, *value).unwrap();
            }
            let table = builder.build();
            for name in &names {
                prop_assert_eq!(table.find(name.as_bytes()), naive(&list, name), "{}", name);
            }
        }

        #[test]
        fn find_takes_any_bytes(name in proptest::collection::vec(any::<u8>(), 0..300)) {
            let table = suffixes(&[("com", 1), ("*.com", 2), ("example.com", 3)]);
            let known = table.find(&name).is_some();
            let name = name.strip_suffix(b".").unwrap_or(&name).to_ascii_lowercase();
            prop_assert_eq!(known, name == b"com" || name.ends_with(b".com"));
        }
    }
}
