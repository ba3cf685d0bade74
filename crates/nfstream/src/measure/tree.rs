//! Expressions of measures as a tree in which equal parts are shared.

use std::hash::Hash;

use crate::features::cell::MISSING;
use crate::features::{Column, FIELDS, Operator, Read, Scalar, Source, columns};
use crate::time::TimeUnit;

use super::aggregation::Aggregation;
use super::kind::Kind;

/// All expressions of a set of measures.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    parts: Vec<Expression>,
    /// Streams of packets; the first is that of all packets.
    streams: Vec<Stream>,
}

/// Index of an expression.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Id(usize);

/// Index of a stream.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct StreamId(usize);

/// Packets of a flow that pass a filter.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Stream {
    /// Packets that the filter is applied to, and its condition; `None` for all packets.
    pub(super) filter: Option<(StreamId, Id)>,
}

/// An expression.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Expression {
    /// Constant in one word.
    Constant(i64, Scalar),
    /// Field of a packet.
    Field(Source, StreamId),
    Compute(Operator, Id, Id),
    Choose(Id, Id, Id),
    /// Value of the flow, from values of its packets.
    Aggregate(Aggregation, StreamId, Option<Id>),
    /// Item of a list.
    Item(Id, usize),
    /// Column of the flow.
    Column(&'static str),
}

/// An expression with its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) id: Id,
    pub(super) kind: Kind,
    pub(super) level: Level,
}

/// Scope of an expression: a constant, or a value of each packet or of the flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    Constant,
    Packet(StreamId),
    Flow,
}

impl Tree {
    /// Returns the stream of all packets.
    pub(super) const ALL: StreamId = StreamId(0);

    /// Returns the index of an expression, and adds it if it is new.
    pub(super) fn add(&mut self, expression: Expression) -> Id {
        Id(place_of(&mut self.parts, expression))
    }

    /// Returns the index of a stream, and adds it if it is new.
    pub(super) fn add_stream(&mut self, of: StreamId, condition: Id) -> StreamId {
        StreamId(place_of(&mut self.streams, Stream { filter: Some((of, condition)) }))
    }

    /// Returns the number of different expressions.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Returns the number of expressions in each value, where those that it repeats count again.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = Vec::with_capacity(self.parts.len());
        for expression in &self.parts {
            // Operands come before the expressions that have them.
            let of = |id: &Id| sizes.get(id.0).copied().unwrap_or(usize::MAX);
            let size = match expression {
                Expression::Compute(_, left, right) => of(left).saturating_add(of(right)),
                Expression::Choose(condition, yes, no) => {
                    of(condition).saturating_add(of(yes)).saturating_add(of(no))
                }
                _ => 0,
            };
            sizes.push(size.saturating_add(1));
        }
        sizes
    }

    /// Returns the number of expressions in all of `parts`, where those that they repeat count again.
    pub(super) fn size(&self, parts: &[Part]) -> usize {
        let sizes = self.sizes();
        let of = |part: &Part| sizes.get(part.id.0).copied().unwrap_or(usize::MAX);
        parts.iter().map(of).fold(0, usize::saturating_add)
    }

    pub(super) fn expression(&self, id: Id) -> &Expression {
        &self.parts[id.0]
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = (Id, &Expression)> {
        self.parts.iter().enumerate().map(|(place, expression)| (Id(place), expression))
    }

    /// Returns the streams with their indices, each after the one that it filters.
    pub(super) fn streams(&self) -> impl Iterator<Item = (StreamId, Stream)> {
        self.streams.iter().enumerate().map(|(place, stream)| (StreamId(place), *stream))
    }

    /// Returns the narrower of two streams, `None` if neither contains the other.
    pub(super) fn narrower(&self, one: StreamId, other: StreamId) -> Option<StreamId> {
        if self.contains(one, other) {
            Some(other)
        } else {
            self.contains(other, one).then_some(one)
        }
    }

    /// Returns the names of the columns that expressions read.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.parts.iter().filter_map(|part| match part {
            Expression::Column(name) => Some(*name),
            _ => None,
        })
    }

    /// Returns the type of a value.
    pub(super) fn scalar(&self, id: Id) -> Scalar {
        use Operator as O;
        match self.expression(id) {
            Expression::Constant(_, scalar) => *scalar,
            Expression::Field(source, _) => {
                let field = FIELDS.iter().find(|field| field.source == *source);
                field.map_or(Scalar::Whole, |field| field.scalar)
            }
            Expression::Compute(operator, ..) => match operator {
                O::And
                | O::AtMostFloat
                | O::AtMostWhole
                | O::EqualFloat
                | O::EqualWhole
                | O::IsMissing
                | O::LessFloat
                | O::LessWhole
                | O::Not
                | O::Or => Scalar::Bool,
                O::AbsoluteWhole
                | O::AddWhole
                | O::ModuloWhole
                | O::MultiplyWhole
                | O::NegateWhole
                | O::SubtractWhole
                | O::ToWhole => Scalar::Whole,
                _ => Scalar::Float,
            },
            Expression::Choose(_, yes, no) => match self.expression(*yes) {
                Expression::Constant(MISSING, _) => self.scalar(*no),
                _ => self.scalar(*yes),
            },
            _ => Scalar::Whole,
        }
    }

    fn contains(&self, outer: StreamId, mut inner: StreamId) -> bool {
        loop {
            if inner == outer {
                return true;
            }
            match self.streams[inner.0].filter {
                Some((of, _)) => inner = of,
                None => return false,
            }
        }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self { parts: Vec::new(), streams: vec![Stream { filter: None }] }
    }
}

fn place_of<T: Eq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter().position(|known| *known == one).unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    })
}

/// Returns the names of all columns, in any unit of time.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TimeUnit::ALL.into_iter().flat_map(columns).map(|column| column.name)
}

/// Returns the column called `name`, with times in `unit` unless the name includes a unit.
pub(super) fn column(name: &str, unit: TimeUnit) -> &'static Column {
    let units = [unit].into_iter().chain(TimeUnit::ALL);
    let found = units.flat_map(columns).find(|column| column.name == name);
    found.expect("the name was found when the expression was read")
}

/// Returns the type of a column's values, `None` for text and lists.
pub(super) fn scalar_of(column: &Column) -> Option<Scalar> {
    match column.read {
        Read::Bool(_) => Some(Scalar::Bool),
        Read::F64(_) | Read::OptionF64(_) => Some(Scalar::Float),
        Read::Bytes(_)
        | Read::List(_)
        | Read::Packets(_)
        | Read::Measured(_)
        | Read::Name { .. }
        | Read::Text(_) => None,
        _ => Some(Scalar::Whole),
    }
}
