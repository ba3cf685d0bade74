//! Conditions on flows: expressions over columns in the Common Expression Language (CEL).
//!
//! The crate `cel` parses and evaluates. This module supplies the columns as variables, checks
//! all types before the first flow, and words the errors.
//!
//! ```
//! use nfstream::condition::Condition;
//! use nfstream::features::columns;
//! use nfstream::time::TimeUnit;
//!
//! let known = || columns(TimeUnit::Milliseconds);
//! let condition = Condition::parse("dst_port == 443 && total_bytes > 1000", known())?;
//! let names: Vec<_> = condition.columns().iter().map(|column| column.name).collect();
//! assert_eq!(names, ["dst_port", "total_bytes"]);
//!
//! let error = Condition::parse("dst_prt == 443", known()).unwrap_err();
//! assert_eq!(error.message(), "no column 'dst_prt'; did you mean 'dst_port'?");
//! assert_eq!(error.place(), Some(0..7));
//! # Ok::<(), nfstream::condition::ConditionError>(())
//! ```

mod budget;
mod constants;
mod error;
mod functions;
mod networks;
mod parsed;
mod syntax;
mod types;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cel::common::types::{CelBool, CelBytes, CelDouble, CelInt, CelList, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, IdedExpr};

pub use error::ConditionError;
pub(crate) use parsed::Parsed;

use crate::features::{Column, Names, Record, Value};
use crate::time::TimeUnit;
use constants::{Constants, Mistake};
use types::{Checker, Type};

/// Maximum length of an expression in bytes. Each byte may nest one level deeper in the parser, the
/// checker and the evaluation; the stack has room for twice as many.
const LONGEST: usize = 4096;

/// Expression that is true or false for each flow.
pub struct Condition {
    text: String,
    /// The expression, with a limit on its steps.
    expression: IdedExpr,
    environment: Arc<Env>,
    /// The columns that the expression names.
    columns: Vec<&'static Column>,
    /// Name of the variable for the origin of a flow, such as its capture.
    origin: Option<&'static str>,
}

/// Columns of one flow, read on demand.
struct Row<'a> {
    columns: &'a [&'static Column],
    /// Name and value of the variable for the flow's origin.
    origin: Option<(&'static str, &'a str)>,
    record: &'a Record,
    names: &'a dyn Names,
    /// Whether a column read so far is null.
    has_null: AtomicBool,
}

impl Condition {
    /// Parses an expression over `columns`: those of a schema, or all that a table can have.
    ///
    /// # Errors
    ///
    /// [`ConditionError`] with the place of a mistake in syntax or types, and the nearest name for
    /// a misspelt column or function.
    pub fn parse(
        text: &str,
        columns: impl IntoIterator<Item = &'static Column>,
    ) -> Result<Self, ConditionError> {
        Self::parse_with_origin(text, columns, None)
    }

    /// Parses an expression over `columns` and the origin of a flow, a text variable with the name
    /// `origin`.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse).
    pub fn parse_with_origin(
        text: &str,
        columns: impl IntoIterator<Item = &'static Column>,
        origin: Option<&'static str>,
    ) -> Result<Self, ConditionError> {
        if text.len() > LONGEST {
            let message = format!("has {} bytes; at most {LONGEST} are allowed", text.len());
            return Err(ConditionError::new("", message));
        }
        let environment = functions::environment();
        let program = environment.compile(text).map_err(|errors| syntax::error(text, &errors))?;
        let known: Vec<_> = columns.into_iter().collect();
        let mut expression = program.expression().clone();
        let unit = known.first().map_or_else(TimeUnit::default, |column| column.times());
        let is_variable = |name: &str| {
            origin == Some(name) || known.iter().any(|column: &&Column| column.name == name)
        };
        let replaced = Constants::new(unit, &is_variable).replace(&mut expression);
        let mut checker = Checker::new(text, program.source_info(), known, origin);
        replaced.map_err(|Mistake { at, message }| checker.error_at(at, message))?;
        match checker.check(&expression)? {
            Type::Any | Type::Bool => {}
            other => {
                let message = format!("must be true or false, not {other}");
                return Err(checker.error(&expression, message));
            }
        }
        let columns = checker.into_columns();
        let expression = budget::limited(&expression);
        let (text, environment) = (text.to_owned(), Arc::new(environment));
        Ok(Self { text, expression, environment, columns, origin })
    }

    /// Returns the columns that the expression names: a run must measure their groups.
    pub fn columns(&self) -> &[&'static Column] {
        &self.columns
    }

    /// Returns the expression as given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the expression is true for a flow; `names` are those of the run's schema.
    ///
    /// A comparison or calculation with null is neither true nor false, so a flow for which the
    /// result depends on it does not match.
    ///
    /// # Errors
    ///
    /// [`ConditionError`] for mistakes that only values show: a division by zero, an overflow, an
    /// index beyond the end of a list, or more than a million visits to elements of lists.
    pub fn matches(&self, record: &Record, names: &dyn Names) -> Result<bool, ConditionError> {
        self.matches_of(record, names, "")
    }

    /// Returns whether the expression is true for a flow from `origin`.
    ///
    /// # Errors
    ///
    /// Those of [`matches`](Self::matches).
    pub fn matches_of(
        &self,
        record: &Record,
        names: &dyn Names,
        origin: &str,
    ) -> Result<bool, ConditionError> {
        let origin = self.origin.map(|name| (name, origin));
        let has_null = AtomicBool::new(false);
        let row = Row { columns: &self.columns, origin, record, names, has_null };
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.set_variable_resolver(&row);
        budget::start();
        let value = cel::Value::resolve_val(&self.expression, &context);
        if budget::is_exceeded() {
            return Err(syntax::too_many_steps(&self.text, record.id, budget::BUDGET));
        }
        let value = match value {
            // Null has no order and no sum, so the condition is not known to be true.
            Err(_) if row.has_null.load(Ordering::Relaxed) => return Ok(false),
            value => value.map_err(|error| syntax::failure(&self.text, record.id, &error))?,
        };
        match value.downcast_ref::<CelBool>() {
            Some(value) => Ok(*value.inner()),
            None => {
                let kind = value.get_type().name();
                let message = format!("must be true or false, not {kind}, for flow {}", record.id);
                Err(ConditionError::new(&self.text, message))
            }
        }
    }

    /// Removes the records for which the expression is false.
    ///
    /// # Errors
    ///
    /// Those of [`matches`](Self::matches).
    pub fn filter(
        &self,
        records: Vec<Record>,
        names: &dyn Names,
    ) -> Result<Vec<Record>, ConditionError> {
        self.filter_of(records, names, "")
    }

    /// Removes the records for which the expression is false. All have the same `origin`.
    ///
    /// # Errors
    ///
    /// Those of [`matches`](Self::matches).
    pub fn filter_of(
        &self,
        records: Vec<Record>,
        names: &dyn Names,
        origin: &str,
    ) -> Result<Vec<Record>, ConditionError> {
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            if self.matches_of(&record, names, origin)? {
                kept.push(record);
            }
        }
        Ok(kept)
    }
}

impl Debug for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("text", &self.text).finish_non_exhaustive()
    }
}

impl VariableResolver for Row<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some((_, origin)) = self.origin.filter(|(name, _)| *name == variable) {
            return Some(CowVal::owned(CelString::from(origin.to_owned())));
        }
        let column = self.columns.iter().find(|column| column.name == variable)?;
        Some(match column.value(self.record, self.names) {
            Value::Null => {
                self.has_null.store(true, Ordering::Relaxed);
                CowVal::owned(CelNull)
            }
            Value::Integer(number) => CowVal::owned(CelInt::from(number)),
            Value::Float(number) => CowVal::owned(CelDouble::from(number)),
            Value::Bool(flag) => CowVal::owned(CelBool::from(flag)),
            Value::Floats(list) => {
                let list = list.into_iter();
                let list = list.map(|number| Box::new(CelDouble::from(number)) as Box<dyn Val>);
                CowVal::owned(CelList::from(list.collect::<Vec<_>>()))
            }
            Value::Bytes(bytes) => CowVal::owned(CelBytes::from(bytes)),
            Value::Text(text) => CowVal::owned(CelString::from(text)),
            Value::List(list) => {
                let list =
                    list.into_iter().map(|number| Box::new(CelInt::from(number)) as Box<dyn Val>);
                CowVal::owned(CelList::from(list.collect::<Vec<_>>()))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::columns;
    use crate::time::TimeUnit;

    fn parse(text: &str) -> Result<Condition, ConditionError> {
        Condition::parse(text, columns(TimeUnit::Milliseconds))
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    fn is_fine(text: &str) {
        if let Err(error) = parse(text) {
            panic!("{error}");
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
        assert_eq!(error(&sum), "has 120003 bytes; at most 4096 are allowed");
    }

    #[test]
    fn columns_are_the_named_ones() {
        let text = "src_port == 1 || splt_ps.all(id, id > src_port)";
        let condition = parse(text).unwrap();
        let names: Vec<_> = condition.columns().iter().map(|column| column.name).collect();
        assert_eq!(names, ["src_port", "splt_ps"]);
    }

    #[test]
    fn times_have_the_names_of_their_unit() {
        let parse = |text| Condition::parse(text, columns(TimeUnit::Microseconds));
        assert!(parse("src2dst_duration_us > 1").is_ok());
        assert!(parse("src2dst_duration_ms > 1").is_err());
    }

    #[test]
    fn types_that_do_not_fit_are_explained() {
        assert_eq!(
            error("src_port == '443'"),
            "an int is never equal to a string\n  src_port == '443'\n           ^^"
        );
        assert_eq!(
            error("src2dst_bytes / 2.0 > 1.0"),
            "'/' does not take an int and a double; convert one with double(…) or int(…)\n  \
             src2dst_bytes / 2.0 > 1.0\n                ^"
        );
        assert_eq!(
            error("total_bytes"),
            "must be true or false, not an int\n  total_bytes\n  ^^^^^^^^^^^"
        );
        assert_eq!(
            error("'DNS' in application_name"),
            "'in' takes a list on its right, not a string; use text.contains(part) to search \
             text\n  'DNS' in application_name\n        ^^"
        );
    }

    #[test]
    fn columns_with_nulls_are_compared_with_null() {
        is_fine("cic_down_up_ratio == null || cic_down_up_ratio > 1.0");
        is_fine("cic_icmp_type != null && cic_icmp_type == 8");
        assert!(error("src_ip == null").contains("never equal"));
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        assert_eq!(
            error("src_prt == 443"),
            "no column 'src_prt'; did you mean 'src_port'?\n  src_prt == 443\n  ^^^^^^^"
        );
        assert_eq!(
            error("application_name == TLS"),
            "no column 'TLS'; 'nfstream columns' lists them, and text needs quotes\n  \
             application_name == TLS\n                      ^^^"
        );
        assert_eq!(
            error("src_ip.startWith('10.')"),
            "no function 'startWith'; did you mean 'startsWith'?\n  \
             src_ip.startWith('10.')\n                  ^"
        );
    }

    #[test]
    fn networks_times_and_protocols_are_part_of_the_language() {
        is_fine("net(src_ip, '10.0.0.0/8') && !net(dst_ip, 'fd00::/8') || is_private(dst_ip)");
        is_fine("first_seen >= timestamp('2026-11-25T15:00:00Z') && duration > duration('1m30s')");
        is_fine("last_seen > now() - duration('5m') || first_seen < timestamp('2026-11-25')");
        is_fine("lower(application_name) == 'tls' || client_info.lower().endsWith('.org')");
        is_fine("protocol == TCP || protocol == 'udp' || protocol in ['ICMP', 'icmpv6', SCTP]");
        is_fine("splt_ps.exists(TCP, TCP > 1000)");
    }

    #[test]
    fn constants_have_the_unit_of_the_run() {
        let parse = |text| Condition::parse(text, columns(TimeUnit::Nanoseconds)).unwrap();
        let text = format!("{:?}", parse("duration > duration('1ms')").expression);
        assert!(text.contains("1000000"), "{text}");
    }

    #[test]
    fn mistakes_in_constants_are_marked() {
        assert_eq!(
            error("first_seen > timestamp('yesterday')").lines().next(),
            Some(
                "'timestamp' takes a time in quotes: timestamp(\"2026-11-25T15:00:00Z\"), or a \
                 day: timestamp(\"2026-11-25\")"
            )
        );
        assert!(error("duration > duration('5')").starts_with("'duration' takes a span in quotes"));
        assert!(error("duration > duration(5)").starts_with("'duration' takes a span in quotes"));
        assert_eq!(
            error("protocol == 'ICNP'"),
            "no protocol 'ICNP'; did you mean 'ICMP'?\n  protocol == 'ICNP'\n              ^^^^^^"
        );
        assert!(error("net(src_ip, '10.0.0.0/40')").starts_with("'net' takes a network in quotes"));
        assert!(error("net(src_port, '10.0.0.0/8')").starts_with("'net' takes an address"));
        assert!(error("now(1) > 2").starts_with("'now' takes nothing"));
        assert!(error("first_seen > '2026-11-25'").contains("timestamp(\"2026-11-25\")"));
        assert!(error("duration > '5s'").contains("duration(\"5s\")"));
        assert!(error("src_ip == '10.0.0.0/8'").contains("net(src_ip, \"10.0.0.0/8\")"));
    }

    #[test]
    fn syntax_errors_are_explained() {
        assert!(error("src_port = 443").contains("use '=='"));
        assert!(error("src_port == 443 and protocol == 6").contains("'&&'"));
        assert!(error("src_port ==").starts_with("ends too early"));
        assert!(error("").starts_with("ends too early"));
        assert!(error("src_ip.matches('(')").contains("regular expression"));
    }
}
