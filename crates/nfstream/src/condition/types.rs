//! Types of an expression, checked before the first flow.

use std::fmt::{self, Display, Formatter};

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SourceInfo, operators};

use super::error::ConditionError;
use super::functions::{now_in, pattern_error};
use crate::features::{Column, Kind, Read, Scalar, Scored, nearest};
use crate::packet::Subnet;
use crate::time::{Duration, TimeUnit, Timestamp};

/// The type of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Type {
    /// Known only at evaluation.
    Any,
    Bool,
    Bytes,
    Double,
    Int,
    List(Box<Self>),
    Map,
    Null,
    String,
    Uint,
}

/// Functions, and the macros that the parser expands.
const FUNCTIONS: [&str; 25] = [
    "all",
    "bool",
    "bytes",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "exists",
    "existsOne",
    "exists_one",
    "filter",
    "has",
    "int",
    "is_private",
    "lower",
    "map",
    "matches",
    "net",
    "now",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "uint",
];

/// Type checker that collects the columns of an expression.
pub(super) struct Checker<'a> {
    text: &'a str,
    source: &'a SourceInfo,
    /// Columns that the expression can name.
    known: Vec<&'static Column>,
    /// Columns that the expression names.
    columns: Vec<&'static Column>,
    /// Name of the variable for the origin of a flow.
    origin: Option<&'static str>,
    /// Variables of macros such as `exists`, the innermost last.
    scope: Vec<(String, Type)>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        text: &'a str,
        source: &'a SourceInfo,
        known: Vec<&'static Column>,
        origin: Option<&'static str>,
    ) -> Self {
        Self { text, source, known, columns: Vec::new(), origin, scope: Vec::new() }
    }

    /// Returns the type of `expression`.
    pub(super) fn check(&mut self, expression: &IdedExpr) -> Result<Type, ConditionError> {
        match &expression.expr {
            Expr::Call(call) => self.call(expression, call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Ident(name) => self.variable(expression, name),
            Expr::List(list) => {
                let mut element: Option<Type> = None;
                for item in &list.elements {
                    let found = self.check(item)?;
                    element = Some(match element {
                        None => found,
                        Some(known) => known.or(found),
                    });
                }
                Ok(Type::List(Box::new(element.unwrap_or(Type::Any))))
            }
            Expr::Literal(literal) => Ok(Type::of_literal(literal)),
            Expr::Map(_) => Ok(Type::Map),
            Expr::Select(select) => match self.check(&select.operand)? {
                Type::Any | Type::Map => Ok(Type::Any),
                other => {
                    let message = format!("{other} has no field '{}'", select.field);
                    Err(self.error(expression, message))
                }
            },
            Expr::Struct(_) | Expr::Unspecified => {
                Err(self.error(expression, "is not allowed here".to_owned()))
            }
        }
    }

    /// Returns an error about `expression`.
    pub(super) fn error(&self, expression: &IdedExpr, message: String) -> ConditionError {
        self.error_at(expression.id, message)
    }

    /// Returns an error about the expression with the id `id`.
    pub(super) fn error_at(&self, id: u64, message: String) -> ConditionError {
        let error = ConditionError::new(self.text, message);
        let place = self.source.offset_for(id);
        let place = place.and_then(|(start, last)| {
            Some(usize::try_from(start).ok()?..usize::try_from(last).ok()? + 1)
        });
        let end = self.text.chars().count();
        match place.filter(|place| place.start < place.end && place.end <= end) {
            Some(place) => error.at(place),
            None => error,
        }
    }

    /// Returns the columns that the expression names.
    pub(super) fn into_columns(self) -> Vec<&'static Column> {
        self.columns
    }

    fn variable(&mut self, expression: &IdedExpr, name: &str) -> Result<Type, ConditionError> {
        if let Some((_, known)) = self.scope.iter().rev().find(|(of, _)| of == name) {
            return Ok(known.clone());
        }
        if self.origin == Some(name) {
            return Ok(Type::String);
        }
        let Some(&column) = self.known.iter().find(|column| column.name == name) else {
            let message = match nearest(name, self.known.iter().map(|column| column.name)) {
                Some(meant) => format!("no column '{name}'; did you mean '{meant}'?"),
                None => format!(
                    "no column '{name}'; 'nfstream columns' lists them, and text needs quotes"
                ),
            };
            return Err(self.error(expression, message));
        };
        if !self.columns.iter().any(|known| known.name == name) {
            self.columns.push(column);
        }
        Ok(Type::of_column(column))
    }

    fn call(&mut self, expression: &IdedExpr, call: &CallExpr) -> Result<Type, ConditionError> {
        let target = call.target.as_deref().map(|target| self.check(target)).transpose()?;
        let mut types: Vec<_> = target.into_iter().collect();
        for argument in &call.args {
            types.push(self.check(argument)?);
        }
        let name = call.func_name.as_str();
        let result = match (name, types.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) if condition.is(&Type::Bool) => {
                Ok(yes.clone().or(no.clone()))
            }
            (operators::CONDITIONAL, [condition, ..]) => {
                Err(format!("the condition before '?' must be true or false, not {condition}"))
            }
            (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [one]) => {
                all_bool(name, &[one])
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                all_bool(name, &[left, right])
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                if let Some(advice) = self.advice(call) {
                    Err(advice)
                } else if left.compares_with(right) {
                    Ok(Type::Bool)
                } else {
                    Err(format!("{left} is never equal to {right}"))
                }
            }
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                if let Some(advice) = self.advice(call) {
                    Err(advice)
                } else if left.compares_with(right) && left.has_order() && right.has_order() {
                    Ok(Type::Bool)
                } else {
                    Err(format!("{left} cannot be compared with {right}"))
                }
            }
            (operators::IN, [item, list]) => is_in(item, list),
            (operators::NEGATE, [number]) if number.is_number() => Ok(number.clone()),
            (operators::NEGATE, [other]) => Err(format!("{other} cannot be negated")),
            (
                operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO,
                [left, right],
            ) => arithmetic(name, left, right),
            (operators::INDEX, [Type::List(element), Type::Int | Type::Uint | Type::Any]) => {
                Ok((**element).clone())
            }
            (operators::INDEX, [Type::Any | Type::Map, _]) => Ok(Type::Any),
            (operators::INDEX, [Type::List(_), other]) => {
                Err(format!("the index of a list must be a whole number, not {other}"))
            }
            (operators::INDEX, [other, ..]) => Err(format!("{other} has no elements")),
            ("size", [Type::Any | Type::Bytes | Type::List(_) | Type::Map | Type::String]) => {
                Ok(Type::Int)
            }
            ("size", [other]) => Err(format!("{other} has no size")),
            ("contains" | "endsWith" | "startsWith" | "matches", [text, part]) => {
                self.about_text(call, text, part)
            }
            ("net", [address, _]) => about_network(call, address),
            ("is_private", [text]) if text.is(&Type::String) => Ok(Type::Bool),
            ("lower", [text]) if text.is(&Type::String) => Ok(Type::String),
            (name, []) if TimeUnit::ALL.into_iter().any(|unit| now_in(unit) == name) => {
                Ok(Type::Int)
            }
            ("now", _) => Err("'now' takes nothing: now()".to_owned()),
            ("bool", [_]) => Ok(Type::Bool),
            ("bytes", [_]) => Ok(Type::Bytes),
            ("double", [_]) => Ok(Type::Double),
            ("dyn", [_]) => Ok(Type::Any),
            ("int", [_]) => Ok(Type::Int),
            ("string", [_]) => Ok(Type::String),
            ("uint", [_]) => Ok(Type::Uint),
            (name, types) if FUNCTIONS.contains(&name) => {
                let types: Vec<_> = types.iter().map(Type::to_string).collect();
                Err(format!("'{name}' does not take {}", types.join(" and ")))
            }
            (name, _) => Err(match nearest(name, FUNCTIONS.into_iter()) {
                Some(meant) => format!("no function '{name}'; did you mean '{meant}'?"),
                None => format!("no function '{name}'"),
            }),
        };
        result.map_err(|message| self.error(expression, message))
    }

    /// Returns advice for a column that is compared with text in quotes, `None` if that makes sense.
    fn advice(&self, call: &CallExpr) -> Option<String> {
        let (name, text) = match call.args.as_slice() {
            [
                IdedExpr { expr: Expr::Ident(name), .. },
                IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. },
            ]
            | [
                IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. },
                IdedExpr { expr: Expr::Ident(name), .. },
            ] => (name, text.inner()),
            _ => return None,
        };
        let column = self.columns.iter().find(|column| column.name == *name)?;
        let write = match column.kind {
            Kind::Instant if Timestamp::parse(text).is_some() => "timestamp",
            Kind::Span if Duration::parse(text).is_some() => "duration",
            Kind::Address if text.contains('/') && Subnet::parse(text).is_some() => {
                return Some(format!(
                    "an address is never a network; write net({name}, \"{text}\")"
                ));
            }
            _ => return None,
        };
        Some(format!("'{name}' is a number of {}; write {write}(\"{text}\")", column.unit))
    }

    fn about_text(&self, call: &CallExpr, text: &Type, part: &Type) -> Result<Type, String> {
        if let Some(other) = [text, part].into_iter().find(|other| !other.is(&Type::String)) {
            return Err(format!("'{}' takes strings, not {other}", call.func_name));
        }
        if call.func_name == "matches"
            && let Some(IdedExpr { expr: Expr::Literal(LiteralValue::String(pattern)), .. }) =
                call.args.last()
            && let Some(error) = pattern_error(pattern.inner())
        {
            return Err(format!("invalid regular expression: {error}"));
        }
        Ok(Type::Bool)
    }

    /// Checks the expansion of a macro such as `exists`.
    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Type, ConditionError> {
        let element = match self.check(&comprehension.iter_range)? {
            Type::List(element) => *element,
            Type::Any | Type::Map => Type::Any,
            other => {
                let message = format!("only a list has elements to visit, not {other}");
                return Err(self.error(&comprehension.iter_range, message));
            }
        };
        let first = self.check(&comprehension.accu_init)?;
        let depth = self.scope.len();
        self.scope.push((comprehension.iter_var.clone(), element));
        self.scope.push((comprehension.accu_var.clone(), first));
        let step = self.check(&comprehension.loop_cond);
        let step = step.and_then(|_| self.check(&comprehension.loop_step))?;
        if let Some((_, accumulated)) = self.scope.last_mut() {
            *accumulated = step;
        }
        let result = self.check(&comprehension.result);
        self.scope.truncate(depth);
        result
    }
}

impl Type {
    fn of_column(column: &Column) -> Self {
        match column.read {
            Read::F64(_) | Read::OptionF64(_) => Self::Double,
            Read::Bool(_) => Self::Bool,
            Read::Measured(output) => {
                let scalar = match output.scalar() {
                    Scalar::Bool if !output.is_list() => Self::Bool,
                    Scalar::Float => Self::Double,
                    _ => Self::Int,
                };
                if output.is_list() { Self::List(Box::new(scalar)) } else { scalar }
            }
            Read::List(_) | Read::Packets(_) => Self::List(Box::new(Self::Int)),
            Read::Bytes(_) => Self::Bytes,
            Read::Scored(score) => match score.scored {
                Scored::Class(_) => Self::String,
                Scored::Float => Self::Double,
                Scored::Whole => Self::Int,
            },
            Read::Text(_) | Read::Name { .. } => Self::String,
            _ => Self::Int,
        }
    }

    const fn of_literal(literal: &LiteralValue) -> Self {
        match literal {
            LiteralValue::Boolean(_) => Self::Bool,
            LiteralValue::Bytes(_) => Self::Bytes,
            LiteralValue::Double(_) => Self::Double,
            LiteralValue::Int(_) => Self::Int,
            LiteralValue::Null => Self::Null,
            LiteralValue::String(_) => Self::String,
            LiteralValue::UInt(_) => Self::Uint,
        }
    }

    /// Returns whether a value of this type may be an `other`.
    fn is(&self, other: &Self) -> bool {
        *self == Self::Any || self == other
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Any | Self::Double | Self::Int | Self::Uint)
    }

    const fn has_order(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map | Self::Null)
    }

    /// Returns whether values of both types may be equal.
    fn compares_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            // Columns of numbers may hold null.
            (Self::Null, other) | (other, Self::Null) if other.is_number() => true,
            (Self::List(left), Self::List(right)) => left.compares_with(right),
            (left, right) => left == right || left.is_number() && right.is_number(),
        }
    }

    /// Returns the type of a value that is one or the other.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "a value",
            Self::Bool => "a bool",
            Self::Bytes => "bytes",
            Self::Double => "a double",
            Self::Int => "an int",
            Self::List(_) => "a list",
            Self::Map => "a map",
            Self::Null => "null",
            Self::String => "a string",
            Self::Uint => "a uint",
        })
    }
}

fn about_network(call: &CallExpr, address: &Type) -> Result<Type, String> {
    if !address.is(&Type::String) {
        return Err(format!("'net' takes an address such as src_ip, not {address}"));
    }
    let is_network = match call.args.last().map(|network| &network.expr) {
        Some(Expr::Literal(LiteralValue::String(text))) => Subnet::parse(text.inner()).is_some(),
        _ => false,
    };
    if !is_network {
        return Err("'net' takes a network in quotes: net(src_ip, \"10.0.0.0/8\")".to_owned());
    }
    Ok(Type::Bool)
}

fn all_bool(operator: &str, types: &[&Type]) -> Result<Type, String> {
    match types.iter().find(|one| !one.is(&Type::Bool)) {
        None => Ok(Type::Bool),
        Some(other) => {
            let sign = sign(operator);
            Err(format!("'{sign}' takes conditions that are true or false, not {other}"))
        }
    }
}

fn is_in(item: &Type, list: &Type) -> Result<Type, String> {
    match list {
        Type::Any | Type::Map => Ok(Type::Bool),
        Type::List(element) if item.compares_with(element) => Ok(Type::Bool),
        Type::List(element) => {
            Err(format!("{item} is never in a list of another type: each element is {element}"))
        }
        Type::String => {
            Err("'in' takes a list on its right, not a string; use text.contains(part) to \
                             search text"
                .to_owned())
        }
        other => Err(format!("'in' takes a list on its right, not {other}")),
    }
}

fn arithmetic(operator: &str, left: &Type, right: &Type) -> Result<Type, String> {
    let sign = sign(operator);
    match (left, right) {
        (Type::Any, other) | (other, Type::Any) => Ok(other.clone()),
        (Type::Double, Type::Double) if operator != operators::MODULO => Ok(Type::Double),
        (Type::Int, Type::Int) => Ok(Type::Int),
        (Type::Uint, Type::Uint) => Ok(Type::Uint),
        (Type::String, Type::String) if operator == operators::ADD => Ok(Type::String),
        (Type::List(a), Type::List(b)) if operator == operators::ADD => {
            // An empty list takes the element type of the other.
            let element =
                if **a == Type::Any { (**b).clone() } else { (**a).clone().or((**b).clone()) };
            Ok(Type::List(Box::new(element)))
        }
        (left, right) if left.is_number() && right.is_number() && left != right => Err(format!(
            "'{sign}' does not take {left} and {right}; convert one with double(…) or int(…)"
        )),
        (left, right) => Err(format!("'{sign}' does not take {left} and {right}")),
    }
}

/// Returns an operator as users write it: `&&` for `_&&_`.
fn sign(operator: &str) -> &str {
    operator.trim_matches('_')
}
