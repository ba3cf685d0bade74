//! Rules of a user: what a flow shows, and the application that it stands for.
//!
//! Rules come before everything that is built in. Where several kinds of rules fit a flow, the
//! caller tries them in this order: domain, certificate, JA4, address, port. Within a kind the
//! narrowest rule counts: the longest domain, the smallest network, the shortest range of ports.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

use super::entries::{Document, Entry, Form, Key, MistakeKind, value, values};
use super::numbering::{FIRST_OWN_PROTOCOL, FIRST_RULE, check_name, fold};
use super::ranges::{Cidr, CidrError, Range, Ranges};
use super::suffixes::{SuffixError, Suffixes, SuffixesBuilder};
use super::{by_name, public_suffix, tables};
use crate::label::{Category, ProtocolId};

/// Most bytes of a text of rules.
const MAX_BYTES: usize = 16 << 20;
/// Most values in all rules: domains, networks, ports, fingerprints.
const MAX_VALUES: usize = 250_000;
/// Most names that rules define.
const MAX_NAMES: usize = 10_000;
/// IP protocol number of TCP (RFC 9293).
const TCP: u8 = 6;
/// IP protocol number of UDP (RFC 768).
const UDP: u8 = 17;

/// Keys of a rule.
const KEYS: &[Key] = &[
    Key { name: "addresses", form: Form::Texts, needed: false },
    Key { name: "application", form: Form::Text, needed: true },
    Key { name: "category", form: Form::Text, needed: false },
    Key { name: "certificates", form: Form::Texts, needed: false },
    Key { name: "domains", form: Form::Texts, needed: false },
    Key { name: "ja4", form: Form::Texts, needed: false },
    Key { name: "ports", form: Form::Texts, needed: false },
];

/// Rules that lead from what a flow shows to an application.
///
/// ```
/// use nfstream_dissect::catalogue::Rules;
///
/// let rules = Rules::parse(
///     r#"
///     [[rule]]
///     application = "Intranet"
///     category = "Business"
///     domains = ["intranet.example.com", "*.corp.example.com"]
///     addresses = ["10.20.0.0/16", "2001:db8::/32"]
///     ports = ["tcp/8443", "udp/5000-5010"]
///     ja4 = ["t13d1516h2_8daaf6152771_e5627efa2ab1"]
///     certificates = ["vpn.example.com"]
///     "#,
/// )?;
/// let found = rules.by_domain(b"www.intranet.example.com").unwrap();
/// assert_eq!(rules.name(found), Some("Intranet"));
/// # Ok::<(), nfstream_dissect::catalogue::RulesError>(())
/// ```
///
/// A name that is not built in gets a number from 20,000 on, in the order of the rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    certificates: Suffixes<'static>,
    domains: Suffixes<'static>,
    ipv4: Ranges<'static, u32>,
    ipv6: Ranges<'static, u128>,
    /// Fingerprints in rising order.
    ja4: Vec<(Box<str>, u16)>,
    tcp_ports: Ranges<'static, u16>,
    udp_ports: Ranges<'static, u16>,
    /// Names that are not built in, by their numbers less the first.
    names: Vec<String>,
    /// Categories that rules give.
    categories: BTreeMap<u16, Category>,
    rules: usize,
}

/// A mistake in rules.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}{}: {problem}", Quoted(key.as_deref()))]
pub struct RulesError {
    /// Line of the mistake, from 1.
    pub line: usize,
    /// Key of the value, if it is one.
    pub key: Option<String>,
    /// Kind of mistake, with the values.
    pub problem: RulesProblem,
}

/// Kind of mistake in rules.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RulesProblem {
    /// A category is unknown.
    #[error("unknown category {name:?}{}", Instead(closest))]
    Category {
        /// The category.
        name: String,
        /// A known one that is spelled alike.
        closest: Option<String>,
    },
    /// An application has two categories.
    #[error("{application} has the category {other:?} in line {line}")]
    CategoryDiffers {
        /// The application.
        application: String,
        /// Its other category.
        other: String,
        /// Line of the other category.
        line: usize,
    },
    /// A domain is malformed.
    #[error("{domain:?} is no domain: {reason}")]
    Domain {
        /// The domain.
        domain: String,
        /// Reason, with the accepted form.
        reason: &'static str,
    },
    /// Two rules have the same value.
    #[error("{value} is in line {line} already")]
    Duplicate {
        /// The value.
        value: String,
        /// Line of the first of them.
        line: usize,
    },
    /// A value has another form.
    #[error("expected {expected}")]
    Form {
        /// The form of the key.
        expected: &'static str,
    },
    /// A fingerprint is malformed.
    #[error("{0:?} is no JA4 fingerprint such as t13d1516h2_8daaf6152771_e5627efa2ab1")]
    Ja4(String),
    /// The text or a number of values is beyond a bound.
    #[error("more than {limit} {what}")]
    Limit {
        /// Things that are counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A rule lacks a key.
    #[error("{0:?} is missing")]
    Missing(&'static str),
    /// A name cannot be part of a label.
    #[error("{0}")]
    Name(String),
    /// A network is malformed.
    #[error("{network:?} is no network: {reason}")]
    Network {
        /// The network.
        network: String,
        /// Reason, with the accepted form.
        reason: String,
    },
    /// A rule has nothing that a flow can fit.
    #[error("give domains, addresses, ports, ja4 or certificates")]
    NoCondition,
    /// A port or a range of ports is malformed.
    #[error("{0:?} is no port; write tcp/443 or udp/5000-5010")]
    Port(String),
    /// A domain stands for no application.
    #[error("{domain:?} is a public suffix, where anyone has names; give longer ones")]
    PublicSuffix {
        /// The domain.
        domain: String,
    },
    /// The text is not TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key has no meaning.
    #[error("unknown key{}", Instead(closest))]
    UnknownKey {
        /// A known key that is spelled alike.
        closest: Option<String>,
    },
}

impl Rules {
    /// Reads rules in TOML.
    ///
    /// # Errors
    ///
    /// Fails at the first mistake and names its line and key.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        if text.len() > MAX_BYTES {
            let problem = RulesProblem::Limit { what: "bytes", limit: MAX_BYTES };
            return Err(RulesError { line: 1, key: None, problem });
        }
        let document = Document::read(text, &[], "rule", KEYS).map_err(|mistake| {
            let key = mistake.key.unwrap_or_default();
            let known = || KEYS.iter().map(|key| key.name).chain(["rule"]);
            let problem = match mistake.kind {
                MistakeKind::Empty => RulesProblem::Form { expected: "at least one string" },
                MistakeKind::Form(expected) => RulesProblem::Form { expected },
                MistakeKind::Missing(key) => RulesProblem::Missing(key),
                MistakeKind::Syntax(message) => RulesProblem::Syntax(message),
                MistakeKind::Unknown => {
                    RulesProblem::UnknownKey { closest: closest(&key, known()) }
                }
            };
            RulesError { line: mistake.line, key: Some(key).filter(|key| !key.is_empty()), problem }
        })?;
        let mut reader = Reader::new();
        for entry in &document.entries {
            reader.add(entry)?;
        }
        Ok(reader.finish(document.entries.len()))
    }

    /// Returns the application of a domain name that a flow shows, such as its server name.
    pub fn by_domain(&self, name: &[u8]) -> Option<ProtocolId> {
        self.domains.find(name).map(ProtocolId)
    }

    /// Returns the application of a domain name in the server's certificate.
    pub fn by_certificate(&self, name: &[u8]) -> Option<ProtocolId> {
        self.certificates.find(name).map(ProtocolId)
    }

    /// Returns the application of a client's JA4 fingerprint.
    pub fn by_ja4(&self, ja4: &str) -> Option<ProtocolId> {
        let at = self.ja4.binary_search_by_key(&ja4, |(known, _)| known).ok()?;
        self.ja4.get(at).map(|&(_, number)| ProtocolId(number))
    }

    /// Returns whether a rule depends on JA4 fingerprints.
    pub const fn has_ja4(&self) -> bool {
        !self.ja4.is_empty()
    }

    /// Returns the application of an address.
    pub fn by_address(&self, address: IpAddr) -> Option<ProtocolId> {
        match address.to_canonical() {
            IpAddr::V4(address) => self.ipv4.find(address.to_bits()),
            IpAddr::V6(address) => self.ipv6.find(address.to_bits()),
        }
        .map(ProtocolId)
    }

    /// Returns the application of a port of TCP (6) or UDP (17).
    pub fn by_port(&self, protocol: u8, port: u16) -> Option<ProtocolId> {
        match protocol {
            TCP => self.tcp_ports.find(port),
            UDP => self.udp_ports.find(port),
            _ => None,
        }
        .map(ProtocolId)
    }

    /// Returns the name of an application that the rules define.
    pub fn name(&self, id: ProtocolId) -> Option<&str> {
        let at = id.0.checked_sub(FIRST_RULE)?;
        self.names.get(usize::from(at)).map(String::as_str)
    }

    /// Returns the category that the rules give to an application.
    pub fn category(&self, id: ProtocolId) -> Option<Category> {
        self.categories.get(&id.0).copied()
    }

    /// Returns the application called `name` that the rules define.
    pub fn by_name(&self, name: &str) -> Option<ProtocolId> {
        self.names().find(|&id| self.name(id).is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Returns the applications that the rules define.
    pub fn names(&self) -> impl ExactSizeIterator<Item = ProtocolId> + use<> {
        let count = u16::try_from(self.names.len()).expect("names are bounded");
        (0..count).map(|at| ProtocolId(FIRST_RULE + at))
    }

    /// Returns the number of rules.
    pub const fn len(&self) -> usize {
        self.rules
    }

    /// Returns whether there are no rules.
    pub const fn is_empty(&self) -> bool {
        self.rules == 0
    }
}

/// Rules read so far.
struct Reader<'e> {
    certificates: SuffixesBuilder,
    domains: SuffixesBuilder,
    ipv4: Vec<(Range, u16)>,
    ipv6: Vec<(Range, u16)>,
    ja4: Vec<(Box<str>, u16)>,
    tcp_ports: Vec<(Range, u16)>,
    udp_ports: Vec<(Range, u16)>,
    names: Vec<String>,
    /// Numbers of `names` in lower case.
    numbers: HashMap<String, u16>,
    /// Category of an application, with its line.
    categories: BTreeMap<u16, (Category, usize)>,
    /// Lines of the values, by their keys.
    seen: HashMap<(&'e str, String), usize>,
}

impl<'e> Reader<'e> {
    fn new() -> Self {
        Self {
            certificates: SuffixesBuilder::new(),
            domains: SuffixesBuilder::new(),
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            ja4: Vec::new(),
            tcp_ports: Vec::new(),
            udp_ports: Vec::new(),
            names: Vec::new(),
            numbers: HashMap::new(),
            categories: BTreeMap::new(),
            seen: HashMap::new(),
        }
    }

    fn add(&mut self, entry: &'e Entry) -> Result<(), RulesError> {
        let number = self.number(entry)?;
        let mut conditions = 0;
        for field in &entry.fields {
            if matches!(field.key, "application" | "category") {
                continue;
            }
            for (line, value) in &field.values {
                conditions += 1;
                let error =
                    |problem| RulesError { line: *line, key: Some(field.key.to_owned()), problem };
                if self.seen.len() == MAX_VALUES {
                    return Err(error(RulesProblem::Limit { what: "values", limit: MAX_VALUES }));
                }
                let plain = self.add_value(field.key, value, number).map_err(error)?;
                if let Some(first) = self.seen.insert((field.key, plain), *line) {
                    let value = value.clone();
                    return Err(error(RulesProblem::Duplicate { value, line: first }));
                }
            }
        }
        if conditions == 0 {
            return Err(RulesError {
                line: entry.line,
                key: None,
                problem: RulesProblem::NoCondition,
            });
        }
        Ok(())
    }

    /// Adds a condition and returns the form in which it is compared with others.
    fn add_value(&mut self, key: &str, value: &str, number: u16) -> Result<String, RulesProblem> {
        match key {
            "domains" => add_domain(&mut self.domains, value, number),
            "certificates" => add_domain(&mut self.certificates, value, number),
            "addresses" => {
                let cidr = read_network(value)?;
                let ranges = if cidr.is_ipv4() { &mut self.ipv4 } else { &mut self.ipv6 };
                ranges.push((cidr.range(), number));
                Ok(cidr.to_string())
            }
            "ja4" if is_ja4(value) => {
                self.ja4.push((value.into(), number));
                Ok(value.to_owned())
            }
            "ja4" => Err(RulesProblem::Ja4(value.to_owned())),
            _ => {
                let (protocol, first, last) =
                    read_ports(value).ok_or_else(|| RulesProblem::Port(value.to_owned()))?;
                let range = Range { first: first.into(), last: last.into() };
                match protocol {
                    TCP => self.tcp_ports.push((range, number)),
                    _ => self.udp_ports.push((range, number)),
                }
                Ok(format!("{protocol}/{first}-{last}"))
            }
        }
    }

    /// Returns the number of the application of a rule, a new one for a new name.
    fn number(&mut self, entry: &Entry) -> Result<u16, RulesError> {
        let (line, name) = value(&entry.fields, "application").expect("the key is needed");
        let error =
            |problem| RulesError { line: *line, key: Some("application".to_owned()), problem };
        let built_in = by_name(name).map(|id| id.0);
        let number = match built_in.or_else(|| self.numbers.get(&fold(name)).copied()) {
            Some(number) => number,
            None => {
                check_name(name).map_err(|problem| error(RulesProblem::Name(problem)))?;
                if self.names.len() == MAX_NAMES {
                    return Err(error(RulesProblem::Limit { what: "names", limit: MAX_NAMES }));
                }
                let at = u16::try_from(self.names.len()).expect("names are bounded");
                self.names.push(name.clone());
                self.numbers.insert(fold(name), FIRST_RULE + at);
                FIRST_RULE + at
            }
        };
        for (line, category) in values(&entry.fields, "category") {
            let category_of =
                |problem| RulesError { line: *line, key: Some("category".to_owned()), problem };
            let found = read_category(category).map_err(category_of)?;
            let (first, first_line) = *self.categories.entry(number).or_insert((found, *line));
            if first != found {
                return Err(category_of(RulesProblem::CategoryDiffers {
                    application: name.clone(),
                    other: super::category_name(first).unwrap_or_default().to_owned(),
                    line: first_line,
                }));
            }
        }
        Ok(number)
    }

    fn finish(mut self, rules: usize) -> Rules {
        self.ja4.sort_unstable();
        let unspecified = (0..self.names.len()).map(|at| {
            let at = u16::try_from(at).expect("names are bounded");
            (FIRST_RULE + at, Category::default())
        });
        let given = self.categories.into_iter().map(|(number, (category, _))| (number, category));
        Rules {
            certificates: self.certificates.build(),
            domains: self.domains.build(),
            ipv4: Ranges::new(self.ipv4),
            ipv6: Ranges::new(self.ipv6),
            ja4: self.ja4,
            tcp_ports: Ranges::new(nested(self.tcp_ports)),
            udp_ports: Ranges::new(nested(self.udp_ports)),
            names: self.names,
            categories: unspecified.chain(given).collect(),
            rules,
        }
    }
}

fn add_domain(
    domains: &mut SuffixesBuilder,
    domain: &str,
    number: u16,
) -> Result<String, RulesProblem> {
    let error = |reason| RulesProblem::Domain { domain: domain.to_owned(), reason };
    let plain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    if plain.contains('*') && plain.rfind('*') != Some(0) {
        return Err(error("only the first label can be *"));
    }
    if plain.len() > 1 && plain.starts_with('*') && !plain.starts_with("*.") {
        return Err(error("only the first label can be *"));
    }
    if public_suffix::is_shared(plain.strip_prefix("*.").unwrap_or(&plain)) {
        return Err(RulesProblem::PublicSuffix { domain: domain.to_owned() });
    }
    match domains.add(&plain, number) {
        // The caller knows the line of the first one.
        Ok(()) | Err(SuffixError::Taken(_)) => Ok(plain),
        Err(SuffixError::EmptyLabel) => Err(error("a label is empty")),
        Err(SuffixError::Forbidden) if plain.is_ascii() => {
            Err(error("labels have letters, digits, hyphens and underscores"))
        }
        Err(SuffixError::Forbidden) => Err(error("write other letters as xn--...")),
        Err(SuffixError::TooLong) => {
            Err(error("a label has at most 63 bytes, a domain at most 253"))
        }
    }
}

fn read_network(text: &str) -> Result<Cidr, RulesProblem> {
    text.parse().map_err(|problem| RulesProblem::Network {
        network: text.to_owned(),
        reason: match problem {
            CidrError::HostBits(network) => {
                format!("bits are set beyond the prefix; write {network}")
            }
            CidrError::Length => "the prefix is longer than the address".to_owned(),
            CidrError::Syntax => "write 192.0.2.0/24, 2001:db8::/32 or an address".to_owned(),
        },
    })
}

/// Reads `tcp/443` or `udp/5000-5010`.
fn read_ports(text: &str) -> Option<(u8, u16, u16)> {
    let (protocol, ports) = text.split_once('/')?;
    let protocol = match protocol {
        "tcp" => TCP,
        "udp" => UDP,
        _ => return None,
    };
    let read = |digits: &str| {
        digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (first, last) = match ports.split_once('-') {
        Some((first, last)) => (read(first)?, read(last)?),
        None => (read(ports)?, read(ports)?),
    };
    (first <= last).then_some((protocol, first, last))
}

fn read_category(name: &str) -> Result<Category, RulesProblem> {
    let found = tables::CATEGORIES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    found.map(|&(number, _)| Category(number)).ok_or_else(|| RulesProblem::Category {
        name: name.to_owned(),
        closest: closest(name, tables::CATEGORIES.iter().map(|&(_, known)| known)),
    })
}

/// Returns whether `text` has the form of a JA4 fingerprint.
fn is_ja4(text: &str) -> bool {
    let mut parts = text.split('_');
    let (Some(facts), Some(ciphers), Some(extensions), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_hash = |part: &str| {
        part.len() == 12 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    facts.len() == 10
        && facts.starts_with(['t', 'q', 'd'])
        && facts.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && is_hash(ciphers)
        && is_hash(extensions)
}

/// Returns ranges of ports of which none overlaps another without being inside it: of two that
/// do, the wider one is cut.
fn nested(mut ranges: Vec<(Range, u16)>) -> Vec<(Range, u16)> {
    if ranges.is_empty() {
        return ranges;
    }
    ranges.sort_by_key(|(range, _)| std::cmp::Reverse(range.last - range.first));
    let mut values = vec![0_u16; usize::from(u16::MAX) + 1];
    for (range, value) in ranges {
        let ends = usize::try_from(range.first).ok().zip(usize::try_from(range.last).ok());
        if let Some(ports) = ends.and_then(|(first, last)| values.get_mut(first..=last)) {
            ports.fill(value);
        }
    }
    let mut cut = Vec::new();
    let mut first = 0_u128;
    for run in values.chunk_by(|one, next| one == next) {
        let Some((&value, next)) = run.first().zip(u128::try_from(run.len()).ok()) else {
            continue;
        };
        if value != 0 {
            cut.push((Range { first, last: first + next - 1 }, value));
        }
        first += next;
    }
    cut
}

/// Returns the one of `known` that is spelled like `name`.
fn closest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<String> {
    let name = fold(name);
    known
        .map(|known| (strsim::jaro_winkler(&name, &fold(known)), known))
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known.to_owned())
}

/// A key in a message.
struct Quoted<'k>(Option<&'k str>);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |key| write!(f, ", {key:?}"))
    }
}

/// A suggestion in a message.
struct Instead<'n>(&'n Option<String>);

impl fmt::Display for Instead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |name| write!(f, "; did you mean {name:?}?"))
    }
}

const _: () = assert!(FIRST_OWN_PROTOCOL < FIRST_RULE, "numbers of rules come last");

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    const RULES: &str = r#"
[[rule]]
application = "Intranet"
category = "business"
domains = ["intranet.example.com", "*.corp.example.com"]
addresses = ["10.20.0.0/16", "2001:db8::/32"]
ports = ["tcp/8443", "udp/5000-5010", "tcp/1-65535"]
ja4 = ["t13d1516h2_8daaf6152771_e5627efa2ab1"]
certificates = ["vpn.example.com"]

[[rule]]
application = "youtube"
category = "Game"
domains = ["video.intranet.example.com"]
addresses = ["10.20.30.40"]
ports = ["udp/5005-6000"]

[[rule]]
application = "Plain"
ports = ["tcp/22"]
"#;

    fn error(text: &str) -> String {
        let Err(error) = Rules::parse(text) else { panic!("no mistake in {text}") };
        error.to_string()
    }

    #[test]
    fn each_condition_finds_its_application() {
        let rules = Rules::parse(RULES).unwrap();
        let intranet = Some(ProtocolId(20_000));
        let youtube = by_name("YouTube");
        assert_eq!(rules.len(), 3);
        assert_eq!(rules.by_domain(b"www.Intranet.example.com."), intranet);
        assert_eq!(rules.by_domain(b"video.intranet.example.com"), youtube);
        assert_eq!(rules.by_domain(b"a.b.corp.example.com"), intranet);
        assert_eq!(rules.by_domain(b"corp.example.com"), None);
        assert_eq!(rules.by_domain(b"vpn.example.com"), None);
        assert_eq!(rules.by_certificate(b"vpn.example.com"), intranet);
        assert_eq!(rules.by_certificate(b"*.vpn.example.com"), intranet);
        assert_eq!(rules.by_address([10, 20, 1, 1].into()), intranet);
        assert_eq!(rules.by_address("::ffff:10.20.1.1".parse().unwrap()), intranet);
        assert_eq!(rules.by_address([10, 20, 30, 40].into()), youtube);
        assert_eq!(rules.by_address([10, 21, 0, 0].into()), None);
        assert_eq!(rules.by_address("2001:db8::1".parse().unwrap()), intranet);
        assert_eq!(rules.by_ja4("t13d1516h2_8daaf6152771_e5627efa2ab1"), intranet);
        assert_eq!(rules.by_ja4("t13d1516h2_8daaf6152771_e5627efa2ab2"), None);
        assert_eq!(rules.by_port(6, 8443), intranet);
        assert_eq!(rules.by_port(6, 22), Some(ProtocolId(20_001)));
        assert_eq!(rules.by_port(6, 0), None);
        assert_eq!(rules.by_port(17, 8443), None);
        assert_eq!(rules.by_port(132, 8443), None);
        assert_eq!(rules.by_port(17, 5004), intranet);
        assert_eq!(rules.by_port(17, 5005), intranet, "the shorter range");
        assert_eq!(rules.by_port(17, 5011), youtube);
    }

    #[test]
    fn names_and_categories_are_those_of_the_rules() {
        let rules = Rules::parse(RULES).unwrap();
        let names: Vec<_> = rules.names().map(|id| (id.0, rules.name(id).unwrap())).collect();
        assert_eq!(names, [(20_000, "Intranet"), (20_001, "Plain")]);
        assert_eq!(rules.by_name("INTRANET"), Some(ProtocolId(20_000)));
        let category = |number| super::super::category_name(rules.category(number).unwrap());
        assert_eq!(category(ProtocolId(20_000)), Some("Business"));
        assert_eq!(category(ProtocolId(20_001)), Some("Unspecified"));
        assert_eq!(category(by_name("YouTube").unwrap()), Some("Game"));
        assert_eq!(rules.category(by_name("Netflix").unwrap()), None);
    }

    #[test]
    fn no_rules_find_nothing() {
        let rules = Rules::parse("").unwrap();
        assert!(rules.is_empty());
        assert_eq!(rules.by_domain(b"example.com"), None);
        assert_eq!(rules.by_address([0, 0, 0, 0].into()), None);
        assert_eq!(rules.by_port(6, 80), None);
    }

    #[test]
    fn mistakes_name_line_and_key() {
        let rule = |more: &str| format!("\n[[rule]]\napplication = \"A\"\n{more}\n");
        for (text, expected) in [
            ("rule = 1".to_owned(), "line 1, \"rule\": expected tables"),
            ("rule = [1]".to_owned(), "line 1, \"rule\": expected tables"),
            ("[rule]\napplication = \"A\"".to_owned(), "line 1, \"rule\": expected tables"),
            ("[[rules]]".to_owned(), "line 1, \"rules\": unknown key; did you mean \"rule\"?"),
            ("[[rule]]\nports = [\"tcp/1\"]".to_owned(), "line 1: \"application\" is missing"),
            (
                rule("domain = [\"a.com\"]"),
                "line 4, \"domain\": unknown key; did you mean \"domains\"?",
            ),
            (rule("zzz = 1"), "line 4, \"zzz\": unknown key"),
            (rule("domains = \"a.com\""), "line 4, \"domains\": expected a list of strings"),
            (
                rule("domains = [\n\"a.com\",\n1]"),
                "line 6, \"domains\": expected a list of strings",
            ),
            (rule("domains = []"), "line 4, \"domains\": expected at least one string"),
            (rule(""), "line 2: give domains, addresses, ports, ja4 or certificates"),
            (
                rule("domains = [\"a..com\"]"),
                "line 4, \"domains\": \"a..com\" is no domain: a label is empty",
            ),
            (
                rule("domains = [\"*.co.uk\"]"),
                "line 4, \"domains\": \"*.co.uk\" is a public suffix, where anyone has names; give longer ones",
            ),
            (
                rule("domains = [\"a.*.com\"]"),
                "line 4, \"domains\": \"a.*.com\" is no domain: only the first label can be *",
            ),
            (
                rule("domains = [\"a b\"]"),
                "line 4, \"domains\": \"a b\" is no domain: labels have letters, digits, hyphens and underscores",
            ),
            (
                rule("certificates = [\"m\u{fc}ller.de\"]"),
                "line 4, \"certificates\": \"m\u{fc}ller.de\" is no domain: write other letters as xn--...",
            ),
            (
                rule("domains = [\"a.com\",\n\"A.com.\"]"),
                "line 5, \"domains\": A.com. is in line 4 already",
            ),
            (
                rule("addresses = [\"10.0.0.1/8\"]"),
                "line 4, \"addresses\": \"10.0.0.1/8\" is no network: bits are set beyond the prefix; write 10.0.0.0/8",
            ),
            (
                rule("addresses = [\"10.0.0.0/33\"]"),
                "line 4, \"addresses\": \"10.0.0.0/33\" is no network: the prefix is longer than the address",
            ),
            (
                rule("addresses = [\"ten\"]"),
                "line 4, \"addresses\": \"ten\" is no network: write 192.0.2.0/24, 2001:db8::/32 or an address",
            ),
            (
                rule("addresses = [\"10.0.0.1\",\n\"10.0.0.1/32\"]"),
                "line 5, \"addresses\": 10.0.0.1/32 is in line 4 already",
            ),
            (
                rule("ports = [\"443\"]"),
                "line 4, \"ports\": \"443\" is no port; write tcp/443 or udp/5000-5010",
            ),
            (
                rule("ports = [\"tcp/9-8\"]"),
                "line 4, \"ports\": \"tcp/9-8\" is no port; write tcp/443 or udp/5000-5010",
            ),
            (
                rule("ports = [\"tcp/65536\"]"),
                "line 4, \"ports\": \"tcp/65536\" is no port; write tcp/443 or udp/5000-5010",
            ),
            (
                rule("ports = [\"tcp/1\", \"tcp/1-1\"]"),
                "line 4, \"ports\": tcp/1-1 is in line 4 already",
            ),
            (
                rule("ja4 = [\"t13d1516h2\"]"),
                "line 4, \"ja4\": \"t13d1516h2\" is no JA4 fingerprint such as t13d1516h2_8daaf6152771_e5627efa2ab1",
            ),
            (
                rule("category = \"Gane\"\nports = [\"tcp/1\"]"),
                "line 4, \"category\": unknown category \"Gane\"; did you mean \"Game\"?",
            ),
            (
                rule("category = \"Web\"\nports = [\"tcp/1\"]")
                    + &rule("category = \"Game\"\nports = [\"tcp/2\"]"),
                "line 9, \"category\": A has the category \"Web\" in line 4",
            ),
            (
                "[[rule]]\napplication = \"a.b\"".to_owned(),
                "line 2, \"application\": name \"a.b\": expected 1 to 32 letters, digits, hyphens, underscores or pluses",
            ),
            ("[[rule]]\napplication = 5".to_owned(), "line 2, \"application\": expected a string"),
        ] {
            assert_eq!(error(&text), expected, "{text}");
        }
        assert!(error("[[rule]]\napplication = ").starts_with("line 2: "));
    }

    #[test]
    fn sizes_are_bounded() {
        let limit = error(&" ".repeat(MAX_BYTES + 1));
        assert_eq!(limit, format!("line 1: more than {MAX_BYTES} bytes"));
        let mut text = String::new();
        for number in 0..=MAX_NAMES {
            let _ = write!(
                text,
                "[[rule]]\napplication = \"Name{number}\"\ndomains = [\"n{number}\"]\n"
            );
        }
        let limit = error(&text);
        assert_eq!(limit, "line 30002, \"application\": more than 10000 names");
    }

    proptest! {
        #[test]
        fn parse_takes_any_text(text in "\\PC*|(\\[\\[rule\\]\\]\napplication = \"A\"\n(ports|ja4|domains|addresses|x) = \\[\"[a-z0-9/.:_*-]*\"\\]\n)*") {
            if let Ok(rules) = Rules::parse(&text) {
                prop_assert_eq!(rules.by_domain(b""), None);
            }
        }
    }
}
