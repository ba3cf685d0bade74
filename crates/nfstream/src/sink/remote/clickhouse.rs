//! Rows to a table of ClickHouse, over its HTTP interface.

use std::ops::RangeInclusive;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::client::Client;
use super::http::{MISSING, ROWS, rows};
use super::options::{CA, CERTIFICATE, KEY, OptionHelp};
use super::receiver::{Failure, Receiver, Sent};
use super::rows::encode;
use super::{Contents, DestinationError, Scheme, Setup};
use crate::sink::Format;

pub(super) const SCHEMES: &[Scheme] = &[
    Scheme {
        name: "clickhouse",
        description: "Rows to a table of ClickHouse, over HTTP",
        example: "clickhouse://127.0.0.1:8123/default/flows#create=yes",
        options: &[ROWS, CREATE],
        contents: Contents::Columns,
        missing: MISSING,
        receiver: |setup| receiver(setup, false),
    },
    Scheme {
        name: "clickhouse+https",
        description: "Rows to a table of ClickHouse, over HTTPS",
        example: "clickhouse+https://server.example:8443/default/flows",
        options: &[ROWS, CREATE, CA, CERTIFICATE, KEY],
        contents: Contents::Columns,
        missing: MISSING,
        receiver: |setup| receiver(setup, true),
    },
];

const CREATE: OptionHelp = OptionHelp {
    name: "create",
    default: "no",
    description: "yes to create the table if it does not exist",
};

/// Codes of temporary exceptions: too slow, too many queries, network, out of memory, read-only, too
/// many parts, replicas that disagree or are missing, Keeper.
const PASSING: [u32; 14] = [159, 202, 209, 210, 225, 241, 242, 252, 279, 285, 286, 319, 439, 999];

struct Table {
    client: Client,
    /// Quoted name of the table, with its database.
    name: String,
    creates: bool,
    rows: usize,
    /// Columns of whole numbers, as the table has them.
    numbers: Vec<Number>,
}

/// Column of whole numbers, which the server would truncate to its type without an error.
#[derive(Debug)]
struct Number {
    name: String,
    data_type: String,
    range: RangeInclusive<i128>,
}

#[cfg_attr(
    not(feature = "http"),
    allow(unreachable_code, unused_variables, reason = "there is no client")
)]
fn receiver(setup: Setup, is_secure: bool) -> Result<Box<dyn Receiver>, DestinationError> {
    setup.without_query()?;
    let path = super::url::decode(&setup.url.path)?;
    let name = match path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        [database, table] if !database.is_empty() && !table.is_empty() => {
            format!("{}.{}", quoted(database), quoted(table))
        }
        _ => return Err(setup.part("it needs the names of a database and a table")),
    };
    let client = Client::new(&setup, is_secure, if is_secure { 8443 } else { 8123 }, "/")?;
    let client = client.with_passing(is_passing);
    let secret = |name| setup.options.secrets.value(name);
    let client = match setup.url.user.as_deref().or_else(|| secret("user")) {
        Some(user) => client.with_header("x-clickhouse-user", user.to_owned()),
        None => client,
    };
    let client = match secret("password") {
        Some(password) => client.with_header("x-clickhouse-key", password.to_owned()),
        None => client,
    };
    let (creates, rows) = (setup.options.flag(&CREATE)?, rows(&setup.options)?);
    Ok(Box::new(Table { client, name, creates, rows, numbers: Vec::new() }))
}

/// Returns whether a failure with this text may be temporary: any but exceptions about the request
/// itself.
fn is_passing(text: &str) -> bool {
    let Some((before, _)) = text.split_once("DB::Exception") else { return true };
    let code = before.rsplit_once("Code: ").and_then(|(_, rest)| rest.split(['.', ',']).next());
    code.and_then(|code| code.trim().parse().ok()).is_some_and(|code| PASSING.contains(&code))
}

impl Table {
    /// Runs a statement and returns its answer.
    fn run(&self, statement: &str) -> Result<String, Failure> {
        Ok(self.client.post(&format!("?query={}", encoded(statement)), b"", true)?.0)
    }

    /// Returns names and types of the table's columns.
    fn columns(&self) -> Result<Vec<(String, String)>, Failure> {
        let lines = self.run(&format!("DESCRIBE TABLE {} FORMAT TabSeparated", self.name))?;
        let column = |line: &str| {
            let mut parts = line.split('\t').map(unescaped);
            Some((parts.next()?, parts.next()?))
        };
        Ok(lines.lines().filter_map(column).collect())
    }
}

impl Number {
    fn new(name: &str, data_type: &str) -> Option<Self> {
        let range = range_of(data_type)?;
        Some(Self { name: name.to_owned(), data_type: data_type.to_owned(), range })
    }

    /// Returns a value of a batch that is out of range, `None` if there is none.
    fn exceeding(&self, batch: &RecordBatch) -> Option<i128> {
        let column = batch.column_by_name(&self.name)?;
        let is_outside = |number: &i128| !self.range.contains(number);
        let short = column.as_primitive_opt::<Int32Type>().into_iter().flatten();
        let short = short.flatten().map(i128::from).find(is_outside);
        let long = column.as_primitive_opt::<Int64Type>().into_iter().flatten();
        short.or_else(|| long.flatten().map(i128::from).find(is_outside))
    }
}

impl Receiver for Table {
    fn connect(&mut self, schema: &SchemaRef) -> Result<(), Failure> {
        self.client.probe()?;
        if self.creates {
            self.run(&statement(&self.name, schema))?;
        }
        let columns = self.columns()?;
        let is_known = |name: &String| columns.iter().any(|(known, _)| known == name);
        let names = schema.fields().iter().map(|field| field.name().clone());
        match names.filter(|name| !is_known(name)).collect::<Vec<_>>().as_slice() {
            [] => {
                let numbers = columns.iter();
                let numbers = numbers.filter_map(|(name, kind)| Number::new(name, kind));
                self.numbers = numbers.collect();
                Ok(())
            }
            missing => {
                let missing = missing.join(", ");
                let message = format!("the table lacks columns: {missing}; use --columns, or add");
                Err(Failure::permanent(format!("{message} them to the table")))
            }
        }
    }

    fn send(&mut self, batch: &RecordBatch) -> Result<Sent, Failure> {
        for number in &self.numbers {
            if let Some(value) = number.exceeding(batch) {
                let Number { name, data_type, .. } = number;
                let text = format!("{name} is {value}, but has the type {data_type} in the table");
                return Err(Failure::permanent(text));
            }
        }
        let fields = batch.schema_ref().fields().iter();
        let columns: Vec<_> = fields.map(|field| quoted(field.name())).collect();
        let columns = columns.join(", ");
        let statement = format!("INSERT INTO {} ({columns}) FORMAT JSONEachRow", self.name);
        let mut query = format!("?query={}", encoded(&statement));
        let has_times = |data_type: &DataType| matches!(data_type, DataType::Timestamp(..));
        if batch.schema_ref().fields().iter().any(|field| has_times(field.data_type())) {
            query.push_str("&date_time_input_format=best_effort");
        }
        let (_, bytes) = self.client.post(&query, &encode(Format::JSON_LINES, batch)?, true)?;
        Ok(Sent { bytes, rejected: None })
    }

    fn close(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn most_rows(&self) -> usize {
        self.rows
    }
}

/// Returns the statement that creates a table for rows of `schema`.
fn statement(name: &str, schema: &Schema) -> String {
    let columns = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", quoted(field.name()), type_of(field.data_type())));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let has = |name: &str| schema.index_of(name).is_ok();
    let order = ["first_seen", "id"].into_iter().filter(|name| has(name)).collect::<Vec<_>>();
    let order = match order.as_slice() {
        [] => "tuple()".to_owned(),
        order => format!("({})", order.join(", ")),
    };
    format!("CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = MergeTree() ORDER BY {order}")
}

/// Returns the type of a column in a table.
fn type_of(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "UInt8".to_owned(),
        DataType::Int32 => "Int32".to_owned(),
        DataType::Int64 => "Int64".to_owned(),
        DataType::Float64 => "Float64".to_owned(),
        DataType::Timestamp(unit, _) => {
            let digits = match unit {
                arrow_schema::TimeUnit::Second => 0,
                arrow_schema::TimeUnit::Millisecond => 3,
                arrow_schema::TimeUnit::Microsecond => 6,
                arrow_schema::TimeUnit::Nanosecond => 9,
            };
            format!("DateTime64({digits}, 'UTC')")
        }
        DataType::List(field) | DataType::FixedSizeList(field, _) => {
            format!("Array({})", type_of(field.data_type()))
        }
        _ => "String".to_owned(),
    }
}

/// Returns the range of a type of a table, `None` unless it is one of whole numbers.
fn range_of(data_type: &str) -> Option<RangeInclusive<i128>> {
    let inside = |data_type| {
        let outer = ["Nullable(", "LowCardinality("];
        outer.iter().find_map(|outer| str::strip_prefix(data_type, outer)?.strip_suffix(')'))
    };
    let mut data_type = data_type;
    // A loop, as the server chooses the depth.
    while let Some(inner) = inside(data_type) {
        data_type = inner;
    }
    Some(match data_type {
        "Int8" => i8::MIN.into()..=i8::MAX.into(),
        "Int16" => i16::MIN.into()..=i16::MAX.into(),
        "Int32" => i32::MIN.into()..=i32::MAX.into(),
        "UInt8" => 0..=u8::MAX.into(),
        "UInt16" => 0..=u16::MAX.into(),
        "UInt32" => 0..=u32::MAX.into(),
        "UInt64" => 0..=u64::MAX.into(),
        _ => return None,
    })
}

/// Returns a name in backticks.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Returns a name of an answer without its escapes.
fn unescaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

/// Returns text in the form of a URL's query.
fn encoded(text: &str) -> String {
    let mut query = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                query.push(char::from(byte));
            }
            byte => query.push_str(&format!("%{byte:02X}")),
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn types_of_whole_numbers_have_a_range_at_any_depth() {
        assert_eq!(range_of("LowCardinality(Nullable(UInt8))"), Some(0..=255));
        for other in ["String", "Nullable(String)", "Nullable(UInt8", "UInt8)", ""] {
            assert_eq!(range_of(other), None, "{other}");
        }
        let deep = format!("{}Int8{}", "Nullable(".repeat(1 << 20), ")".repeat(1 << 20));
        assert_eq!(range_of(&deep), Some(-128..=127));
    }

    #[test]
    fn a_table_is_created_with_types_of_the_columns() {
        let list = DataType::new_list(DataType::Int32, true);
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("a`b", list, false),
            Field::new("name", DataType::Utf8, false),
        ]);
        let name = format!("{}.{}", quoted("db"), quoted("x\\y"));
        assert_eq!(
            statement(&name, &schema),
            "CREATE TABLE IF NOT EXISTS `db`.`x\\\\y` (`id` Int64, `a\\`b` Array(Int32), `name` \
             String) ENGINE = MergeTree() ORDER BY (id)"
        );
        assert_eq!(encoded("a b&`é"), "a%20b%26%60%C3%A9");
        assert_eq!(unescaped("a\\'b\\\\c"), "a'b\\c");
    }

    #[test]
    fn numbers_that_do_not_fit_are_found() {
        let ports: arrow_array::ArrayRef =
            std::sync::Arc::new(arrow_array::Int32Array::from(vec![Some(53), None, Some(1024)]));
        let batch = RecordBatch::try_from_iter([("port", ports)]).unwrap();
        let exceeding = |data_type| Number::new("port", data_type)?.exceeding(&batch);
        assert_eq!(exceeding("UInt8"), Some(1024));
        assert_eq!(exceeding("LowCardinality(Nullable(Int8))"), Some(1024));
        assert_eq!(exceeding("UInt16"), None);
        assert_eq!(exceeding("String"), None);
    }

    #[test]
    fn some_exceptions_of_clickhouse_pass() {
        assert!(is_passing("Code: 252. DB::Exception: Too many parts (300)."));
        assert!(is_passing("Code: 241, e.displayText() = DB::Exception: Memory limit"));
        assert!(is_passing("<html>Internal Server Error</html>"));
        assert!(!is_passing("Code: 60. DB::Exception: Table default.flows does not exist."));
        assert!(!is_passing("DB::Exception"));
    }
}
