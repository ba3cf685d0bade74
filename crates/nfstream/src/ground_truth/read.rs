//! Rules from a CSV file.

use std::collections::HashSet;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use super::rule::Rule;
use super::zone::time;
use super::{GroundTruthError, HEADINGS, Options};
use crate::packet::Subnet;
use crate::time::Timestamp;

const PROTOCOLS: [(&str, u8); 7] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("sctp", 132),
];

/// Places of the known columns in a file.
struct Places<'a> {
    header: &'a StringRecord,
    /// In the order of [`HEADINGS`].
    places: [Option<usize>; HEADINGS.len()],
}

/// One line of a file.
struct Line<'a> {
    places: &'a Places<'a>,
    cells: &'a StringRecord,
    number: u64,
}

/// Returns the rules of a file.
pub(super) fn rules(text: &str, options: &Options) -> Result<Vec<Rule>, GroundTruthError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records();
    let wrong = |error: csv::Error| GroundTruthError::Line {
        line: error.position().map_or(1, csv::Position::line),
        mistake: error.to_string(),
    };
    let Some(header) = lines.next().transpose().map_err(wrong)? else {
        return Err(GroundTruthError::Line { line: 1, mistake: "a header is missing".to_owned() });
    };
    let places = Places::find(&header, &options.columns)?;
    let mut rules = Vec::new();
    // Rules with the same label share it.
    let mut labels = HashSet::new();
    for cells in lines {
        let cells = cells.map_err(wrong)?;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let number = cells.position().map_or(1, csv::Position::line);
        let line = Line { places: &places, cells: &cells, number };
        rules.push(line.rule(options, &mut labels)?);
    }
    Ok(rules)
}

impl<'a> Places<'a> {
    fn find(
        header: &'a StringRecord,
        columns: &[(String, String)],
    ) -> Result<Self, GroundTruthError> {
        let wrong = |mistake| GroundTruthError::Line { line: 1, mistake };
        let mut places = [None; HEADINGS.len()];
        for (name, heading) in columns {
            let known = HEADINGS.iter().position(|(known, _)| known == name);
            let place = known.and_then(|known| places.get_mut(known));
            let place = place.ok_or_else(|| GroundTruthError::Column { name: name.clone() })?;
            let found = header.iter().position(|cell| cell == heading);
            *place = Some(found.ok_or_else(|| wrong(format!("there is no column '{heading}'")))?);
        }
        let plain = |heading: &str| {
            let letters = heading.chars().filter(char::is_ascii_alphanumeric);
            letters.collect::<String>().to_ascii_lowercase()
        };
        let headings: Vec<_> = header.iter().map(plain).collect();
        for (place, (name, variants)) in places.iter_mut().zip(HEADINGS) {
            if place.is_some() {
                continue;
            }
            let is_named = |heading: &&String| variants.contains(&heading.as_str());
            let mut found = headings.iter().enumerate().filter(|(_, one)| is_named(one));
            let first = found.next();
            if let (Some((first, _)), Some((second, _))) = (first, found.next()) {
                let heading = |place| header.get(place).unwrap_or_default();
                return Err(wrong(format!(
                    "'{}' and '{}' are both {name}; map {name} to one of them",
                    heading(first),
                    heading(second)
                )));
            }
            *place = first.map(|(place, _)| place);
        }
        if let [.., None] = places {
            return Err(wrong(
                "there is no column 'label'; map label to a heading of the file".to_owned(),
            ));
        }
        Ok(Self { header, places })
    }
}

impl Line<'_> {
    fn rule(
        &self,
        options: &Options,
        labels: &mut HashSet<Arc<str>>,
    ) -> Result<Rule, GroundTruthError> {
        if self.cells.len() != self.places.header.len() {
            let (cells, header) = (self.cells.len(), self.places.header.len());
            let mistake = format!("has {cells} cells, the header {header}");
            return Err(GroundTruthError::Line { line: self.number, mistake });
        }
        let read_time = |text: &str| time(text, options.zone);
        let [source, source_port, destination, destination_port, transport, start, end, label] =
            self.places.places;
        let Some(name) = self.cell(label, |text| Ok(text.to_owned()))? else {
            return Err(self.mistake(label, "the label is missing"));
        };
        let label = match labels.get(name.as_str()) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = name.into();
                labels.insert(Arc::clone(&new));
                new
            }
        };
        let times: [Option<Timestamp>; 2] =
            [self.cell(start, read_time)?, self.cell(end, read_time)?];
        if let [Some(first), Some(last)] = times
            && last < first
        {
            return Err(self.mistake(end, "the interval ends before it starts"));
        }
        Ok(Rule {
            line: self.number,
            subnets: [self.cell(source, subnet)?, self.cell(destination, subnet)?],
            ports: [self.cell(source_port, port)?, self.cell(destination_port, port)?],
            protocol: self.cell(transport, protocol)?,
            start: times[0],
            end: times[1],
            label,
        })
    }

    /// Returns the value in a cell, `None` if it is empty or the file lacks the column.
    fn cell<T>(
        &self,
        place: Option<usize>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, GroundTruthError> {
        let text = place.and_then(|place| self.cells.get(place)).unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(None);
        }
        parse(text).map(Some).map_err(|mistake| self.mistake(place, &mistake))
    }

    fn mistake(&self, place: Option<usize>, mistake: &str) -> GroundTruthError {
        let heading = place.and_then(|place| self.places.header.get(place)).unwrap_or_default();
        let (heading, mistake) = (heading.to_owned(), mistake.to_owned());
        GroundTruthError::Cell { line: self.number, heading, mistake }
    }
}

fn subnet(text: &str) -> Result<Subnet, String> {
    Subnet::parse(text).ok_or_else(|| format!("'{text}' is neither an address nor a network"))
}

fn port(text: &str) -> Result<u16, String> {
    number(text).ok_or_else(|| format!("'{text}' is not a port (0 to 65535)"))
}

fn protocol(text: &str) -> Result<u8, String> {
    let named = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    named
        .map(|(_, number)| *number)
        .or_else(|| number(text))
        .ok_or_else(|| format!("'{text}' is neither a protocol's name nor its number (0 to 255)"))
}

/// Parses a number without a sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
