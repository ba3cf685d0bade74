//! Recorded results: compared, or rewritten if `NFSTREAM_BLESS=1` is set.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the sample captures of the workspace, sorted by name.
pub fn captures() -> Vec<PathBuf> {
    captures_in("tests/captures")
}

/// Returns the captures of real programs, sorted by name.
pub fn lab_captures() -> Vec<PathBuf> {
    captures_in("tests/captures/lab")
}

fn captures_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let is_capture = |path: &PathBuf| {
        let kind = path.extension().unwrap_or_default();
        ["pcap", "pcapng", "gz", "zst"].iter().any(|known| kind == *known)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut captures: Vec<_> = entries.map(|entry| entry.path()).filter(is_capture).collect();
    captures.sort();
    captures
}

/// Folder of recorded tables in CSV.
#[derive(Debug)]
pub struct Golden {
    folder: PathBuf,
    bless: bool,
    /// Columns left out of the comparison.
    skipped: Vec<String>,
    seen: BTreeSet<String>,
    differences: Vec<String>,
}

impl Golden {
    /// Opens the folder `tests/golden/NAME` of the workspace; leaves the columns `skipped` out of
    /// the comparison.
    pub fn open(name: &str, skipped: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name);
        let bless = std::env::var_os("NFSTREAM_BLESS").is_some_and(|value| value == "1");
        let skipped = skipped.iter().map(|&column| column.to_owned()).collect();
        Self { folder, bless, skipped, seen: BTreeSet::new(), differences: Vec::new() }
    }

    /// Compares a table with the recorded one of the same name.
    ///
    /// # Panics
    ///
    /// Panics if the table cannot be rewritten.
    pub fn check(&mut self, name: &str, table: &str) {
        let file = format!("{name}.csv");
        let path = self.folder.join(&file);
        self.seen.insert(file);
        if self.bless && self.skipped.is_empty() {
            fs::create_dir_all(&self.folder).expect("the folder of golden results can be made");
            fs::write(&path, table).expect("a golden result can be written");
            return;
        }
        let Ok(recorded) = fs::read_to_string(&path) else {
            self.differences.push(format!("{}: not recorded", path.display()));
            return;
        };
        self.compare(name, &recorded, table);
    }

    /// Ends the comparison.
    ///
    /// # Panics
    ///
    /// Panics if a table differs from the recorded one, or a recorded one was not checked.
    pub fn finish(self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let recorded = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let stale = recorded.filter(|file| !self.seen.contains(file));
        let differences: Vec<_> = self
            .differences
            .iter()
            .cloned()
            .chain(stale.map(|file| format!("{file}: recorded, but of no capture")))
            .collect();
        assert!(
            differences.is_empty(),
            "{}\nAre these meant? Record them with NFSTREAM_BLESS=1 and read the diff.",
            differences.join("\n")
        );
    }

    fn compare(&mut self, name: &str, recorded: &str, table: &str) {
        let [recorded, table] = [recorded, table].map(lines);
        if recorded.len() != table.len() {
            let (before, now) = (recorded.len(), table.len());
            self.differences.push(format!("{name}: {now} lines, recorded are {before}"));
        }
        let header = table.first().cloned().unwrap_or_default();
        for (number, (before, now)) in recorded.iter().zip(&table).enumerate() {
            let columns = before.len().max(now.len());
            for place in 0..columns {
                let column = header.get(place).map_or("?", String::as_str);
                if before.get(place) != now.get(place)
                    && !self.skipped.iter().any(|skipped| skipped == column)
                {
                    let [before, now] = [before, now]
                        .map(|line| line.get(place).map_or("nothing", String::as_str).to_owned());
                    self.differences.push(format!(
                        "{name}, line {}: {column} is {now:?}, recorded is {before:?}",
                        number + 1
                    ));
                }
            }
        }
    }
}

fn lines(table: &str) -> Vec<Vec<String>> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table.as_bytes());
    let lines = reader.records().map(|line| line.expect("tables are valid CSV"));
    lines.map(|line| line.iter().map(str::to_owned).collect()).collect()
}
