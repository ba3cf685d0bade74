//! Ranges of numbers, and the form of names.

/// First number of our own protocols.
pub(crate) const FIRST_OWN_PROTOCOL: u16 = 10_000;
/// First number of our own applications.
pub(crate) const FIRST_OWN_APPLICATION: u16 = 11_000;
/// First number of names that rules define.
pub(crate) const FIRST_RULE: u16 = 20_000;

/// Most bytes of a name.
const MAX_NAME: usize = 32;

/// Checks that labels can hold `name`: a dot separates their parts, a comma the columns of CSV.
///
/// # Errors
///
/// Fails with what is wrong.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(usual) {
        return Err(format!(
            "name {name:?}: expected 1 to {MAX_NAME} letters, digits, hyphens, underscores or pluses"
        ));
    }
    Ok(())
}

/// Returns the form of a name in which names are compared.
pub(crate) fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}
