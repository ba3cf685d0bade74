//! Registrable domains by the Public Suffix List.

/// Returns the registrable domain of `name`: the public suffix and one more label.
///
/// `None` stands for a public suffix itself, an address and a name that is no text.
///
/// ```
/// use nfstream_dissect::catalogue::registrable_domain;
///
/// assert_eq!(registrable_domain(b"www.example.co.uk"), Some("example.co.uk"));
/// assert_eq!(registrable_domain(b"co.uk"), None);
/// ```
pub fn registrable_domain(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    psl::domain_str(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::registrable_domain;

    #[test]
    fn registrable_domain_is_one_label_more_than_the_suffix() {
        assert_eq!(registrable_domain(b"a.b.example.com."), Some("example.com"));
        assert_eq!(registrable_domain(b"example.com"), Some("example.com"));
        assert_eq!(registrable_domain(b"user.github.io"), Some("user.github.io"));
        assert_eq!(registrable_domain(b"com"), None);
        assert_eq!(registrable_domain(b"192.0.2.1"), None);
        assert_eq!(registrable_domain(b"2001:db8::1"), None);
        assert_eq!(registrable_domain(b"\xff.com"), None);
        assert_eq!(registrable_domain(b""), None);
    }

    proptest! {
        #[test]
        fn registrable_domain_is_a_suffix_of_any_name(
            name in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            if let Some(domain) = registrable_domain(&name) {
                let name = name.strip_suffix(b".").unwrap_or(&name);
                prop_assert!(name.ends_with(domain.as_bytes()));
            }
        }
    }
}
