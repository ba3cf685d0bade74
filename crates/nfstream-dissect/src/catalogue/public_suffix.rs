//! Suffixes under which unrelated owners register names, by the Public Suffix List.

/// Top-level domains of the first generation; most later ones have a single owner or few names.
const GENERIC: [&str; 7] = ["biz", "com", "edu", "info", "name", "net", "org"];

/// Returns whether anyone's names end in `suffix`, so that it stands for no application: a generic
/// top-level domain, that of a country, or a suffix below them such as `co.uk`.
///
/// Suffixes of one owner do: those of hosting companies such as `github.io`, of governments such as
/// `gov.uk`, of home networks (`home.arpa`, RFC 8375), and top-level domains of companies such as
/// `google`.
pub(super) fn is_shared(suffix: &str) -> bool {
    let is_registry = psl::suffix(suffix.as_bytes())
        .is_some_and(|found| found == suffix && found.typ() == Some(psl::Type::Icann));
    let is_government = matches!(suffix.split('.').next(), Some("gov" | "mil"));
    let is_general = suffix.contains('.') || suffix.len() == 2 || GENERIC.contains(&suffix);
    is_registry && is_general && !is_government && !suffix.ends_with(".arpa")
}

#[cfg(test)]
mod tests {
    use super::is_shared;

    #[test]
    fn registries_are_shared_and_companies_are_not() {
        for shared in ["com", "de", "co.uk", "com.au", "tokyo.jp"] {
            assert!(is_shared(shared), "{shared}");
        }
        for own in [
            "google",
            "github.io",
            "gov.uk",
            "example.com",
            "example.co.uk",
            "corp",
            "home.arpa",
            "",
        ] {
            assert!(!is_shared(own), "{own}");
        }
    }
}
