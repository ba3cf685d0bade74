//! Lists of entries in TOML: the form of the catalogue's data and of rules.
//!
//! Every value keeps its line, so that a mistake in it can be named.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key that a table may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Name of the key.
    pub(crate) name: &'static str,
    /// Form of its value.
    pub(crate) form: Form,
    /// True if each table must have it.
    pub(crate) needed: bool,
}

/// Form of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// A number from 0 to 65,535.
    Number,
    /// A string.
    Text,
    /// A list of strings, at least one.
    Texts,
}

/// A document: fields of its own and a list of tables.
#[derive(Debug)]
pub(crate) struct Document {
    /// Fields outside the list.
    pub(crate) fields: Vec<Field>,
    /// Tables of the list.
    pub(crate) entries: Vec<Entry>,
}

/// A table of a list.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Line of its head, from 1.
    pub(crate) line: usize,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
}

/// A key and its values: numbers in decimal.
#[derive(Debug)]
pub(crate) struct Field {
    /// Name of the key.
    pub(crate) key: &'static str,
    /// The values, each with its line.
    pub(crate) values: Vec<(usize, String)>,
}

/// A mistake in a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mistake {
    /// Line, from 1.
    pub(crate) line: usize,
    /// Key of the value.
    pub(crate) key: Option<String>,
    /// Kind of mistake.
    pub(crate) kind: MistakeKind,
}

/// Kind of mistake in a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum MistakeKind {
    /// A list has no values.
    Empty,
    /// A value has another form.
    Form(&'static str),
    /// A table lacks a key.
    Missing(&'static str),
    /// The document is no TOML.
    Syntax(String),
    /// The key has no meaning.
    Unknown,
}

impl Document {
    /// Reads `text`, whose tables are in the list `list`.
    ///
    /// # Errors
    ///
    /// Fails if the text is no TOML, has other keys or values of another form.
    pub(crate) fn read(
        text: &str,
        outer: &[Key],
        list: &'static str,
        inner: &[Key],
    ) -> Result<Self, Mistake> {
        let lines = Lines::new(text);
        let table = DeTable::parse(text).map_err(|error| Mistake {
            line: error.span().map_or(1, |span| lines.at(span.start)),
            key: None,
            kind: MistakeKind::Syntax(error.message().to_owned()),
        })?;
        let mut entries = Vec::new();
        for (key, value) in table.get_ref() {
            if key.get_ref() != list {
                continue;
            }
            let wrong = |span: usize| Mistake {
                line: lines.at(span),
                key: Some(list.to_owned()),
                kind: MistakeKind::Form("tables"),
            };
            let DeValue::Array(tables) = value.get_ref() else {
                return Err(wrong(key.span().start));
            };
            for entry in tables {
                let DeValue::Table(table) = entry.get_ref() else {
                    return Err(wrong(entry.span().start));
                };
                let line = lines.at(entry.span().start);
                entries.push(Entry { line, fields: fields(table, &lines, line, inner, "")? });
            }
        }
        let fields = fields(table.get_ref(), &lines, 1, outer, list)?;
        Ok(Self { fields, entries })
    }
}

/// Reads the fields of `table`, except `skipped`.
fn fields(
    table: &DeTable<'_>,
    lines: &Lines,
    line: usize,
    keys: &[Key],
    skipped: &str,
) -> Result<Vec<Field>, Mistake> {
    let mut fields = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if name == skipped {
            continue;
        }
        let line = lines.at(key.span().start);
        let mistake = |line, kind| Mistake { line, key: Some(name.to_owned()), kind };
        let Some(known) = keys.iter().find(|known| known.name == name) else {
            return Err(mistake(line, MistakeKind::Unknown));
        };
        let form = match known.form {
            Form::Number => "a number from 0 to 65535",
            Form::Text => "a string",
            Form::Texts => "a list of strings",
        };
        let mut values = Vec::new();
        let mut add = |form_of_value: Form, value: &Spanned<DeValue<'_>>| {
            let line = lines.at(value.span().start);
            let text = match (form_of_value, value.get_ref()) {
                (Form::Number, DeValue::Integer(number)) => number
                    .to_string()
                    .parse::<u16>()
                    .map_err(|_| mistake(line, MistakeKind::Form(form)))?
                    .to_string(),
                (Form::Text, DeValue::String(text)) => text.to_string(),
                _ => return Err(mistake(line, MistakeKind::Form(form))),
            };
            values.push((line, text));
            Ok(())
        };
        match (known.form, value.get_ref()) {
            (Form::Texts, DeValue::Array(list)) => {
                list.iter().try_for_each(|value| add(Form::Text, value))?;
                if values.is_empty() {
                    return Err(mistake(line, MistakeKind::Empty));
                }
            }
            _ => add(known.form, value)?,
        }
        fields.push(Field { key: known.name, values });
    }
    for key in keys.iter().filter(|key| key.needed) {
        if !fields.iter().any(|field| field.key == key.name) {
            return Err(Mistake { line, key: None, kind: MistakeKind::Missing(key.name) });
        }
    }
    Ok(fields)
}

/// Returns the values of `key` among `fields`.
pub(crate) fn values<'f>(fields: &'f [Field], key: &str) -> &'f [(usize, String)] {
    fields.iter().find(|field| field.key == key).map_or(&[], |field| &field.values)
}

/// Returns the one value of `key` among `fields`.
pub(crate) fn value<'f>(fields: &'f [Field], key: &str) -> Option<&'f (usize, String)> {
    values(fields, key).first()
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(
            text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at).collect(),
        )
    }

    /// Returns the line, from 1, of the byte at `at`.
    fn at(&self, at: usize) -> usize {
        self.0.partition_point(|&end| end < at) + 1
    }
}

impl fmt::Display for MistakeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the list is empty"),
            Self::Form(form) => write!(f, "expected {form}"),
            Self::Missing(key) => write!(f, "{key:?} is missing"),
            Self::Syntax(message) => f.write_str(message),
            Self::Unknown => f.write_str("unknown key"),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "line {}, {key:?}: {}", self.line, self.kind),
            None => write!(f, "line {}: {}", self.line, self.kind),
        }
    }
}
