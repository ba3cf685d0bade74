//! Columns that supply the values of a model.

use super::ModelError;
use super::signature::Input;
use crate::features::{Column, Headings, Nameless, Presence, Read, Record, Value, nearest};

/// Supplier of one value: a column, or an item of a column of lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) column: &'static Column,
    /// Position of the item in the list, from 0.
    item: Option<usize>,
}

/// Columns of a run, as a model may name them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Available<'a> {
    pub(crate) columns: &'a [&'static Column],
    /// Whether flows are dissected.
    pub(crate) dissects: bool,
    /// Whether the run has databases of addresses.
    pub(crate) has_places: bool,
    /// Packets in the lists of the group `splt`.
    pub(crate) splt_packets: usize,
}

/// Reader of the values of one record after another.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// List read last, and its column.
    list: Option<(&'static str, Vec<f64>)>,
}

impl Available<'_> {
    /// Returns the source called `name` for an input.
    ///
    /// # Errors
    ///
    /// [`ModelError::Column`] if there is none, or its values do not fit the input.
    pub(super) fn source(&self, name: &str, input: &Input) -> Result<Source, ModelError> {
        let wrong = |problem: String| ModelError::Column { name: name.to_owned(), problem };
        let source = self.find(name).ok_or_else(|| {
            let names = self.columns.iter().map(|column| column.name);
            wrong(match nearest(name, names) {
                Some(meant) => format!("does not exist; did you mean '{meant}'?"),
                None => "does not exist; 'nfstream columns' lists the columns".to_owned(),
            })
        })?;
        let column = source.column;
        if column.is_list() && source.item.is_none() {
            return Err(wrong(format!(
                "holds lists; a model takes their items: {name}_1, {name}_2 …"
            )));
        }
        if matches!(column.read, Read::Bytes(_)) {
            return Err(wrong("holds bytes; models take numbers".to_owned()));
        }
        if matches!(column.read, Read::Text(_) | Read::Name { .. }) {
            return Err(wrong("holds text; models take numbers".to_owned()));
        }
        if column.group.needs_inspection() && !self.dissects {
            return Err(wrong("needs a dissector".to_owned()));
        }
        match column.group.declaration().presence {
            Presence::GeoIp if !self.has_places => {
                return Err(wrong("needs databases of addresses".to_owned()));
            }
            Presence::Processes | Presence::Shards => {
                return Err(wrong("is not available to models".to_owned()));
            }
            _ => {}
        }
        if matches!(column.read, Read::Packets(_))
            && let Some(item) = source.item
            && item >= self.splt_packets
        {
            let (has, needs) = (self.splt_packets, item + 1);
            return Err(wrong(format!(
                "is beyond the {has} packets of the lists; set splt_analysis to at least {needs}"
            )));
        }
        let is_nullable = column.is_nullable() || column.is_list();
        if is_nullable && !input.number.has_nan() {
            let input = &input.name;
            return Err(wrong(format!(
                "can be null, which the whole numbers of input '{input}' cannot express; convert \
                 the model with inputs of floating-point numbers"
            )));
        }
        Ok(source)
    }

    /// Finds a column by its name or heading, or an item of a column of lists by the number after
    /// its name.
    fn find(&self, name: &str) -> Option<Source> {
        if let Some(column) = self.column(name) {
            return Some(Source { column, item: None });
        }
        let (list, number) = name.rsplit_once('_')?;
        let column = self.column(list).filter(|column| column.is_list())?;
        let item = number.parse::<usize>().ok()?.checked_sub(1)?;
        Some(Source { column, item: Some(item) })
    }

    fn column(&self, name: &str) -> Option<&'static Column> {
        let mut all = self.columns.iter().copied();
        all.clone()
            .find(|column| column.name == name)
            .or_else(|| all.find(|column| Headings::Cic.heading(column.name) == name))
    }
}

impl Reader {
    /// Forgets the last record.
    pub(super) fn begin(&mut self) {
        self.list = None;
    }

    /// Returns the value of `source` in `record`, NaN if there is none.
    pub(super) fn value(&mut self, source: &Source, record: &Record) -> f64 {
        let Some(item) = source.item else {
            return match source.column.value(record, &Nameless) {
                Value::Integer(number) => whole(number),
                Value::Float(number) => number,
                Value::Bool(flag) => f64::from(u8::from(flag)),
                _ => f64::NAN,
            };
        };
        let name = source.column.name;
        if self.list.as_ref().is_none_or(|(known, _)| *known != name) {
            let list = match source.column.value(record, &Nameless) {
                Value::List(list) => list.into_iter().map(whole).collect(),
                Value::Floats(list) => list,
                _ => Vec::new(),
            };
            self.list = Some((name, list));
        }
        let (_, list) = self.list.get_or_insert_default();
        list.get(item).copied().unwrap_or(f64::NAN)
    }
}

/// Returns the floating-point number nearest to a whole one.
fn whole(number: i64) -> f64 {
    crate::features::cell::nearest(number)
}
