//! Data of the catalogue, read and checked when the crate is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::entries::{Document, Form, Key, value, values};
use super::numbering::{FIRST_OWN_APPLICATION, FIRST_RULE, check_name, fold};
use super::ranges::{Cidr, CidrError, Range, Ranges};
use super::suffixes::{SuffixError, Suffixes, SuffixesBuilder};

/// Texts of the data files.
pub(crate) struct Files<'a> {
    /// `categories.tsv`.
    pub(crate) categories: &'a str,
    /// `protocols.tsv`.
    pub(crate) protocols: &'a str,
    /// `applications.toml`.
    pub(crate) applications: &'a str,
    /// Returns the text of a list of addresses.
    pub(crate) addresses: &'a dyn Fn(&str) -> Result<String, String>,
}

/// The catalogue in the form of its tables.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Version of the data.
    pub(crate) version: String,
    /// Categories by number.
    pub(crate) categories: BTreeMap<u16, String>,
    /// Name and number of the category of each protocol and application, by number.
    pub(crate) names: BTreeMap<u16, (String, u16)>,
    /// Numbers of the applications that have names or addresses.
    pub(crate) applications: BTreeSet<u16>,
    /// Domain suffixes.
    pub(crate) suffixes: Suffixes<'static>,
    /// Domain suffixes that were added.
    pub(crate) suffix_count: usize,
    /// IPv4 addresses.
    pub(crate) ipv4: Ranges<'static, u32>,
    /// IPv6 addresses.
    pub(crate) ipv6: Ranges<'static, u128>,
    /// Networks that were added.
    pub(crate) network_count: usize,
}

/// A mistake in the data.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct SourceError {
    /// File and entry.
    pub(crate) place: String,
    /// Description of the mistake.
    pub(crate) problem: String,
}

/// Keys outside of applications.
const OUTER: &[Key] = &[Key { name: "version", form: Form::Text, needed: true }];
/// Keys of an application.
const INNER: &[Key] = &[
    Key { name: "addresses", form: Form::Texts, needed: false },
    Key { name: "address_files", form: Form::Texts, needed: false },
    Key { name: "address_source", form: Form::Text, needed: false },
    Key { name: "category", form: Form::Text, needed: false },
    Key { name: "domains", form: Form::Texts, needed: false },
    Key { name: "name", form: Form::Text, needed: true },
    Key { name: "number", form: Form::Number, needed: false },
];

impl Tables {
    /// Reads and checks `files`.
    ///
    /// # Errors
    ///
    /// Fails at the first mistake: duplicates, unknown categories, malformed domains or networks,
    /// names out of order.
    pub(crate) fn read(files: &Files<'_>) -> Result<Self, SourceError> {
        let categories = read_categories(files.categories)?;
        let names = read_protocols(files.protocols, &categories)?;
        let mut reader = Reader {
            numbers: names.iter().map(|(&number, (name, _))| (fold(name), number)).collect(),
            categories,
            names,
            applications: BTreeSet::new(),
            suffixes: SuffixesBuilder::new(),
            suffix_count: 0,
            networks: BTreeMap::new(),
        };
        let document = Document::read(files.applications, OUTER, "application", INNER)
            .map_err(|mistake| error("applications.toml", mistake))?;
        let version = value(&document.fields, "version").map_or("", |(_, version)| version);
        if !is_date(version) {
            return Err(error("applications.toml", format!("version {version:?} is no date")));
        }
        for entry in &document.entries {
            let name = value(&entry.fields, "name").map_or("", |(_, name)| name);
            let place = format!("applications.toml, line {}, {name}", entry.line);
            let place = |problem: String| error(&place, problem);
            let number = reader.number(name, &entry.fields).map_err(place)?;
            for (_, domain) in values(&entry.fields, "domains") {
                reader.add_domain(domain, number).map_err(place)?;
            }
            let addresses = values(&entry.fields, "addresses");
            if addresses.is_empty() != value(&entry.fields, "address_source").is_none() {
                return Err(place("addresses and their source go together".to_owned()));
            }
            for (_, network) in addresses {
                reader.add_network(network, number).map_err(place)?;
            }
            for (_, file) in values(&entry.fields, "address_files") {
                let text = (files.addresses)(file).map_err(place)?;
                for (_, line) in lines(&text) {
                    reader.add_network(line, number).map_err(|problem| error(file, problem))?;
                }
            }
            if !entry
                .fields
                .iter()
                .any(|field| ["domains", "addresses", "address_files"].contains(&field.key))
            {
                return Err(place("neither domains nor addresses".to_owned()));
            }
        }
        Ok(reader.finish(version.to_owned()))
    }
}

/// Data read so far.
struct Reader {
    categories: BTreeMap<u16, String>,
    names: BTreeMap<u16, (String, u16)>,
    /// Numbers by name in lower case.
    numbers: BTreeMap<String, u16>,
    applications: BTreeSet<u16>,
    suffixes: SuffixesBuilder,
    suffix_count: usize,
    /// Number by first and last address, IPv6 second.
    networks: BTreeMap<(bool, u128, u128), (Cidr, u16)>,
}

impl Reader {
    /// Returns the number of the application `name`, which gets a name of its own if it has none.
    fn number(&mut self, name: &str, fields: &[super::entries::Field]) -> Result<u16, String> {
        check_name(name)?;
        let number = value(fields, "number");
        let category = value(fields, "category");
        let known = self.numbers.get(&fold(name)).copied();
        let number = match (known, number, category) {
            (Some(known), None, None) => {
                if self.names.get(&known).is_some_and(|(spelling, _)| spelling != name) {
                    return Err("another spelling in protocols.tsv".to_owned());
                }
                known
            }
            (Some(_), _, _) => return Err("number and category are in protocols.tsv".to_owned()),
            (None, Some((_, number)), Some((_, category))) => {
                let number = number.parse().map_err(|_| format!("{number} is no number"))?;
                if !(FIRST_OWN_APPLICATION..FIRST_RULE).contains(&number) {
                    return Err(format!("{number} is no number of an application of our own"));
                }
                let category = category_number(&self.categories, category)?;
                if let Some((other, _)) = self.names.get(&number) {
                    return Err(format!("number {number} belongs to {other}"));
                }
                self.names.insert(number, (name.to_owned(), category));
                self.numbers.insert(fold(name), number);
                number
            }
            (None, _, _) => return Err("not in protocols.tsv; give number and category".to_owned()),
        };
        if !self.applications.insert(number) {
            return Err("a second entry".to_owned());
        }
        Ok(number)
    }

    fn add_domain(&mut self, domain: &str, number: u16) -> Result<(), String> {
        self.suffix_count += 1;
        if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("domain {domain:?} is not in lower case"));
        }
        self.suffixes.add(domain, number).map_err(|problem| match problem {
            SuffixError::Taken(other) => {
                format!("domain {domain:?} belongs to {}", self.name(other))
            }
            SuffixError::EmptyLabel => format!("domain {domain:?} has an empty label"),
            SuffixError::Forbidden => format!("domain {domain:?} has a forbidden character"),
            SuffixError::TooLong => format!("domain {domain:?} is too long"),
        })
    }

    fn add_network(&mut self, text: &str, number: u16) -> Result<(), String> {
        let cidr: Cidr = text.parse().map_err(|problem| match problem {
            CidrError::HostBits(network) => format!("network {text} should be {network}"),
            CidrError::Length => format!("network {text} has a prefix that is too long"),
            CidrError::Syntax => format!("{text:?} is no network"),
        })?;
        let range = cidr.range();
        let key = (!cidr.is_ipv4(), range.first, range.last);
        match self.networks.insert(key, (cidr, number)) {
            Some((_, other)) => Err(format!("network {text} belongs to {}", self.name(other))),
            None => Ok(()),
        }
    }

    fn name(&self, number: u16) -> &str {
        self.names.get(&number).map_or("", |(name, _)| name)
    }

    fn finish(self, version: String) -> Tables {
        let ranges = |ipv4: bool| {
            let of_family = self.networks.values().filter(move |(cidr, _)| cidr.is_ipv4() == ipv4);
            of_family.map(|(cidr, number)| (cidr.range(), *number)).collect::<Vec<(Range, u16)>>()
        };
        Tables {
            version,
            suffixes: self.suffixes.build(),
            suffix_count: self.suffix_count,
            ipv4: Ranges::new(ranges(true)),
            ipv6: Ranges::new(ranges(false)),
            network_count: self.networks.len(),
            categories: self.categories,
            names: self.names,
            applications: self.applications,
        }
    }
}

/// Reads lines of a number and a name.
fn read_categories(text: &str) -> Result<BTreeMap<u16, String>, SourceError> {
    let mut categories = BTreeMap::new();
    for (line, row) in lines(text) {
        let place = |problem: &str| error(&format!("categories.tsv, line {line}"), problem);
        let (number, name) = row.split_once('\t').ok_or_else(|| place("no tab"))?;
        let number = number.parse().map_err(|_| place("no number"))?;
        if categories.values().any(|known| known == name)
            || categories.insert(number, name.to_owned()).is_some()
        {
            return Err(place("number or name is there already"));
        }
    }
    Ok(categories)
}

/// Reads lines of a number, a name and a category.
fn read_protocols(
    text: &str,
    categories: &BTreeMap<u16, String>,
) -> Result<BTreeMap<u16, (String, u16)>, SourceError> {
    let mut names: BTreeMap<u16, (String, u16)> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (line, row) in lines(text) {
        let place = |problem: String| error(&format!("protocols.tsv, line {line}"), problem);
        let mut cells = row.split('\t');
        let (Some(number), Some(name), Some(category), None) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            return Err(place("expected a number, a name and a category".to_owned()));
        };
        let number: u16 = number.parse().map_err(|_| place(format!("{number} is no number")))?;
        check_name(name).map_err(place)?;
        if names.last_key_value().is_some_and(|(&last, _)| last >= number) {
            return Err(place(format!("{number} is out of order")));
        }
        if number >= FIRST_OWN_APPLICATION {
            return Err(place(format!("{number} is no number of a protocol")));
        }
        if !known.insert(fold(name)) {
            return Err(place(format!("{name} is there already")));
        }
        let category = category_number(categories, category).map_err(place)?;
        names.insert(number, (name.to_owned(), category));
    }
    Ok(names)
}

/// Returns the number of the category `name`.
fn category_number(categories: &BTreeMap<u16, String>, name: &str) -> Result<u16, String> {
    let found = categories.iter().find(|(_, known)| *known == name);
    found.map(|(&number, _)| number).ok_or_else(|| format!("unknown category {name:?}"))
}

/// Returns the lines of `text` that are neither empty nor comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Returns whether `text` has the form `2026-01-31`.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn error(place: &str, problem: impl fmt::Display) -> SourceError {
    SourceError { place: place.to_owned(), problem: problem.to_string() }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATEGORIES: &str = "# number\tname\n0\tUnspecified\n5\tWeb\n";
    const PROTOCOLS: &str = "0\tUnknown\tUnspecified\n7\tHTTP\tWeb\n126\tGoogle\tWeb\n";

    fn read(applications: &str) -> Result<Tables, SourceError> {
        Tables::read(&Files {
            categories: CATEGORIES,
            protocols: PROTOCOLS,
            applications: &format!("version = \"2026-01-31\"\n{applications}"),
            addresses: &|name| match name {
                "a.txt" => Ok("# source\n192.0.2.0/24\n2001:db8::/32\n".to_owned()),
                _ => Err(format!("no file {name}")),
            },
        })
    }

    fn problem(applications: &str) -> String {
        read(applications).unwrap_err().to_string()
    }

    #[test]
    fn read_builds_the_tables() {
        let tables = read(concat!(
            "[[application]]\nname = \"Google\"\ndomains = [\"google.com\"]\n",
            "address_files = [\"a.txt\"]\n",
            "[[application]]\nname = \"Own\"\nnumber = 11000\ncategory = \"Web\"\n",
            "addresses = [\"192.0.2.128/25\"]\naddress_source = \"owner\"\n",
        ))
        .unwrap();
        assert_eq!(tables.version, "2026-01-31");
        assert_eq!(tables.categories.get(&5).map(String::as_str), Some("Web"));
        assert_eq!(tables.suffixes.find(b"www.google.com"), Some(126));
        assert_eq!(tables.ipv4.find(0xc000_0201), Some(126));
        assert_eq!(tables.ipv4.find(0xc000_0281), Some(11_000));
        assert_eq!(tables.ipv6.find(0x2001_0db8 << 96), Some(126));
        assert_eq!(tables.names.get(&11_000), Some(&("Own".to_owned(), 5)));
        assert_eq!((tables.suffix_count, tables.network_count), (1, 3));
        assert_eq!(tables.applications, BTreeSet::from([126, 11_000]));
    }

    #[test]
    fn read_names_the_entry_with_a_mistake() {
        let google = "[[application]]\nname = \"Google\"\n";
        let own = "[[application]]\nname = \"Own\"\ndomains = [\"example.com\"]\n";
        for (text, expected) in [
            (
                format!("{google}domains = [\"a.com\", \"a.com\"]"),
                "line 2, Google: domain \"a.com\" belongs to Google",
            ),
            (format!("{google}domains = [\"A.com\"]"), "domain \"A.com\" is not in lower case"),
            (format!("{google}domains = [\"a..com\"]"), "domain \"a..com\" has an empty label"),
            (format!("{google}domains = [\"a b\"]"), "domain \"a b\" has a forbidden character"),
            (format!("{google}address_files = [\"b.txt\"]"), "Google: no file b.txt"),
            (
                format!("{google}addresses = [\"1.2.3.4/8\"]\naddress_source = \"x\""),
                "network 1.2.3.4/8 should be 1.0.0.0/8",
            ),
            (
                format!("{google}addresses = [\"1.2.3.4/33\"]\naddress_source = \"x\""),
                "network 1.2.3.4/33 has a prefix that is too long",
            ),
            (format!("{google}addresses = [\"x\"]\naddress_source = \"x\""), "\"x\" is no network"),
            (
                format!("{google}addresses = [\"1.0.0.0/8\"]"),
                "addresses and their source go together",
            ),
            (
                format!(
                    "{google}addresses = [\"192.0.2.0/24\"]\naddress_source = \"x\"\naddress_files = [\"a.txt\"]"
                ),
                "a.txt: network 192.0.2.0/24 belongs to Google",
            ),
            (google.to_owned(), "Google: neither domains nor addresses"),
            (
                format!("{google}domains = [\"a\"]\n{google}domains = [\"b\"]"),
                "line 5, Google: a second entry",
            ),
            (
                format!("{google}category = \"Web\"\ndomains = [\"a\"]"),
                "number and category are in protocols.tsv",
            ),
            (
                "[[application]]\nname = \"GOOGLE\"\ndomains = [\"a\"]".to_owned(),
                "another spelling",
            ),
            (own.to_owned(), "Own: not in protocols.tsv; give number and category"),
            (
                format!("{own}number = 10999\ncategory = \"Web\""),
                "10999 is no number of an application",
            ),
            (
                format!("{own}number = 20000\ncategory = \"Web\""),
                "20000 is no number of an application",
            ),
            (format!("{own}number = 11000\ncategory = \"Wob\""), "Own: unknown category \"Wob\""),
            (
                format!(
                    "{own}number = 11000\ncategory = \"Web\"\n{}number = 11000\ncategory = \"Web\"",
                    own.replace("Own", "Two")
                ),
                "Two: number 11000 belongs to Own",
            ),
            (
                "[[application]]\nname = \"a.b\"\ndomains = [\"a\"]".to_owned(),
                "name \"a.b\": expected 1 to 32",
            ),
            ("[[application]]\ndomains = [\"a\"]".to_owned(), "line 2: \"name\" is missing"),
            ("[[application]]\nname = 1".to_owned(), "line 3, \"name\": expected a string"),
            ("[[application]]\nnome = \"x\"".to_owned(), "line 3, \"nome\": unknown key"),
            ("[[application]]\nname = ".to_owned(), "applications.toml: line 3"),
        ] {
            let problem = problem(&text);
            assert!(problem.contains(expected), "{problem:?} for {text:?}");
        }
    }

    #[test]
    fn read_refuses_a_version_that_is_no_date() {
        let files = |version: &'static str| Files {
            categories: CATEGORIES,
            protocols: PROTOCOLS,
            applications: version,
            addresses: &|_| Ok(String::new()),
        };
        let error = Tables::read(&files("version = \"1.0\"")).unwrap_err();
        assert_eq!(error.to_string(), "applications.toml: version \"1.0\" is no date");
        let error = Tables::read(&files("")).unwrap_err();
        assert_eq!(error.to_string(), "applications.toml: line 1: \"version\" is missing");
    }

    #[test]
    fn read_refuses_malformed_lists_of_numbers() {
        let problem = |categories: &str, protocols: &str| {
            let applications = "version = \"2026-01-31\"";
            let addresses = &|_: &str| Ok(String::new());
            let files = Files { categories, protocols, applications, addresses };
            Tables::read(&files).unwrap_err().to_string()
        };
        for (categories, protocols, expected) in [
            ("0 Web", "", "categories.tsv, line 1: no tab"),
            ("x\tWeb", "", "categories.tsv, line 1: no number"),
            ("0\tWeb\n0\tMail", "", "categories.tsv, line 2: number or name is there already"),
            ("0\tWeb\n1\tWeb", "", "categories.tsv, line 2: number or name is there already"),
            (CATEGORIES, "1\tA", "protocols.tsv, line 1: expected a number, a name and a category"),
            (CATEGORIES, "x\tA\tWeb", "protocols.tsv, line 1: x is no number"),
            (CATEGORIES, "1\tA\tWob", "protocols.tsv, line 1: unknown category \"Wob\""),
            (CATEGORIES, "1\tA\tWeb\n1\tB\tWeb", "protocols.tsv, line 2: 1 is out of order"),
            (CATEGORIES, "1\tA\tWeb\n2\ta\tWeb", "protocols.tsv, line 2: a is there already"),
            (
                CATEGORIES,
                "11000\tA\tWeb",
                "protocols.tsv, line 1: 11000 is no number of a protocol",
            ),
        ] {
            assert_eq!(problem(categories, protocols), expected);
        }
    }
}
