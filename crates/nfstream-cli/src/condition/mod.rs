//! Conditions on flows: expressions over columns in the Common Expression Language.
//!
//! The language is the crate `cel`'s; what is ours is which variables there are, that all types
//! are checked before anything is read, and that messages speak of columns.

mod fault;
mod functions;
mod syntax;
mod types;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelString, CelUInt};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, Program};
use nfstream::features::{Column, Names, Record, Value};
use nfstream::time::TimeUnit;

pub(crate) use fault::Fault;
use types::{Checker, Type};

/// Bytes of an expression, at most. Each may be one more level that reading, checking and
/// evaluation go down, and the stack has room for twice as many.
const LONGEST: usize = 4096;

/// An expression that is true or false of each flow.
pub(crate) struct Condition {
    text: String,
    program: Program,
    environment: Arc<Env>,
    /// The columns that the expression names.
    columns: Vec<&'static Column>,
}

/// The columns of one flow, read when they are asked for.
struct Row<'a> {
    columns: &'a [&'static Column],
    record: &'a Record,
    names: &'a dyn Names,
}

impl Condition {
    /// Reads an expression over the columns of a table with times in `unit`.
    pub(crate) fn new(text: &str, unit: TimeUnit) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            let message = format!("has {} bytes; {LONGEST} are allowed", text.len());
            return Err(Fault::new("", message));
        }
        let environment = functions::environment();
        let program = environment.compile(text).map_err(|errors| syntax::fault(text, &errors))?;
        let mut checker = Checker::new(text, program.source_info(), unit);
        let expression = program.expression();
        match checker.check(expression)? {
            Type::Any | Type::Bool => {}
            other => {
                let message = format!("must be true or false of a flow, and is {other}");
                return Err(checker.fault(expression, message));
            }
        }
        let columns = checker.into_columns();
        Ok(Self { text: text.to_owned(), program, environment: Arc::new(environment), columns })
    }

    /// Returns the columns that the expression names.
    pub(crate) fn columns(&self) -> &[&'static Column] {
        &self.columns
    }

    /// Returns the expression as it was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the expression is true of a flow.
    ///
    /// Not all that can go wrong shows before: numbers can be divided by zero or grow too large.
    pub(crate) fn matches(&self, record: &Record, names: &dyn Names) -> Result<bool, Fault> {
        let row = Row { columns: &self.columns, record, names };
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.set_variable_resolver(&row);
        let value = cel::Value::resolve_val(self.program.expression(), &context);
        let value = value.map_err(|error| syntax::failure(&self.text, record.id, &error))?;
        match value.downcast_ref::<CelBool>() {
            Some(value) => Ok(*value.inner()),
            None => {
                let kind = value.get_type().name();
                let message =
                    format!("must be true or false, and is {kind} for flow {}", record.id);
                Err(Fault::new(&self.text, message))
            }
        }
    }
}

impl Debug for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("text", &self.text).finish_non_exhaustive()
    }
}

impl VariableResolver for Row<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let column = self.columns.iter().find(|column| column.name == variable)?;
        Some(match column.value(self.record, self.names) {
            Value::Unsigned(number) => unsigned(number),
            Value::Signed(number) => CowVal::owned(CelInt::from(number)),
            Value::Float(number) => CowVal::owned(CelDouble::from(number)),
            Value::Bool(flag) => CowVal::owned(CelBool::from(flag)),
            Value::Text(text) => CowVal::owned(CelString::from(text)),
            Value::List(list) => {
                let list =
                    list.into_iter().map(|number| Box::new(CelInt::from(number)) as Box<dyn Val>);
                CowVal::owned(CelList::from(list.collect::<Vec<_>>()))
            }
        })
    }
}

/// Returns a number as an int, in which literals are written, where it fits.
fn unsigned<'b>(number: u64) -> CowVal<'b, 'b> {
    match i64::try_from(number) {
        Ok(number) => CowVal::owned(CelInt::from(number)),
        Err(_) => CowVal::owned(CelUInt::from(number)),
    }
}

/// Reads an expression and asks it about `records`, as far as it gets: what is fuzzed.
#[cfg(any(fuzzing, test))]
#[allow(unreachable_pub, reason = "public where it is fuzzed")]
pub fn judge_all(text: &str, records: &[Record], names: &dyn Names) {
    let condition = match Condition::new(text, TimeUnit::Milliseconds) {
        Ok(condition) => condition,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    for record in records {
        if let Err(fault) = condition.matches(record, names) {
            assert!(!fault.to_string().is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use nfstream::{Config, Run, Step, capture};

    use super::*;

    /// What fuzzing has found, once more.
    #[test]
    fn no_expression_is_more_than_a_fault() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let source = capture::open(&[root.join("tests/captures/redis.pcap")]).unwrap();
        let mut run = Run::new(Box::new(source), &Config::default()).unwrap();
        let schema = Arc::clone(run.schema());
        let mut records = Vec::new();
        while let Step::Records(more) = run.advance().unwrap() {
            records.extend(more);
        }
        for file in std::fs::read_dir(root.join("fuzz/regressions/condition")).unwrap() {
            let text = std::fs::read(file.unwrap().path()).unwrap();
            judge_all(&String::from_utf8_lossy(&text), &records, schema.names());
        }
    }

    fn fault(text: &str) -> String {
        Condition::new(text, TimeUnit::Milliseconds).unwrap_err().to_string()
    }

    fn is_fine(text: &str) {
        if let Err(fault) = Condition::new(text, TimeUnit::Milliseconds) {
            panic!("{fault}");
        }
    }

    #[test]
    fn columns_of_all_types_are_variables() {
        is_fine("src_port == 443 && total_bytes > 1000 && bidirectional_mean_ps >= 60");
        is_fine("application_name.startsWith('TLS') || 'DNS' in [application_name, category_name]");
        is_fine("application_is_guessed ? protocol == 6 : protocol in [17, 132]");
        is_fine("splt_ps.exists(size, size > 1000) && size(splt_ps) > 2 && splt_ps[0] < 100");
        is_fine("splt_direction.filter(way, way == 1).size() >= 2");
        is_fine("splt_ps.map(size, size * 2)[1] == 80 && splt_ps.exists_one(s, s == 1)");
        is_fine("double(src2dst_bytes) / double(total_bytes) > 0.9");
        is_fine("requested_server_name.matches('(^|[.])example[.]org$')");
        is_fine("!(expiration_id == -1) && -duration < 0 && dst_ip != string(7)");
    }

    #[test]
    fn long_expressions_are_refused_before_they_exhaust_the_stack() {
        let sum = format!("{} > 1", ["id"; 40_000].join("+"));
        assert_eq!(fault(&sum), "has 120003 bytes; 4096 are allowed");
    }

    #[test]
    fn columns_are_those_that_are_named() {
        let text = "src_port == 1 || splt_ps.all(id, id > src_port)";
        let condition = Condition::new(text, TimeUnit::Milliseconds).unwrap();
        let names: Vec<_> = condition.columns().iter().map(|column| column.name).collect();
        assert_eq!(names, ["src_port", "splt_ps"]);
    }

    #[test]
    fn times_have_the_names_of_their_unit() {
        assert!(Condition::new("src2dst_duration_us > 1", TimeUnit::Microseconds).is_ok());
        assert!(Condition::new("src2dst_duration_ms > 1", TimeUnit::Microseconds).is_err());
    }

    #[test]
    fn types_that_do_not_go_together_are_told() {
        assert_eq!(
            fault("src_port == '443'"),
            "an int is never equal to a string\n  src_port == '443'\n           ^^"
        );
        assert_eq!(
            fault("src2dst_bytes / 2.0 > 1.0"),
            "an int and a double have no '/'; double(…) or int(…) makes one like the other\n  \
             src2dst_bytes / 2.0 > 1.0\n                ^"
        );
        assert_eq!(
            fault("total_bytes"),
            "must be true or false of a flow, and is an int\n  total_bytes\n  ^^^^^^^^^^^"
        );
        assert_eq!(
            fault("'DNS' in application_name"),
            "what 'in' looks into must be a list, and is a string; text.contains(part) looks into \
             text\n  'DNS' in application_name\n        ^^"
        );
    }

    #[test]
    fn names_that_were_meant_are_suggested() {
        assert_eq!(
            fault("src_prt == 443"),
            "no column 'src_prt'; did you mean 'src_port'?\n  src_prt == 443\n  ^^^^^^^"
        );
        assert_eq!(
            fault("application_name == TLS"),
            "no column 'TLS'; 'nfstream columns' lists them, and text stands in quotes\n  \
             application_name == TLS\n                      ^^^"
        );
        assert_eq!(
            fault("src_ip.startWith('10.')"),
            "no function 'startWith'; did you mean 'startsWith'?\n  \
             src_ip.startWith('10.')\n                  ^"
        );
    }

    #[test]
    fn slips_of_syntax_are_told() {
        assert!(fault("src_port = 443").contains("'==' compares"));
        assert!(fault("src_port == 443 and protocol == 6").contains("'&&'"));
        assert!(fault("src_port ==").starts_with("ends too early"));
        assert!(fault("").starts_with("ends too early"));
        assert!(fault("src_ip.matches('(')").contains("regular expression"));
    }
}
