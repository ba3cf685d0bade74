//! Countries and autonomous systems of addresses, from databases in MaxMind's format.
//!
//! Other modules read the files; this one gets their bytes. It understands the fields of MaxMind's
//! own databases for countries, cities and autonomous systems, and those of databases that store
//! the same facts under short names at the top level of a record.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader, WithinOptions};

use crate::features::Place;

/// Number of first records, at least one of which must have a country or an autonomous system.
const SAMPLE: usize = 1_000;

/// Maximum number of networks, with or without data, that are searched for these records.
const MOST_NETWORKS: usize = 1_000_000;

/// Maximum number of places that a [`Locator`] remembers, about 2 MiB.
const MOST_KNOWN: usize = 8_192;

/// Maximum length in bytes of the name of an autonomous system.
const MOST_NAME_BYTES: usize = 128;

const COUNTRY: [&[PathElement<'_>]; 4] = [
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("registered_country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country")],
];

const ASN: [&[PathElement<'_>]; 3] = [
    &[PathElement::Key("autonomous_system_number")],
    &[PathElement::Key("traits"), PathElement::Key("autonomous_system_number")],
    &[PathElement::Key("asn")],
];

const AS_NAME: [&[PathElement<'_>]; 3] = [
    &[PathElement::Key("autonomous_system_organization")],
    &[PathElement::Key("traits"), PathElement::Key("autonomous_system_organization")],
    &[PathElement::Key("as_name")],
];

/// A database of addresses.
pub struct Database(Reader<Vec<u8>>);

/// The databases of a run.
#[derive(Debug, Default)]
pub struct GeoIp(Vec<Database>);

/// Lookups of one meter in the databases of a run, with the places found before.
#[derive(Debug)]
pub struct Locator {
    databases: Arc<GeoIp>,
    /// Position of the address's record in each database, `usize::MAX` where there is none.
    positions: Vec<usize>,
    /// Places by these positions. Many networks share a record, so the map stays small.
    known: HashMap<Box<[usize]>, Option<Arc<Place>>>,
}

/// Reason why bytes are not a database of countries or autonomous systems.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum GeoIpError {
    /// Another format, or a damaged database.
    #[error("not a database in MaxMind's format")]
    Malformed(#[from] MaxMindDbError),
    /// A database of other facts, such as domains.
    #[error("a database of type {database_type:?} has neither countries nor autonomous systems")]
    OtherFacts {
        /// The type that the database states.
        database_type: String,
    },
}

impl Database {
    /// Returns the database in `bytes`.
    ///
    /// # Errors
    ///
    /// [`GeoIpError`] if the bytes are not a database, or one of other facts.
    pub fn new(bytes: Vec<u8>) -> Result<Self, GeoIpError> {
        let reader = Reader::from_source(bytes)?;
        // With all networks, the iterator returns after each: it would walk all paths of a tree
        // without data, which a small file can make endless.
        let all =
            WithinOptions::default().include_aliased_networks().include_networks_without_data();
        let networks = reader.networks(all)?.take(MOST_NETWORKS);
        let has_data = |found: &LookupResult<'_, _>| found.has_data();
        let mut records =
            networks.filter(|found| found.as_ref().map_or(true, has_data)).take(SAMPLE);
        let has_places = |found: LookupResult<'_, _>| Facts::of(&found).place() != Place::default();
        if records.any(|record| record.is_ok_and(has_places)) {
            return Ok(Self(reader));
        }
        let database_type = reader.metadata().database_type.chars().take(80).collect();
        Err(GeoIpError::OtherFacts { database_type })
    }
}

/// Shows the type of the database, not its bytes.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.0.metadata().database_type).finish()
    }
}

impl GeoIp {
    /// Returns the union of `databases`. If several have a fact, the first one is used.
    pub const fn new(databases: Vec<Database>) -> Self {
        Self(databases)
    }
}

impl Locator {
    /// Returns a locator without remembered places.
    pub fn new(databases: Arc<GeoIp>) -> Self {
        Self { databases, positions: Vec::new(), known: HashMap::new() }
    }

    /// Returns the place of `address`, `None` if no database has it.
    pub fn place(&mut self, address: IpAddr) -> Option<Arc<Place>> {
        let Self { databases, positions, known } = self;
        let databases = &databases.0;
        positions.clear();
        positions.extend(databases.iter().map(|database| {
            // A database of IPv4 addresses rejects IPv6 addresses.
            let found = database.0.lookup(address).ok();
            found.and_then(|found| found.offset()).unwrap_or(usize::MAX)
        }));
        if positions.iter().all(|position| *position == usize::MAX) {
            return None;
        }
        if let Some(place) = known.get(positions.as_slice()) {
            return place.clone();
        }
        let mut facts = Facts::default();
        for database in databases {
            if let Ok(found) = database.0.lookup(address) {
                facts.complete(&found);
            }
        }
        let place = Some(facts.place()).filter(|place| *place != Place::default()).map(Arc::new);
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(positions.as_slice().into(), place.clone());
        place
    }
}

/// Facts about an address, borrowed from the databases.
#[derive(Debug, Default)]
struct Facts<'a> {
    country: Option<&'a str>,
    asn: Option<u32>,
    as_name: Option<&'a str>,
}

impl<'a> Facts<'a> {
    fn of(found: &LookupResult<'a, Vec<u8>>) -> Self {
        let mut facts = Self::default();
        facts.complete(found);
        facts
    }

    /// Takes the missing facts from a record. Fields of other types count as missing.
    fn complete(&mut self, found: &LookupResult<'a, Vec<u8>>) {
        let text = |path: &&[PathElement<'_>]| found.decode_path::<&str>(path).ok().flatten();
        self.country = self.country.or_else(|| {
            COUNTRY.iter().filter_map(text).find(|code| {
                code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_alphabetic())
            })
        });
        self.asn = self.asn.or_else(|| {
            ASN.iter().find_map(|path| {
                let number = found.decode_path::<u32>(path).ok().flatten();
                // Some databases write the number as "AS64496".
                number.or_else(|| text(path)?.trim_start_matches("AS").parse().ok())
            })
        });
        self.as_name = self.as_name.or_else(|| AS_NAME.iter().find_map(text));
    }

    fn place(&self) -> Place {
        Place {
            country: self.country.unwrap_or_default().to_ascii_uppercase(),
            asn: self.asn.unwrap_or_default(),
            as_name: clean(self.as_name.unwrap_or_default()),
        }
    }
}

/// Returns a name without control characters, truncated to the maximum length.
fn clean(name: &str) -> String {
    let mut clean = String::new();
    for character in name.chars().filter(|character| !character.is_control()) {
        if clean.len() + character.len_utf8() > MOST_NAME_BYTES {
            break;
        }
        clean.push(character);
    }
    clean
}

#[cfg(test)]
mod tests {
    use nfstream_testkit::mmdb::{self, Field};
    use proptest::prelude::*;

    use super::*;

    fn locator(databases: &[Vec<u8>]) -> Locator {
        let parsed = databases.iter().map(|bytes| Database::new(bytes.clone()).unwrap());
        Locator::new(Arc::new(GeoIp::new(parsed.collect())))
    }

    fn found(locator: &mut Locator, address: &str) -> (String, u32, String) {
        let place = locator.place(address.parse().unwrap());
        let place = place.as_deref().cloned().unwrap_or_default();
        (place.country, place.asn, place.as_name)
    }

    fn countries() -> Vec<u8> {
        let country =
            |code| Field::map([("country", Field::map([("iso_code", Field::text(code))]))]);
        mmdb::database(
            "Test-Country",
            &[
                ("192.0.2.0/24", country("NL")),
                ("192.0.2.128/25", country("DE")),
                ("2001:db8::/32", country("JP")),
            ],
        )
    }

    fn systems() -> Vec<u8> {
        mmdb::database(
            "Test-ASN",
            &[(
                "192.0.2.0/25",
                Field::map([
                    ("autonomous_system_number", Field::Number(64_496)),
                    ("autonomous_system_organization", Field::text("Example\u{7}, Inc.")),
                ]),
            )],
        )
    }

    #[test]
    fn databases_complete_each_other() {
        let mut locator = locator(&[countries(), systems()]);
        let expected = ("NL".to_owned(), 64_496, "Example, Inc.".to_owned());
        for _ in 0..2 {
            assert_eq!(found(&mut locator, "192.0.2.1"), expected);
        }
        assert_eq!(found(&mut locator, "192.0.2.200").0, "DE");
        assert_eq!(found(&mut locator, "2001:db8::1").0, "JP");
        assert_eq!(locator.place("198.51.100.1".parse().unwrap()), None);
    }

    #[test]
    fn a_tree_with_endless_paths_is_refused() {
        let error = Database::new(mmdb::without_data("Test", 126)).unwrap_err();
        assert!(matches!(error, GeoIpError::OtherFacts { .. }), "{error}");
    }

    #[test]
    fn short_names_of_fields_are_understood() {
        let record = Field::map([
            ("country", Field::text("fr")),
            ("asn", Field::text("AS64511")),
            ("as_name", Field::text("Exemple")),
        ]);
        let mut locator = locator(&[mmdb::database("flat", &[("203.0.113.0/24", record)])]);
        let expected = ("FR".to_owned(), 64_511, "Exemple".to_owned());
        assert_eq!(found(&mut locator, "203.0.113.9"), expected);
    }

    #[test]
    fn the_first_database_with_a_fact_counts() {
        let other = Field::map([("country_code", Field::text("CH")), ("asn", Field::Number(1))]);
        let other = mmdb::database("other", &[("0.0.0.0/0", other)]);
        let mut locator = locator(&[countries(), other]);
        assert_eq!(found(&mut locator, "192.0.2.1"), ("NL".to_owned(), 1, String::new()));
        assert_eq!(found(&mut locator, "192.0.3.1").0, "CH");
    }

    #[test]
    fn fields_of_other_types_are_missing() {
        let odd = Field::map([
            ("country", Field::map([("iso_code", Field::Number(49))])),
            ("registered_country", Field::map([("iso_code", Field::text("D"))])),
            ("country_code", Field::text("AT")),
            ("asn", Field::text("ASx")),
        ]);
        let mut locator = locator(&[mmdb::database("odd", &[("192.0.2.0/24", odd)])]);
        assert_eq!(found(&mut locator, "192.0.2.1"), ("AT".to_owned(), 0, String::new()));
    }

    #[test]
    fn long_names_are_cut() {
        let record = Field::map([("as_name", Field::text(&"é".repeat(500)))]);
        let mut locator = locator(&[mmdb::database("long", &[("192.0.2.0/24", record)])]);
        assert_eq!(found(&mut locator, "192.0.2.1").2, "é".repeat(MOST_NAME_BYTES / 2));
    }

    #[test]
    fn the_memory_of_places_is_bounded() {
        let record = |number: u32| Field::map([("asn", Field::Number(number))]);
        let networks: Vec<_> = (0..10_000_u32)
            .map(|number| {
                (format!("10.{}.{}.0/24", number >> 8, number & 0xff), record(number + 1))
            })
            .collect();
        let networks: Vec<_> = networks.iter().map(|(net, r)| (net.as_str(), r.clone())).collect();
        let mut locator = locator(&[mmdb::database("many", &networks)]);
        for (place, (network, _)) in (1..).zip(&networks) {
            let address = network.replace("0/24", "7");
            assert_eq!(found(&mut locator, &address).1, place);
            assert!(locator.known.len() <= MOST_KNOWN);
        }
    }

    #[test]
    fn other_databases_are_refused() {
        let domains = Field::map([("domain", Field::text("example.com"))]);
        let domains = mmdb::database("GeoIP2-Domain", &[("192.0.2.0/24", domains)]);
        let error = Database::new(domains).unwrap_err().to_string();
        assert!(error.contains("\"GeoIP2-Domain\" has neither"), "{error}");
        for bytes in [Vec::new(), b"PK\x03\x04".to_vec(), vec![0; 4096]] {
            let error = Database::new(bytes).unwrap_err().to_string();
            assert_eq!(error, "not a database in MaxMind's format");
        }
    }

    proptest! {
        #[test]
        fn damaged_databases_never_panic(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
            kept in any::<prop::sample::Index>(),
            cut in any::<bool>(),
            address in any::<u32>(),
        ) {
            let mut bytes = countries();
            for (place, byte) in damage {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if cut {
                bytes.truncate(kept.index(bytes.len()));
            }
            if let Ok(database) = Database::new(bytes) {
                let mut locator = Locator::new(Arc::new(GeoIp::new(vec![database])));
                for address in [address, 0xc000_0201, 0xc000_02ff] {
                    locator.place(std::net::Ipv4Addr::from(address).into());
                    let mapped = std::net::Ipv4Addr::from(address).to_ipv6_mapped();
                    locator.place(mapped.into());
                }
                locator.place("2001:db8::1".parse().unwrap());
            }
        }
    }
}
