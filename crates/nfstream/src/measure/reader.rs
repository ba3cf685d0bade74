//! Reader of expressions: it determines the type of each part, and reports mistakes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};

use super::aggregation::{self, Aggregation, Argument};
use super::kind::Kind;
use super::parts::{sign, text};
use super::tree::{self, Expression, Id, Level, Part, StreamId, Tree};
use crate::condition::{ConditionError, Parsed};
use crate::features::cell::{MISSING, of_float, of_whole};
use crate::features::{
    FIELDS, Field, Group, Operator, Part as OfPacket, Presence, Scalar, Source, nearest,
};
use crate::time::TimeUnit;

/// Functions of one number, in addition to aggregations.
const FUNCTIONS: [&str; 5] = ["abs", "double", "int", "log", "sqrt"];

/// Maximum offset of a byte in the payload.
const MOST_OFFSET: i64 = 65_535;

/// Reader of one expression.
pub(super) struct Reader<'a> {
    parsed: &'a Parsed<'a>,
    tree: &'a mut Tree,
    /// Measures that the expression can use.
    known: &'a [(&'a str, Part)],
}

impl<'a> Reader<'a> {
    /// Reads the expression of a measure and returns its result.
    pub(super) fn read(
        text: &str,
        tree: &mut Tree,
        known: &[(&str, Part)],
    ) -> Result<Part, ConditionError> {
        let parsed = Parsed::new(text)?;
        let mut reader = Reader { parsed: &parsed, tree, known };
        let expression = parsed.expression();
        let part = reader.part(expression)?;
        reader.check_result(expression, part)?;
        Ok(part)
    }

    fn check_result(&self, expression: &IdedExpr, part: Part) -> Result<(), ConditionError> {
        let message = match (part.kind, part.level) {
            (Kind::Packets, _) => "is packets, not a value; end with an aggregation: .count()",
            (Kind::Payload, _) => "is bytes, not a value; name one byte: pkt.payload[0]",
            (Kind::Null, _) => "is always null",
            (_, Level::Packet(_)) => {
                "is a value of each packet, not of the flow; end with an aggregation: .max(), \
                 .mean(), .first(8)"
            }
            _ => return Ok(()),
        };
        Err(self.parsed.error(expression, format!("{} {message}", text(expression))))
    }

    fn part(&mut self, expression: &IdedExpr) -> Result<Part, ConditionError> {
        match &expression.expr {
            Expr::Call(call) => self.call(expression, call),
            Expr::Ident(name) => self.name(expression, name),
            Expr::Literal(literal) => self.literal(expression, literal),
            Expr::Select(select) => self.field(expression, select),
            _ => Err(self.parsed.error(expression, "is not allowed here".to_owned())),
        }
    }

    fn literal(
        &mut self,
        expression: &IdedExpr,
        literal: &LiteralValue,
    ) -> Result<Part, ConditionError> {
        let (kind, cell) = match literal {
            LiteralValue::Boolean(value) => (Kind::One(Scalar::Bool), i64::from(*value.inner())),
            LiteralValue::Double(value) => (Kind::One(Scalar::Float), of_float(*value.inner())),
            LiteralValue::Int(value) => (Kind::One(Scalar::Whole), of_whole(*value.inner())),
            LiteralValue::Null => (Kind::Null, MISSING),
            _ => {
                let message = "measures take numbers, true and false, not text or bytes";
                return Err(self.parsed.error(expression, message.to_owned()));
            }
        };
        let scalar = if let Kind::One(scalar) = kind { scalar } else { Scalar::Whole };
        let id = self.tree.add(Expression::Constant(cell, scalar));
        Ok(Part { id, kind, level: Level::Constant })
    }

    fn name(&mut self, expression: &IdedExpr, name: &str) -> Result<Part, ConditionError> {
        if name == "pkt" {
            return Ok(self.packets(Tree::ALL));
        }
        if let Some((_, part)) = self.known.iter().find(|(known, _)| *known == name) {
            return Ok(*part);
        }
        let Some(known) = tree::names().find(|known| *known == name) else {
            let known = self.known.iter().map(|(known, _)| *known);
            let all = known.chain(tree::names().map(|known| -> &str { known }));
            let message = match (Field::by_name(name), nearest(name, all)) {
                (Some(_), _) => format!("no column '{name}'; write pkt.{name} for packets"),
                (None, Some(meant)) => format!("no column '{name}'; did you mean '{meant}'?"),
                (None, None) => format!("no column '{name}'; packets are pkt"),
            };
            return Err(self.parsed.error(expression, message));
        };
        let column = tree::column(known, TimeUnit::Milliseconds);
        let Some(scalar) = tree::scalar_of(column) else {
            let message = format!(
                "column {name} is {}; measures take numbers and bools",
                if column.is_list() { "a list" } else { "text" }
            );
            return Err(self.parsed.error(expression, message));
        };
        if is_of_source(column.group) {
            let message = format!("column {name} cannot be used in measures");
            return Err(self.parsed.error(expression, message));
        }
        let id = self.tree.add(Expression::Column(known));
        Ok(Part { id, kind: Kind::One(scalar), level: Level::Flow })
    }

    fn packets(&mut self, stream: StreamId) -> Part {
        let id = self.tree.add(Expression::Constant(0, Scalar::Whole));
        Part { id, kind: Kind::Packets, level: Level::Packet(stream) }
    }

    /// Reads a field of packets.
    fn field(
        &mut self,
        expression: &IdedExpr,
        select: &SelectExpr,
    ) -> Result<Part, ConditionError> {
        let name = select.field.as_str();
        let of = self.part(&select.operand)?;
        let (Kind::Packets, Level::Packet(stream), false) = (of.kind, of.level, select.test) else {
            let message =
                format!("{}, {}, has no field '{name}'", text(&select.operand), about(of));
            return Err(self.parsed.error(expression, message));
        };
        let level = of.level;
        if name == "payload" {
            return Ok(Part { kind: Kind::Payload, ..of });
        }
        let Some(field) = Field::by_name(name) else {
            let names = FIELDS.iter().map(|field| field.name).chain(["payload"]);
            let message = match nearest(name, names) {
                _ if aggregation::NAMES.contains(&name) => format!("write {name}() to aggregate"),
                Some(meant) => {
                    format!("a packet has no field '{name}'; did you mean '{meant}'?")
                }
                None => format!("a packet has no field '{name}'"),
            };
            return Err(self.parsed.error(expression, message));
        };
        // Only a gap depends on earlier packets.
        let stream = if let Source::Gap(_) = field.source { stream } else { Tree::ALL };
        let id = self.tree.add(Expression::Field(field.source, stream));
        Ok(Part { id, kind: Kind::One(field.scalar), level })
    }

    fn call(&mut self, expression: &IdedExpr, call: &CallExpr) -> Result<Part, ConditionError> {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            ("filter", Some(packets), [condition]) => self.filter(packets, condition),
            ("filter", Some(_), _) => {
                let message = "'filter' takes one condition: pkt.filter(pkt.up)".to_owned();
                Err(self.parsed.error(expression, message))
            }
            (operators::INDEX, _, [of, place]) => self.item(expression, of, place),
            (operators::CONDITIONAL, _, [condition, yes, no]) => {
                self.choose(expression, [condition, yes, no])
            }
            (name, Some(target), arguments) if aggregation::NAMES.contains(&name) => {
                self.aggregate(expression, name, target, arguments)
            }
            (name, None, [operand]) => {
                let part = self.part(operand)?;
                let found = self.one(name, part);
                found.map_err(|why| self.mistake(expression, name, why, &[(operand, part)]))
            }
            (name, None, [left, right]) if name.starts_with('_') => {
                let parts = [(left, self.part(left)?), (right, self.part(right)?)];
                let found = self.two(name, parts[0].1, parts[1].1);
                found.map_err(|why| self.mistake(expression, name, why, &parts))
            }
            (name, _, _) => {
                let names = || aggregation::NAMES.into_iter().chain(FUNCTIONS).chain(["filter"]);
                let message = match nearest(name, names()) {
                    Some(meant) if meant == name && FUNCTIONS.contains(&meant) => {
                        format!("write {meant}(number)")
                    }
                    Some(meant) if meant == name => {
                        format!("write values.{meant}(): {meant} aggregates values of packets")
                    }
                    Some(meant) => format!("no aggregation '{name}'; did you mean '{meant}'?"),
                    None => format!("no aggregation '{name}'"),
                };
                Err(self.parsed.error(expression, message))
            }
        }
    }

    /// Returns the error of an operator for the types of its operands.
    fn mistake(
        &self,
        expression: &IdedExpr,
        name: &str,
        why: Mistake,
        operands: &[(&IdedExpr, Part)],
    ) -> ConditionError {
        let described =
            |(operand, part): &(&IdedExpr, Part)| format!("{}, {}", text(operand), about(*part));
        let named: Vec<_> = operands.iter().map(described).collect();
        let message = match why {
            Mistake::Types => {
                format!("'{}' does not take {}", sign(name), named.join(", and "))
            }
            Mistake::Levels => {
                "mixes values of packets and of the flow; aggregate the packets first: .sum(), \
                 .mean()"
                    .to_owned()
            }
            Mistake::Streams => {
                "mixes packets of two filters, neither of which is part of the other".to_owned()
            }
            Mistake::Unknown => match nearest(name, FUNCTIONS.into_iter()) {
                Some(meant) => format!("no function '{name}'; did you mean '{meant}'?"),
                None => format!("no function '{name}'"),
            },
        };
        self.parsed.error(expression, message)
    }

    fn filter(&mut self, packets: &IdedExpr, condition: &IdedExpr) -> Result<Part, ConditionError> {
        let of = self.part(packets)?;
        let (Kind::Packets, Level::Packet(stream)) = (of.kind, of.level) else {
            let message =
                format!("only packets can be filtered; {} is {}", text(packets), about(of));
            return Err(self.parsed.error(packets, message));
        };
        let part = self.part(condition)?;
        if part.kind != Kind::One(Scalar::Bool) {
            let message = format!(
                "'filter' takes a condition, a bool, and {} is {}",
                text(condition),
                about(part)
            );
            return Err(self.parsed.error(condition, message));
        }
        match part.level {
            Level::Flow => {
                let message = format!(
                    "'filter' takes a condition on packets, and {} is a value of the flow, which \
                     is not known until the flow ends",
                    text(condition)
                );
                return Err(self.parsed.error(condition, message));
            }
            // The condition must have a value for every packet that it is applied to.
            Level::Packet(inner) if self.tree.narrower(inner, stream) != Some(stream) => {
                let message =
                    format!("{} has values only for packets of another filter", text(condition));
                return Err(self.parsed.error(condition, message));
            }
            Level::Constant | Level::Packet(_) => {}
        }
        let stream = self.tree.add_stream(stream, part.id);
        Ok(self.packets(stream))
    }

    fn aggregate(
        &mut self,
        expression: &IdedExpr,
        name: &str,
        target: &IdedExpr,
        arguments: &[IdedExpr],
    ) -> Result<Part, ConditionError> {
        let of = self.part(target)?;
        let (scalar, stream) = match (of.kind, of.level) {
            (Kind::Packets, Level::Packet(stream)) => (None, stream),
            (Kind::One(scalar), Level::Packet(stream)) => (Some(scalar), stream),
            (Kind::Payload, _) => {
                let message = "'payload' is bytes; name one: pkt.payload[0]".to_owned();
                return Err(self.parsed.error(target, message));
            }
            _ => {
                let message = format!(
                    "'{name}' aggregates values of packets, and {} is one value of the flow",
                    text(target)
                );
                return Err(self.parsed.error(target, message));
            }
        };
        let arguments = arguments.iter().map(|argument| self.argument(argument));
        let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        let aggregation = Aggregation::new(name, &arguments);
        let aggregation = aggregation.map_err(|message| self.parsed.error(expression, message))?;
        let kind = aggregation.kind(scalar).map_err(|takes| {
            let message = format!("'{name}' takes {takes}; {} is {}", text(target), about(of));
            self.parsed.error(expression, message)
        })?;
        let values = scalar.map(|_| of.id);
        let id = self.tree.add(Expression::Aggregate(aggregation, stream, values));
        Ok(Part { id, kind, level: Level::Flow })
    }

    /// Reads an argument of an aggregation, which is a literal.
    fn argument(&mut self, argument: &IdedExpr) -> Result<Argument, ConditionError> {
        if let Expr::List(list) = &argument.expr {
            let numbers = list.elements.iter().map(|item| match self.argument(item)? {
                Argument::Float(number) => Ok(number),
                #[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "edges")]
                Argument::Whole(number) => Ok(number as f64),
                Argument::List(_) => Err(self.parsed.error(item, "must be a number".to_owned())),
            });
            return numbers.collect::<Result<_, _>>().map(Argument::List);
        }
        let (negative, expression) = match &argument.expr {
            Expr::Call(call) if call.func_name == operators::NEGATE => {
                (true, call.args.first().unwrap_or(argument))
            }
            _ => (false, argument),
        };
        match &expression.expr {
            Expr::Literal(LiteralValue::Double(number)) => {
                let number = *number.inner();
                Ok(Argument::Float(if negative { -number } else { number }))
            }
            Expr::Literal(LiteralValue::Int(number)) => {
                let number = *number.inner();
                Ok(Argument::Whole(if negative { number.saturating_neg() } else { number }))
            }
            _ => {
                let message = format!("{} must be a literal number", text(argument));
                Err(self.parsed.error(argument, message))
            }
        }
    }

    /// Reads a byte of the payload, or an item of a list.
    fn item(
        &mut self,
        expression: &IdedExpr,
        of: &IdedExpr,
        place: &IdedExpr,
    ) -> Result<Part, ConditionError> {
        let part = self.part(of)?;
        let Argument::Whole(offset @ 0..=MOST_OFFSET) = self.argument(place)? else {
            let message = "the index must be a number from 0 to 65535".to_owned();
            return Err(self.parsed.error(place, message));
        };
        let (added, scalar) = match part.kind {
            Kind::Payload => {
                let offset = u16::try_from(offset).unwrap_or(u16::MAX);
                let source = Source::Packet(OfPacket::PayloadByte(offset));
                (Expression::Field(source, Tree::ALL), Scalar::Whole)
            }
            Kind::List(scalar) => {
                (Expression::Item(part.id, usize::try_from(offset).unwrap_or(0)), scalar)
            }
            _ => {
                let message = format!("{}, {}, has no items", text(of), about(part));
                return Err(self.parsed.error(expression, message));
            }
        };
        Ok(Part { id: self.tree.add(added), kind: Kind::One(scalar), level: part.level })
    }

    fn choose(
        &mut self,
        expression: &IdedExpr,
        operands: [&IdedExpr; 3],
    ) -> Result<Part, ConditionError> {
        let [condition, yes, no] = operands;
        let parts = [self.part(condition)?, self.part(yes)?, self.part(no)?];
        let [test, yes, no] = parts;
        let described: Vec<_> = operands.into_iter().zip(parts).collect();
        let mistake =
            |this: &Self, why| this.mistake(expression, operators::CONDITIONAL, why, &described);
        if test.kind != Kind::One(Scalar::Bool) {
            let message = format!(
                "the condition before '?' must be a bool; {} is {}",
                text(condition),
                about(test)
            );
            return Err(self.parsed.error(condition, message));
        }
        let (kind, yes_id, no_id) = match (yes.kind, no.kind) {
            (Kind::One(one), Kind::One(other)) if one == other => (yes.kind, yes.id, no.id),
            (Kind::Null, Kind::One(_)) => (no.kind, yes.id, no.id),
            (Kind::One(_), Kind::Null) => (yes.kind, yes.id, no.id),
            (Kind::One(_), Kind::One(_)) => match (self.float(yes), self.float(no)) {
                (Some(yes), Some(no)) => (Kind::One(Scalar::Float), yes, no),
                _ => return Err(mistake(self, Mistake::Types)),
            },
            _ => return Err(mistake(self, Mistake::Types)),
        };
        let level = self.level(yes.level, no.level);
        let level = level.and_then(|level| self.level(test.level, level));
        let level = level.map_err(|why| mistake(self, why))?;
        let id = self.tree.add(Expression::Choose(test.id, yes_id, no_id));
        Ok(Part { id, kind, level })
    }

    /// Returns an operator or function of one operand.
    fn one(&mut self, name: &str, part: Part) -> Result<Part, Mistake> {
        use Scalar::{Bool, Float, Whole};
        let Part { id, level, .. } = part;
        let Kind::One(scalar) = part.kind else {
            let is_known = name.starts_with(['_', '-', '!']) || FUNCTIONS.contains(&name);
            return Err(if is_known { Mistake::Types } else { Mistake::Unknown });
        };
        let (operator, scalar) = match (name, scalar) {
            (operators::LOGICAL_NOT, Bool) => (Operator::Not, Bool),
            (operators::NEGATE, Whole) => (Operator::NegateWhole, Whole),
            (operators::NEGATE, Float) => (Operator::NegateFloat, Float),
            ("abs", Whole) => (Operator::AbsoluteWhole, Whole),
            ("abs", Float) => (Operator::AbsoluteFloat, Float),
            ("int", Whole | Bool) => return Ok(Part { kind: Kind::One(Whole), ..part }),
            ("int", Float) => (Operator::ToWhole, Whole),
            ("double", Float) => return Ok(part),
            ("double", _) => (Operator::ToFloat, Float),
            ("log" | "sqrt", Whole | Float) => {
                let operator =
                    if name == "log" { Operator::Logarithm } else { Operator::SquareRoot };
                let operand = self.float(part).ok_or(Mistake::Types)?;
                let id = self.tree.add(Expression::Compute(operator, operand, operand));
                return Ok(Part { id, kind: Kind::One(Float), level });
            }
            (operators::LOGICAL_NOT | operators::NEGATE | "abs" | "log" | "sqrt", _) => {
                return Err(Mistake::Types);
            }
            _ => return Err(Mistake::Unknown),
        };
        let id = self.tree.add(Expression::Compute(operator, id, id));
        Ok(Part { id, kind: Kind::One(scalar), level })
    }

    /// Returns an operator of two operands.
    fn two(&mut self, name: &str, left: Part, right: Part) -> Result<Part, Mistake> {
        use Scalar::{Bool, Float, Whole};
        let level = self.level(left.level, right.level)?;
        let part = |tree: &mut Tree, operator, left, right, scalar| {
            let id = tree.add(Expression::Compute(operator, left, right));
            Part { id, kind: Kind::One(scalar), level }
        };
        let (one, other) = match (left.kind, right.kind) {
            (Kind::One(one), Kind::One(other)) => (one, other),
            (Kind::One(_), Kind::Null) | (Kind::Null, Kind::One(_)) => {
                let value = if left.kind == Kind::Null { right } else { left };
                let missing = part(self.tree, Operator::IsMissing, value.id, value.id, Bool);
                return match name {
                    operators::EQUALS => Ok(missing),
                    operators::NOT_EQUALS => self.one(operators::LOGICAL_NOT, missing),
                    _ => Err(Mistake::Types),
                };
            }
            _ => return Err(Mistake::Types),
        };
        let logic = match name {
            operators::LOGICAL_AND => Some(Operator::And),
            operators::LOGICAL_OR => Some(Operator::Or),
            operators::EQUALS | operators::NOT_EQUALS if one == Bool && other == Bool => {
                Some(Operator::EqualWhole)
            }
            _ => None,
        };
        if let Some(operator) = logic {
            if one != Bool || other != Bool {
                return Err(Mistake::Types);
            }
            let found = part(self.tree, operator, left.id, right.id, Bool);
            return match name {
                operators::NOT_EQUALS => self.one(operators::LOGICAL_NOT, found),
                _ => Ok(found),
            };
        }
        if one == Bool || other == Bool {
            return Err(Mistake::Types);
        }
        let is_whole = one == Whole && other == Whole;
        let (operator, scalar) = match (name, is_whole) {
            (operators::ADD, true) => (Operator::AddWhole, Whole),
            (operators::ADD, false) => (Operator::AddFloat, Float),
            (operators::SUBSTRACT, true) => (Operator::SubtractWhole, Whole),
            (operators::SUBSTRACT, false) => (Operator::SubtractFloat, Float),
            (operators::MULTIPLY, true) => (Operator::MultiplyWhole, Whole),
            (operators::MULTIPLY, false) => (Operator::MultiplyFloat, Float),
            (operators::DIVIDE, _) => (Operator::DivideFloat, Float),
            (operators::MODULO, true) => (Operator::ModuloWhole, Whole),
            (operators::EQUALS | operators::NOT_EQUALS, true) => (Operator::EqualWhole, Bool),
            (operators::EQUALS | operators::NOT_EQUALS, false) => (Operator::EqualFloat, Bool),
            (operators::LESS | operators::GREATER, true) => (Operator::LessWhole, Bool),
            (operators::LESS | operators::GREATER, false) => (Operator::LessFloat, Bool),
            (operators::LESS_EQUALS | operators::GREATER_EQUALS, true) => {
                (Operator::AtMostWhole, Bool)
            }
            (operators::LESS_EQUALS | operators::GREATER_EQUALS, false) => {
                (Operator::AtMostFloat, Bool)
            }
            _ => return Err(Mistake::Types),
        };
        let as_floats = !is_whole || operator == Operator::DivideFloat;
        let (mut left, mut right) = (left, right);
        if as_floats {
            left.id = self.float(left).ok_or(Mistake::Types)?;
            right.id = self.float(right).ok_or(Mistake::Types)?;
        }
        if matches!(name, operators::GREATER | operators::GREATER_EQUALS) {
            std::mem::swap(&mut left, &mut right);
        }
        let found = part(self.tree, operator, left.id, right.id, scalar);
        match name {
            operators::NOT_EQUALS => self.one(operators::LOGICAL_NOT, found),
            _ => Ok(found),
        }
    }

    /// Returns a number as a floating-point number, `None` for other types.
    fn float(&mut self, part: Part) -> Option<Id> {
        match part.kind {
            Kind::One(Scalar::Float) => Some(part.id),
            Kind::One(Scalar::Whole) => {
                Some(self.tree.add(Expression::Compute(Operator::ToFloat, part.id, part.id)))
            }
            _ => None,
        }
    }

    fn level(&self, left: Level, right: Level) -> Result<Level, Mistake> {
        match (left, right) {
            (Level::Constant, level) | (level, Level::Constant) => Ok(level),
            (Level::Flow, Level::Flow) => Ok(Level::Flow),
            (Level::Packet(one), Level::Packet(other)) => {
                self.tree.narrower(one, other).map(Level::Packet).ok_or(Mistake::Streams)
            }
            _ => Err(Mistake::Levels),
        }
    }
}

/// Reason why operands cannot be combined.
#[derive(Clone, Copy, Debug)]
enum Mistake {
    Levels,
    Streams,
    Types,
    Unknown,
}

/// Returns the type of a part in words.
fn about(part: Part) -> String {
    match part.kind {
        Kind::List(_) => "a list".to_owned(),
        Kind::Null => "null".to_owned(),
        Kind::One(scalar) => scalar.name().to_owned(),
        Kind::Packets => "packets".to_owned(),
        Kind::Payload => "bytes".to_owned(),
    }
}

/// Returns whether columns of a group depend on the source of packets.
fn is_of_source(group: Group) -> bool {
    use Presence::{Labels, Processes, Shards};
    matches!(group.declaration().presence, Labels | Processes | Shards)
}
