//! The lists of nodes and weights in the attributes of a node.

use super::attributes::Attributes;
use super::trees::{Branch, Listed, Test, Trees, Weight};
use tract_onnx::tract_hir::internal::*;

/// Reads the trees of a node, whose weights have attributes that begin with `prefix`.
pub(super) fn trees(
    attributes: Attributes<'_>,
    prefix: &str,
    targets: usize,
) -> TractResult<Trees> {
    attributes.refuse(&["nodes_values_as_tensor", "nodes_hitrates_as_tensor"])?;
    let trees = attributes.whole("nodes_treeids");
    let ids = attributes.whole("nodes_nodeids");
    let features = attributes.whole("nodes_featureids");
    let values = attributes.floats("nodes_values");
    let modes = attributes.texts("nodes_modes");
    let yes = attributes.whole("nodes_truenodeids");
    let no = attributes.whole("nodes_falsenodeids");
    let nan = attributes.whole("nodes_missing_value_tracks_true");
    let lengths = [ids.len(), features.len(), values.len(), modes.len(), yes.len(), no.len()];
    let nan_fits = nan.is_empty() || nan.len() == trees.len();
    if trees.is_empty() || lengths.iter().any(|len| *len != trees.len()) || !nan_fits {
        bail!("the lists of nodes have different lengths, or are empty");
    }
    let mut listed = Vec::with_capacity(trees.len());
    let places = trees.iter().zip(ids).zip(features).zip(values).zip(modes).zip(yes).zip(no);
    for (place, ((((((tree, id), feature), value), mode), yes), no)) in places.enumerate() {
        let branch = if mode.as_slice() == b"LEAF" {
            None
        } else {
            let Some(test) = Test::of_mode(mode) else {
                bail!("the test {} is not supported", String::from_utf8_lossy(mode));
            };
            let feature = usize::try_from(*feature)?;
            let nan_passes = nan.get(place).is_some_and(|flag| *flag != 0);
            Some(Branch { feature, threshold: *value, test, yes: *yes, no: *no, nan_passes })
        };
        listed.push(Listed { tree: *tree, id: *id, branch });
    }
    let of_weights = |name: &str| format!("{prefix}_{name}");
    let trees = attributes.whole(&of_weights("treeids"));
    let nodes = attributes.whole(&of_weights("nodeids"));
    let ids = attributes.whole(&of_weights("ids"));
    let values = attributes.floats(&of_weights("weights"));
    if [nodes.len(), ids.len(), values.len()].iter().any(|len| *len != trees.len()) {
        bail!("the lists of weights have different lengths");
    }
    let mut weights = Vec::with_capacity(trees.len());
    for (((tree, node), target), weight) in trees.iter().zip(nodes).zip(ids).zip(values) {
        let target = usize::try_from(*target)?;
        if target >= targets {
            bail!("a weight belongs to {prefix} {target} of {targets}");
        }
        weights.push(Weight { tree: *tree, node: *node, target, weight: *weight });
    }
    Trees::new(&listed, &weights).map_err(|message| format_err!("{message}"))
}
