//! Decision trees, evaluated tree by tree for a block of rows.

use std::collections::HashMap;

use tract_onnx::tract_hir::internal::*;

/// Comparison of a value with a threshold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Test {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    Unequal,
}

/// Node as a file lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) tree: i64,
    pub(super) id: i64,
    /// Feature, threshold, test and children; `None` for a leaf.
    pub(super) branch: Option<Branch>,
}

/// Branch as a file lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub(super) feature: usize,
    pub(super) threshold: f32,
    pub(super) test: Test,
    pub(super) yes: i64,
    pub(super) no: i64,
    /// Whether a value that is not a number passes the test.
    pub(super) nan_passes: bool,
}

/// Weight of a leaf for a class or target, as a file lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) tree: i64,
    pub(super) node: i64,
    pub(super) target: usize,
    pub(super) weight: f32,
}

/// Trees with their nodes in the order of a walk.
#[derive(Debug)]
pub(super) struct Trees {
    /// Root of each tree.
    roots: Vec<usize>,
    nodes: Vec<Node>,
    weights: Vec<(usize, f32)>,
    /// Features that a row needs.
    pub(super) features: usize,
}

/// Node of a tree.
#[derive(Clone, Copy, Debug)]
enum Node {
    Branch {
        feature: u32,
        threshold: f32,
        test: Test,
        nan_passes: bool,
        yes: u32,
        no: u32,
    },
    /// Places of its weights.
    Leaf {
        first: u32,
        end: u32,
    },
}

impl Test {
    /// Returns the test that a file calls `mode`, `None` if there is no such test.
    pub(super) fn of_mode(mode: &[u8]) -> Option<Self> {
        Some(match mode {
            b"BRANCH_LEQ" => Self::AtMost,
            b"BRANCH_LT" => Self::Below,
            b"BRANCH_GTE" => Self::AtLeast,
            b"BRANCH_GT" => Self::Above,
            b"BRANCH_EQ" => Self::Equal,
            b"BRANCH_NEQ" => Self::Unequal,
            _ => return None,
        })
    }

    #[inline]
    #[allow(clippy::float_cmp, reason = "the test of the model")]
    fn passes(self, value: f32, threshold: f32) -> bool {
        match self {
            Self::AtMost => value <= threshold,
            Self::Below => value < threshold,
            Self::AtLeast => value >= threshold,
            Self::Above => value > threshold,
            Self::Equal => value == threshold,
            Self::Unequal => value != threshold,
        }
    }
}

impl Trees {
    /// Arranges listed nodes. The root of a tree is its first node in the list.
    pub(super) fn new(listed: &[Listed], weights: &[Weight]) -> Result<Self, String> {
        let mut places = HashMap::new();
        let mut roots = Vec::new();
        let mut last = None;
        for (place, node) in listed.iter().enumerate() {
            if places.insert((node.tree, node.id), place).is_some() {
                return Err(format!("tree {} has node {} twice", node.tree, node.id));
            }
            if last != Some(node.tree) {
                last = Some(node.tree);
                roots.push(place);
            }
        }
        let mut of_leaves: HashMap<_, Vec<(usize, f32)>> = HashMap::new();
        for one in weights {
            of_leaves.entry((one.tree, one.node)).or_default().push((one.target, one.weight));
        }
        let mut trees =
            Self { roots: Vec::new(), nodes: Vec::new(), weights: Vec::new(), features: 0 };
        let mut seen = vec![false; listed.len()];
        for root in roots {
            let at = trees.nodes.len();
            trees.roots.push(at);
            trees.add_tree(root, listed, &places, &of_leaves, &mut seen)?;
        }
        Ok(trees)
    }

    /// Appends the nodes below `root`, each before its children.
    fn add_tree(
        &mut self,
        root: usize,
        listed: &[Listed],
        places: &HashMap<(i64, i64), usize>,
        of_leaves: &HashMap<(i64, i64), Vec<(usize, f32)>>,
        seen: &mut [bool],
    ) -> Result<(), String> {
        // Nodes to add, with the parent that refers to them and whether a test leads there.
        let mut left = vec![(root, None::<(usize, bool)>)];
        while let Some((place, parent)) = left.pop() {
            let (Some(node), Some(seen)) = (listed.get(place), seen.get_mut(place)) else {
                return Err("a node is missing".to_owned());
            };
            if std::mem::replace(seen, true) {
                return Err(format!("node {} of tree {} has two parents", node.id, node.tree));
            }
            let at = self.nodes.len();
            let number = u32::try_from(at).map_err(|_| "there are too many nodes".to_owned())?;
            if let Some((parent, is_yes)) = parent
                && let Some(Node::Branch { yes, no, .. }) = self.nodes.get_mut(parent)
            {
                *(if is_yes { yes } else { no }) = number;
            }
            let Some(branch) = node.branch else {
                let first = self.weights.len();
                let own = of_leaves.get(&(node.tree, node.id));
                self.weights.extend(own.into_iter().flatten());
                let place = |place| u32::try_from(place).map_err(|_| "too many weights".to_owned());
                let (first, end) = (place(first)?, place(self.weights.len())?);
                self.nodes.push(Node::Leaf { first, end });
                continue;
            };
            let Branch { feature, threshold, test, yes, no, nan_passes } = branch;
            self.features = self.features.max(feature + 1);
            let feature = u32::try_from(feature).map_err(|_| "too many features".to_owned())?;
            self.nodes.push(Node::Branch { feature, threshold, test, nan_passes, yes: 0, no: 0 });
            for (child, is_yes) in [(no, false), (yes, true)] {
                let missing = || format!("tree {} has no node {child}", node.tree);
                let child = places.get(&(node.tree, child)).copied().ok_or_else(missing)?;
                left.push((child, Some((at, is_yes))));
            }
        }
        Ok(())
    }

    /// Calls `add` with row, target and weight for each weight that the rows reach, tree by tree.
    pub(super) fn walk(&self, rows: &[f32], width: usize, mut add: impl FnMut(usize, usize, f32)) {
        for root in &self.roots {
            for (number, row) in rows.chunks_exact(width.max(1)).enumerate() {
                for (target, weight) in self.leaf(*root, row) {
                    add(number, *target, *weight);
                }
            }
        }
    }

    /// Returns the number of trees.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// Checks that rows have all features that the trees test.
    pub(super) fn check_width(&self, width: usize) -> TractResult<()> {
        if width < self.features {
            bail!("the trees test {} values, but flows have {width}", self.features);
        }
        Ok(())
    }

    /// Returns the weights.
    pub(super) fn weights(&self) -> &[(usize, f32)] {
        &self.weights
    }

    #[inline]
    fn leaf(&self, root: usize, row: &[f32]) -> &[(usize, f32)] {
        let mut at = root;
        // Every child comes after its parent, so the walk ends.
        loop {
            match self.nodes.get(at) {
                Some(&Node::Branch { feature, threshold, test, nan_passes, yes, no }) => {
                    let value = row.get(index(feature)).copied().unwrap_or(f32::NAN);
                    let passes = test.passes(value, threshold) || nan_passes && value.is_nan();
                    at = index(if passes { yes } else { no });
                }
                Some(&Node::Leaf { first, end }) => {
                    return self.weights.get(index(first)..index(end)).unwrap_or_default();
                }
                None => return &[],
            }
        }
    }
}

#[inline]
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(id: i64, yes: i64, no: i64) -> Listed {
        let (test, threshold) = (Test::AtMost, 1.0);
        let branch = Branch { feature: 0, threshold, test, yes, no, nan_passes: true };
        Listed { tree: 0, id, branch: Some(branch) }
    }

    fn leaf(id: i64) -> Listed {
        Listed { tree: 0, id, branch: None }
    }

    fn weight(node: i64, weight: f32) -> Weight {
        Weight { tree: 0, node, target: 0, weight }
    }

    #[test]
    fn rows_reach_their_leaves() {
        let listed = [branch(0, 2, 1), leaf(1), leaf(2)];
        let trees = Trees::new(&listed, &[weight(1, 5.0), weight(2, 7.0)]).unwrap();
        let mut found = Vec::new();
        trees.walk(&[1.0, 2.0, f32::NAN], 1, |row, _, weight| found.push((row, weight)));
        assert_eq!(found, [(0, 7.0), (1, 5.0), (2, 7.0)]);
    }

    #[test]
    fn circles_and_missing_nodes_are_refused() {
        let error = |listed: &[Listed]| Trees::new(listed, &[]).unwrap_err();
        assert_eq!(error(&[branch(0, 0, 1), leaf(1)]), "node 0 of tree 0 has two parents");
        assert_eq!(error(&[branch(0, 1, 1), leaf(1)]), "node 1 of tree 0 has two parents");
        assert_eq!(error(&[branch(0, 1, 9), leaf(1)]), "tree 0 has no node 9");
        assert_eq!(error(&[leaf(0), leaf(0)]), "tree 0 has node 0 twice");
    }
}
