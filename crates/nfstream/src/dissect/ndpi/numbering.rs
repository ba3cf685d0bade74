//! Translation of nDPI's numbers, which differ between its releases, to those of the catalogue.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use nfstream_dissect::catalogue::Catalogue;
use nfstream_dissect::{Category, Dissector};

use crate::features::{Confidence, Label, Names};

/// First number of the protocols that only the linked nDPI knows: this plus nDPI's own number.
const FIRST_UNKNOWN: u16 = 14_000;
/// First number of such categories.
const FIRST_UNKNOWN_CATEGORY: u16 = 1_000;
/// Protocols that were renamed after nDPI 4.2, with their names in the catalogue.
const RENAMED: &[(&str, &str)] = &[
    ("DCE_RPC", "DCERPC"),
    ("GoogleHangoutDuo", "GoogleMeet"),
    ("LotusNotes", "HCL_Notes"),
    ("Messenger", "FacebookMessenger"),
    ("Redis", "RESP"),
    ("Sina(Weibo)", "SinaWeibo"),
    ("SkypeCall", "TeamsCall"),
    ("Skype_Teams", "Teams"),
    ("Starcraft", "Blizzard"),
    ("Z39.50", "Z3950"),
];

/// Protocols that nDPI 4.2 detects in datagrams of many others, and that later releases lack.
const WEAK: &[&str] = &["SkypeCall", "Skype_Teams"];

/// Numbers and names of the linked nDPI.
///
/// A protocol has the number that the catalogue, and thus nDPI 5.0, gives its name.
#[derive(Debug)]
pub(in crate::dissect) struct Numbering {
    names: Arc<ndpi::Names>,
    /// By nDPI's number.
    protocols: Vec<u16>,
    /// Numbers of the protocols in [`WEAK`].
    weak: Vec<u16>,
    categories: Vec<u16>,
    confidences: Vec<Confidence>,
    /// nDPI's numbers, by those of the catalogue.
    protocol_ids: HashMap<u16, u16>,
    category_ids: HashMap<u16, u16>,
}

/// Names as nDPI spells them.
#[derive(Debug)]
pub(in crate::dissect) struct NdpiNames(pub(in crate::dissect) Arc<Numbering>);

impl Numbering {
    /// Returns the numbering of the linked nDPI, created once in each process.
    pub(in crate::dissect) fn of(names: &Arc<ndpi::Names>) -> Arc<Self> {
        static NUMBERING: OnceLock<Arc<Numbering>> = OnceLock::new();
        Arc::clone(NUMBERING.get_or_init(|| Arc::new(Self::new(Arc::clone(names)))))
    }

    fn new(names: Arc<ndpi::Names>) -> Self {
        let catalogue = Catalogue::default();
        let has = |name: &str| {
            let mut ids = (0..u16::MAX).take(names.protocol_count());
            ids.any(|id| names.protocol(id) == name)
        };
        let known = |name: &str| {
            let renamed = RENAMED.iter().find(|(old, new)| *old == name && !has(new));
            catalogue.by_name(renamed.map_or(name, |(_, new)| new)).map(|id| id.0)
        };
        let (protocols, protocol_ids) =
            numbers(names.protocol_count(), FIRST_UNKNOWN, |id| known(names.protocol(id)));
        let categories_by_name: HashMap<&str, u16> = (0..FIRST_UNKNOWN_CATEGORY)
            .filter_map(|number| Some((catalogue.category_name(Category(number))?, number)))
            .collect();
        let (categories, category_ids) =
            numbers(names.category_count(), FIRST_UNKNOWN_CATEGORY, |id| {
                categories_by_name.get(names.category(id)).copied()
            });
        let weak = (0..).zip(&protocols).filter(|(id, _)| WEAK.contains(&names.protocol(*id)));
        let weak = weak.map(|(_, number)| *number).collect();
        let confidences = (0..=u8::MAX).map(|id| confidence(names.confidence(id))).collect();
        Self { names, protocols, weak, categories, confidences, protocol_ids, category_ids }
    }

    /// Returns nDPI's label in the catalogue's numbers.
    pub(in crate::dissect) fn label(&self, label: ndpi::Label) -> Label {
        Label {
            master_protocol: self.protocol(label.master),
            app_protocol: self.protocol(label.app),
            category: self.category(label.category),
            guessed: label.guessed,
            confidence: match label.app {
                0 => Confidence::None,
                _ => self.confidence(label.confidence),
            },
        }
    }

    /// Returns whether nDPI gives the label to flows of many other applications as well.
    pub(in crate::dissect) fn is_weak(&self, label: &Label) -> bool {
        // A name in TLS or DNS is a sufficient reason.
        self.weak.contains(&label.app_protocol)
            && (label.master_protocol == 0 || self.weak.contains(&label.master_protocol))
    }

    /// Returns nDPI's numbers of the protocols for which the dissector in Rust has probes.
    pub(in crate::dissect) fn found_without_ndpi(&self) -> Vec<u16> {
        let found: HashSet<u16> = Dissector::protocols()
            .filter(|protocol| protocol.is_found_by_bytes())
            .map(|protocol| protocol.id.0)
            .collect();
        let ids = (0..).zip(&self.protocols);
        ids.filter(|(_, number)| found.contains(number)).map(|(id, _)| id).collect()
    }

    /// Returns the name of a protocol that is in nDPI but not in the catalogue.
    pub(in crate::dissect) fn only_in_ndpi(&self, number: u16) -> Option<&str> {
        let id = self.protocol_ids.get(&number).filter(|_| number >= FIRST_UNKNOWN)?;
        Some(self.names.protocol(*id))
    }

    /// Returns the name of a category that is in nDPI but not in the catalogue.
    pub(in crate::dissect) fn category_only_in_ndpi(&self, number: u16) -> Option<&str> {
        let id = self.category_ids.get(&number).filter(|_| number >= FIRST_UNKNOWN_CATEGORY)?;
        Some(self.names.category(*id))
    }

    /// Returns the number of every protocol, and its names in nDPI and in the catalogue.
    #[cfg(test)]
    pub(in crate::dissect) fn all(&self) -> impl Iterator<Item = (u16, [&str; 2])> {
        (0..).zip(&self.protocols).map(|(id, number)| {
            let name = self.names.protocol(id);
            let renamed = RENAMED.iter().find(|(old, _)| *old == name);
            (*number, [name, renamed.map_or(name, |(_, new)| new)])
        })
    }

    /// Returns the names of the risks whose bits are set, separated by commas.
    pub(in crate::dissect) fn risks(&self, risks: u64) -> Box<str> {
        let set = (0..64_u8).filter(|bit| risks >> bit & 1 == 1);
        set.map(|bit| self.names.risk(bit)).collect::<Vec<_>>().join(",").into()
    }

    fn protocol(&self, id: u16) -> u16 {
        let number = self.protocols.get(usize::from(id)).copied();
        number.unwrap_or_else(|| FIRST_UNKNOWN.saturating_add(id))
    }

    fn category(&self, id: u16) -> u16 {
        let number = self.categories.get(usize::from(id)).copied();
        number.unwrap_or_else(|| FIRST_UNKNOWN_CATEGORY.saturating_add(id))
    }

    fn confidence(&self, id: u8) -> Confidence {
        self.confidences.get(usize::from(id)).copied().unwrap_or_default()
    }
}

impl Names for NdpiNames {
    fn application(&self, master_protocol: u16, app_protocol: u16, name: &mut String) {
        let id = |number| self.0.protocol_ids.get(&number).copied().unwrap_or(0);
        let (master, app) = (id(master_protocol), id(app_protocol));
        name.push_str(&self.0.names.application(ndpi::Label {
            master,
            app,
            ..ndpi::Label::default()
        }));
    }

    fn category(&self, category: u16, name: &mut String) {
        if let Some(id) = self.0.category_ids.get(&category) {
            name.push_str(self.0.names.category(*id));
        }
    }
}

/// Returns the catalogue's numbers by nDPI's, and the reverse. No number occurs twice: if `known`
/// gives one number to several names, the first gets it.
fn numbers(
    count: usize,
    first_unknown: u16,
    known: impl Fn(u16) -> Option<u16>,
) -> (Vec<u16>, HashMap<u16, u16>) {
    let mut numbers = Vec::with_capacity(count);
    let mut ids = HashMap::with_capacity(count);
    for id in (0..u16::MAX).take(count) {
        let unknown = first_unknown.saturating_add(id);
        // nDPI's 0 means no protocol, whatever its name.
        let number = if id == 0 { 0 } else { known(id).unwrap_or(unknown) };
        let number = if ids.contains_key(&number) { unknown } else { number };
        ids.insert(number, id);
        numbers.push(number);
    }
    (numbers, ids)
}

/// Returns the method with nDPI's name `name`.
fn confidence(name: &str) -> Confidence {
    match name {
        "DPI" => Confidence::Dpi,
        "Match by port" => Confidence::Port,
        "Match by IP" => Confidence::Address,
        "Match by custom rule" | "nBPF" => Confidence::Rule,
        "" | "Unknown" => Confidence::None,
        // Partial matches, and matches with earlier flows of the same hosts.
        _ => Confidence::Guess,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbering() -> Arc<Numbering> {
        Numbering::of(ndpi::Module::new().unwrap().names())
    }

    #[test]
    fn protocols_have_the_numbers_of_the_catalogue() {
        let numbering = numbering();
        let catalogue = Catalogue::default();
        let unknown: Vec<_> = (1..numbering.names.protocol_count())
            .filter_map(|id| u16::try_from(id).ok())
            .filter(|id| numbering.protocol(*id) >= FIRST_UNKNOWN)
            .map(|id| numbering.names.protocol(id))
            .collect();
        assert!(unknown.len() * 5 < numbering.names.protocol_count(), "{unknown:?}");
        for (id, number) in (0..).zip(&numbering.protocols) {
            let name = numbering.names.protocol(id);
            if let Some(known) = catalogue.by_name(name).filter(|_| id > 0) {
                assert_eq!(known.0, *number, "{name}");
            }
        }
    }

    #[test]
    fn every_pair_keeps_the_name_that_ndpi_gives_it() {
        let numbering = numbering();
        let names = NdpiNames(Arc::clone(&numbering));
        for master in (0..u16::MAX).take(numbering.names.protocol_count()) {
            for app in [0, 5, 7, 91, master] {
                let label = ndpi::Label { master, app, ..ndpi::Label::default() };
                let mapped = numbering.label(label);
                let mut name = String::new();
                names.application(mapped.master_protocol, mapped.app_protocol, &mut name);
                assert_eq!(name, numbering.names.application(label));
            }
        }
        for category in (0..u16::MAX).take(numbering.names.category_count()) {
            let mapped = numbering.category(category);
            let mut name = String::new();
            names.category(mapped, &mut name);
            assert_eq!(name, numbering.names.category(category));
        }
    }

    #[test]
    fn confidences_are_named() {
        let numbering = numbering();
        let found: Vec<_> = (0..u8::MAX)
            .map(|id| (numbering.names.confidence(id), numbering.confidence(id)))
            .filter(|(name, _)| !name.is_empty() && *name != "Unknown")
            .collect();
        assert!(found.iter().all(|(_, confidence)| *confidence != Confidence::None));
        assert!(found.contains(&("DPI", Confidence::Dpi)));
        assert!(found.contains(&("Match by port", Confidence::Port)));
    }
}
