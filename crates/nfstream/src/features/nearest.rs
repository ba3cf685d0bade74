//! Suggestions for misspelt names.

/// Similarity below which a name is no suggestion.
const SIMILAR: f64 = 0.7;

/// Returns the name that is most like `typed`, if one is like it at all.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let rated = names.map(|name| (strsim::jaro_winkler(name, typed), name));
    let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(similarity, _)| *similarity >= SIMILAR).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_name_unlike_all_has_no_suggestion() {
        let names = || ["src_port", "dst_port"].into_iter();
        assert_eq!(nearest("src_prt", names()), Some("src_port"));
        assert_eq!(nearest("zzz", names()), None);
    }
}
