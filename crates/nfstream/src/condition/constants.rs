//! Times, spans and names in an expression, replaced by the numbers that columns hold.
//!
//! `timestamp("2026-11-25")` and `duration("5s")` become numbers in the run's unit, and names of IP
//! protocols become their numbers, so evaluation needs no further types.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::common::types::CelInt;

use super::functions::now_in;
use crate::features::nearest;
use crate::packet::protocol;
use crate::time::{Duration, TimeUnit, Timestamp};

/// Column that can be compared with names of protocols.
const PROTOCOL: &str = "protocol";

/// Mistake in a constant.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Id of the expression.
    pub(super) at: u64,
    pub(super) message: String,
}

/// Replacement of constants.
pub(super) struct Constants<'a> {
    /// Unit of times.
    unit: TimeUnit,
    /// Function that returns whether a name is that of a variable.
    is_variable: &'a dyn Fn(&str) -> bool,
    /// Variables of macros such as `exists`, the innermost last.
    scope: Vec<String>,
}

impl<'a> Constants<'a> {
    pub(super) fn new(unit: TimeUnit, is_variable: &'a dyn Fn(&str) -> bool) -> Self {
        Self { unit, is_variable, scope: Vec::new() }
    }

    /// Replaces the constants in `expression`.
    pub(super) fn replace(&mut self, expression: &mut IdedExpr) -> Result<(), Mistake> {
        let at = expression.id;
        match &mut expression.expr {
            Expr::Call(call) => {
                replace_protocols(call)?;
                if let Some(constant) =
                    self.call(call).map_err(|message| Mistake { at, message })?
                {
                    expression.expr = integer(constant);
                    return Ok(());
                }
                for part in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
                    self.replace(part)?;
                }
            }
            Expr::Comprehension(parts) => {
                self.replace(&mut parts.iter_range)?;
                self.replace(&mut parts.accu_init)?;
                let depth = self.scope.len();
                self.scope.push(parts.iter_var.clone());
                self.scope.push(parts.accu_var.clone());
                self.replace(&mut parts.loop_cond)?;
                self.replace(&mut parts.loop_step)?;
                self.replace(&mut parts.result)?;
                self.scope.truncate(depth);
            }
            Expr::Ident(name) => {
                let is_known = self.scope.contains(name) || (self.is_variable)(name);
                let is_upper = !name.contains(|c: char| c.is_ascii_lowercase());
                if let Some(number) = protocol::by_name(name).filter(|_| is_upper && !is_known) {
                    expression.expr = integer(number.into());
                }
            }
            Expr::List(list) => {
                list.elements.iter_mut().try_for_each(|element| self.replace(element))?;
            }
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        self.replace(&mut entry.key)?;
                        self.replace(&mut entry.value)?;
                    }
                }
            }
            Expr::Select(select) => self.replace(&mut select.operand)?,
            Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
        Ok(())
    }

    /// Returns the number that a call stands for, if the call is a constant.
    fn call(&self, call: &mut CallExpr) -> Result<Option<i64>, String> {
        if call.target.is_some() {
            return Ok(None);
        }
        let text = || match call.args.as_slice() {
            [IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. }] => {
                Some(text.inner())
            }
            _ => None,
        };
        match call.func_name.as_str() {
            "timestamp" => {
                let time = text().and_then(Timestamp::parse).ok_or(
                    "'timestamp' takes a time in quotes: timestamp(\"2026-11-25T15:00:00Z\"), or a \
                     day: timestamp(\"2026-11-25\")",
                )?;
                Ok(Some(time.ticks(self.unit)))
            }
            "duration" => {
                let wrong =
                    "'duration' takes a span in quotes: duration(\"5s\"), duration(\"1h30m\")";
                let text = text().ok_or(wrong)?;
                let (sign, text) = match text.strip_prefix('-') {
                    Some(text) => (-1, text),
                    None => (1, text),
                };
                let span = Duration::parse(text).ok_or(wrong)?;
                let nanos = i64::try_from(span.nanos()).map_err(|_| wrong)?;
                Ok(Some(sign * Timestamp::from_nanos(nanos).ticks(self.unit)))
            }
            "now" if call.args.is_empty() => {
                call.func_name = now_in(self.unit).to_owned();
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// Replaces names of protocols where they are compared with the column of protocols.
fn replace_protocols(call: &mut CallExpr) -> Result<(), Mistake> {
    let is_comparison =
        [operators::EQUALS, operators::NOT_EQUALS, operators::IN].contains(&&*call.func_name);
    let is_protocol = |side: &IdedExpr| matches!(&side.expr, Expr::Ident(name) if name == PROTOCOL);
    if !is_comparison || !call.args.iter().any(is_protocol) {
        return Ok(());
    }
    for side in &mut call.args {
        match &mut side.expr {
            Expr::List(list) => list.elements.iter_mut().try_for_each(replace_protocol)?,
            _ => replace_protocol(side)?,
        }
    }
    Ok(())
}

fn replace_protocol(expression: &mut IdedExpr) -> Result<(), Mistake> {
    let Expr::Literal(LiteralValue::String(name)) = &expression.expr else { return Ok(()) };
    let name = name.inner();
    let number = protocol::by_name(name).ok_or_else(|| {
        let upper = name.to_ascii_uppercase();
        let known = protocol::NAMES.iter().map(|(name, _)| *name);
        let message = match nearest(&upper, known) {
            Some(meant) => format!("no protocol '{name}'; did you mean '{meant}'?"),
            None => format!(
                "no IP protocol '{name}'; write its number, or compare application_name with names \
                 of applications"
            ),
        };
        Mistake { at: expression.id, message }
    })?;
    expression.expr = integer(number.into());
    Ok(())
}

fn integer(number: i64) -> Expr {
    Expr::Literal(LiteralValue::Int(CelInt::from(number)))
}
