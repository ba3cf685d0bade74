//! Compiler from expressions to programs.
//!
//! The steps of a stream follow those of the stream that it filters, and are skipped for packets that
//! do not pass the filter. Values that several measures need are computed once.

use std::collections::{HashMap, HashSet};

use super::aggregation::Aggregation;
use super::kind::Kind;
use super::tree::{self, Expression, Id, Part, StreamId, Tree};
use crate::features::cell::MISSING;
use crate::features::{
    Column, Finish, Items, Operator, Output, Part as OfPacket, Program, Reading, Register,
    Result as Found, Scalar, Source, Step, Update,
};
use crate::time::TimeUnit;

/// Maximum number of words of a flow's state: 64 KiB.
const MOST_WORDS: usize = 8192;

/// Maximum number of lists of a flow.
const MOST_LISTS: usize = 256;

/// Maximum number of expressions in the results of a flow. A result is a tree, so expressions that
/// it repeats count again.
const MOST_EXPRESSIONS: usize = 20_000;

/// Checks the size of the program for these results.
///
/// # Errors
///
/// A message if it needs too much memory for each packet or flow.
pub(super) fn check(tree: &Tree, results: &[Part]) -> Result<(), String> {
    if tree.size(results) > MOST_EXPRESSIONS {
        return Err("repeat each other too often; use shorter expressions".to_owned());
    }
    let compiler = Compiler::new(tree, results);
    let words = compiler.program.words.len();
    if compiler.is_full {
        return Err("need more than 250 values of each packet; use fewer measures".to_owned());
    }
    if words > MOST_WORDS || compiler.program.lists > MOST_LISTS {
        let lists = compiler.program.lists;
        return Err(format!(
            "need {words} words and {lists} lists for each flow, and {MOST_WORDS} and \
             {MOST_LISTS} are allowed; use fewer measures"
        ));
    }
    Ok(())
}

/// Returns the program of measures for runs with times in `unit`: `texts` are their names and
/// expressions.
pub(super) fn program(
    tree: &Tree,
    texts: &[(String, String)],
    results: &[Part],
    unit: TimeUnit,
) -> Program {
    let compiler = Compiler::new(tree, results);
    let columns = texts.iter().zip(results).map(|((name, text), part)| {
        let output = Output { scalar: scalar(part.kind), result: compiler.result(*part, unit) };
        // Kept for the life of the process, like the program itself.
        let [name, text] = [name, text].map(|text| &*text.clone().leak());
        let output: &'static Output = Box::leak(Box::new(output));
        Column::measured(name, compiler.unit(part.id), text, output)
    });
    let columns = columns.collect();
    Program { columns, ..compiler.program }
}

/// Compiler of the steps of all measures.
struct Compiler<'a> {
    tree: &'a Tree,
    program: Program,
    /// Registers of values that have been computed in this stream or in those that it filters.
    registers: Vec<(Id, Register)>,
    /// Next register for a value, counted from the first one.
    next: u8,
    /// Whether there are too many values.
    is_full: bool,
    /// State of each aggregation.
    states: HashMap<(State, StreamId, Option<Id>), Place>,
}

/// State that one or more aggregations read.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum State {
    Bursts(i64),
    Distinct,
    First(usize),
    Frequencies,
    Histogram(Vec<u64>),
    Quantiles,
    Update(Update),
}

/// Place of a state.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    list: usize,
}

impl<'a> Compiler<'a> {
    fn new(tree: &'a Tree, results: &[Part]) -> Self {
        let mut compiler = Self {
            tree,
            program: Program::default(),
            registers: Vec::new(),
            next: 0,
            is_full: false,
            states: HashMap::new(),
        };
        let mut needed = HashSet::new();
        for part in results {
            compiler.need(part.id, &mut needed);
        }
        compiler.stream(Tree::ALL, &needed);
        compiler
    }

    /// Collects the expressions that a result consists of.
    fn need(&self, id: Id, needed: &mut HashSet<Id>) {
        if !needed.insert(id) {
            return;
        }
        let mut need = |id| self.need(id, needed);
        match self.tree.expression(id) {
            Expression::Compute(_, left, right) => [*left, *right].into_iter().for_each(need),
            Expression::Choose(one, two, three) => {
                [*one, *two, *three].into_iter().for_each(need);
            }
            Expression::Item(list, _) => need(*list),
            Expression::Aggregate(_, stream, values) => {
                values.iter().for_each(|id| need(*id));
                self.need_stream(*stream, needed);
            }
            Expression::Field(_, stream) => self.need_stream(*stream, needed),
            Expression::Constant(..) | Expression::Column(_) => {}
        }
    }

    fn need_stream(&self, stream: StreamId, needed: &mut HashSet<Id>) {
        let all: HashMap<_, _> = self.tree.streams().collect();
        if let Some((of, condition)) = all.get(&stream).and_then(|stream| stream.filter) {
            self.need(condition, needed);
            self.need_stream(of, needed);
        }
    }

    /// Writes the steps of a stream, then those of the streams that filter it.
    fn stream(&mut self, stream: StreamId, needed: &HashSet<Id>) {
        let tree = self.tree;
        let (known, next) = (self.registers.len(), self.next);
        let expressions = || tree.expressions().filter(|(id, _)| needed.contains(id));
        // These change with each packet of the stream, even if only a narrower one reads them.
        for (id, expression) in expressions() {
            if let Expression::Field(Source::Gap(_) | Source::Elapsed(_), of) = expression
                && *of == stream
            {
                self.value(id);
            }
        }
        for (_, expression) in expressions() {
            if let Expression::Aggregate(aggregation, of, values) = expression
                && *of == stream
            {
                for state in states(aggregation, values.map(|id| self.scalar(id))) {
                    self.state(state, stream, *values);
                }
            }
        }
        let filters = tree.streams().filter_map(|(inner, stream)| Some((inner, stream.filter?)));
        for (inner, (of, condition)) in filters {
            if of != stream || !self.is_needed(inner, needed) {
                continue;
            }
            let condition = self.value(condition);
            let place = self.program.steps.len();
            self.program.steps.push(Step::Unless { condition, skip: 0 });
            self.stream(inner, needed);
            let skip = self.program.steps.len() - place - 1;
            if let Some(step) = self.program.steps.get_mut(place) {
                *step = Step::Unless { condition, skip };
            }
        }
        self.registers.truncate(known);
        self.next = next;
    }

    /// Returns whether an aggregation or a value is of this stream or of one that filters it.
    fn is_needed(&self, stream: StreamId, needed: &HashSet<Id>) -> bool {
        let of = |expression: &Expression| match expression {
            Expression::Aggregate(_, of, _) | Expression::Field(Source::Gap(_), of) => Some(*of),
            _ => None,
        };
        let mut found = self.tree.expressions().filter(|(id, _)| needed.contains(id));
        found.any(|(_, expression)| {
            of(expression).is_some_and(|of| self.tree.narrower(stream, of) == Some(of))
        })
    }

    /// Writes the steps that update a state, unless they are there, and returns its place.
    fn state(&mut self, state: State, stream: StreamId, values: Option<Id>) {
        let key = (state, stream, values);
        if self.states.contains_key(&key) {
            return;
        }
        let at = self.program.words.len();
        let list = self.program.lists;
        let (words, step): (&[i64], Step) = match &key.0 {
            State::Bursts(gap) => {
                let from = self.load(OfPacket::Time(TimeUnit::Nanoseconds));
                (&[MISSING, 0], Step::Burst { from, gap: *gap, at })
            }
            State::Distinct => (&[0], Step::Distinct { from: self.operand(values), at, list }),
            State::First(most) => {
                (&[], Step::First { from: self.operand(values), most: *most, list })
            }
            State::Frequencies => (&[], Step::Frequencies { from: self.operand(values), list }),
            State::Histogram(edges) => {
                let edges: Box<[f64]> = edges.iter().map(|bits| f64::from_bits(*bits)).collect();
                (&[], Step::Histogram { from: self.float_operand(values), edges, at })
            }
            State::Quantiles => {
                (&[0], Step::Quantiles { from: self.float_operand(values), at, list })
            }
            State::Update(update) => {
                (update.initial(), Step::Update { update: *update, from: self.operand(values), at })
            }
        };
        self.program.words.extend_from_slice(words);
        if let Step::Histogram { edges, .. } = &step {
            self.program.words.extend(edges.iter().skip(1).map(|_| 0));
        }
        self.program.lists += usize::from(!matches!(
            step,
            Step::Burst { .. } | Step::Histogram { .. } | Step::Update { .. }
        ));
        self.program.steps.push(step);
        self.states.insert(key, Place { at, list });
    }

    /// Returns the register of the values; without values, a register that is never missing.
    fn operand(&mut self, values: Option<Id>) -> Register {
        match values {
            Some(id) => self.value(id),
            None => self.constant(0),
        }
    }

    /// Returns the register of values as floating-point numbers.
    fn float_operand(&mut self, values: Option<Id>) -> Register {
        let from = self.operand(values);
        if values.is_none_or(|id| self.scalar(id) == Scalar::Float) {
            return from;
        }
        let to = self.register();
        let (operator, left, right) = (Operator::ToFloat, from, from);
        self.program.steps.push(Step::Compute { operator, left, right, to });
        to
    }

    /// Returns the register of a value, whose steps are written unless they are there.
    fn value(&mut self, id: Id) -> Register {
        if let Some((_, register)) = self.registers.iter().find(|(known, _)| *known == id) {
            return *register;
        }
        let register = match *self.tree.expression(id) {
            Expression::Constant(cell, _) => return self.constant(cell),
            Expression::Field(Source::Packet(part), _) => self.load(part),
            Expression::Field(Source::Gap(unit), _) => {
                let from = self.load(OfPacket::Time(unit));
                let (to, at) = (self.register(), self.word());
                self.program.steps.push(Step::Gap { from, to, at });
                to
            }
            Expression::Field(Source::Elapsed(unit), _) => {
                let from = self.load(OfPacket::Time(unit));
                let (to, at) = (self.register(), self.word());
                self.program.steps.push(Step::Elapsed { from, to, at });
                to
            }
            Expression::Compute(operator, left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                let to = self.register();
                self.program.steps.push(Step::Compute { operator, left, right, to });
                to
            }
            Expression::Choose(condition, yes, no) => {
                let (condition, yes, no) = (self.value(condition), self.value(yes), self.value(no));
                let to = self.register();
                self.program.steps.push(Step::Choose { condition, yes, no, to });
                to
            }
            // The reader rejects values of the flow in expressions over packets.
            Expression::Aggregate(..) | Expression::Column(_) | Expression::Item(..) => {
                self.constant(MISSING)
            }
        };
        self.registers.push((id, register));
        register
    }

    fn load(&mut self, part: OfPacket) -> Register {
        let field = Expression::Field(Source::Packet(part), Tree::ALL);
        let known = self.tree.expressions().find(|(_, expression)| **expression == field);
        let known = known.map(|(id, _)| id);
        let register = |id| self.registers.iter().find(|(known, _)| *known == id);
        if let Some((_, register)) = known.and_then(register) {
            return *register;
        }
        let to = self.register();
        self.program.steps.push(Step::Load { part, to });
        if let Some(id) = known {
            self.registers.push((id, to));
        }
        to
    }

    fn constant(&mut self, cell: i64) -> Register {
        let known = self.program.constants.iter().find(|(_, known)| *known == cell);
        if let Some((register, _)) = known {
            return *register;
        }
        let place = u8::try_from(self.program.constants.len()).unwrap_or(u8::MAX);
        let register = Register(u8::MAX - place);
        self.program.constants.push((register, cell));
        self.check_room();
        register
    }

    fn register(&mut self) -> Register {
        let register = Register(self.next);
        self.next = self.next.saturating_add(1);
        self.check_room();
        register
    }

    fn check_room(&mut self) {
        self.is_full |= usize::from(self.next) + self.program.constants.len() > 250;
    }

    fn word(&mut self) -> usize {
        self.program.words.push(MISSING);
        self.program.words.len() - 1
    }

    /// Returns the type of a value of packets.
    fn scalar(&self, id: Id) -> Scalar {
        self.tree.scalar(id)
    }

    /// Returns the unit of a result, empty if it has none.
    fn unit(&self, id: Id) -> &'static str {
        match self.tree.expression(id) {
            Expression::Item(list, _) => self.unit(*list),
            Expression::Aggregate(
                Aggregation::Deviation
                | Aggregation::First(_)
                | Aggregation::Last
                | Aggregation::Max
                | Aggregation::Mean
                | Aggregation::Min
                | Aggregation::Quantile(_)
                | Aggregation::Sum,
                _,
                Some(values),
            ) => match self.tree.expression(*values) {
                Expression::Field(source, _) => {
                    let mut fields = crate::features::FIELDS.iter();
                    fields.find(|field| field.source == *source).map_or("", |field| field.unit)
                }
                _ => "",
            },
            _ => "",
        }
    }

    fn result(&self, part: Part, unit: TimeUnit) -> Found {
        match part.kind {
            Kind::List(_) => Found::Many(self.items(part.id)),
            _ => Found::One(self.finish(part.id, unit)),
        }
    }

    fn items(&self, id: Id) -> Items {
        let Expression::Aggregate(aggregation, stream, values) = self.tree.expression(id) else {
            return Items::Words { at: 0, count: 0 };
        };
        let place = |state| self.place(state, *stream, *values);
        match aggregation {
            Aggregation::Histogram(edges) => {
                let at = place(State::Histogram(edges.clone())).at;
                Items::Words { at, count: edges.len() - 1 }
            }
            Aggregation::First(most) => Items::List(place(State::First(*most)).list),
            _ => Items::Words { at: 0, count: 0 },
        }
    }

    fn finish(&self, id: Id, unit: TimeUnit) -> Finish {
        let finish = |id| Box::new(self.finish(id, unit));
        match self.tree.expression(id) {
            Expression::Constant(cell, _) => Finish::Constant(*cell),
            Expression::Column(name) => Finish::Column(tree::column(name, unit)),
            Expression::Compute(operator, left, right) => {
                Finish::Compute { operator: *operator, left: finish(*left), right: finish(*right) }
            }
            Expression::Choose(condition, yes, no) => {
                Finish::Choose { condition: finish(*condition), yes: finish(*yes), no: finish(*no) }
            }
            Expression::Item(list, place) => {
                Finish::Item { items: self.items(*list), place: *place }
            }
            Expression::Aggregate(aggregation, stream, values) => {
                Finish::Reading(self.reading(aggregation, *stream, *values))
            }
            // The reader rejects values of packets here.
            Expression::Field(..) => Finish::Constant(MISSING),
        }
    }

    fn reading(&self, aggregation: &Aggregation, stream: StreamId, values: Option<Id>) -> Reading {
        let scalar = values.map(|id| self.scalar(id));
        let place = |state| self.place(state, stream, values);
        let at = |update| place(State::Update(update)).at;
        let is_float = scalar == Some(Scalar::Float);
        let (least, most) = if is_float {
            (Update::MinFloat, Update::MaxFloat)
        } else {
            (Update::MinWhole, Update::MaxWhole)
        };
        match aggregation {
            Aggregation::All => Reading::Truth { at: at(least), empty: true },
            Aggregation::Any => Reading::Truth { at: at(most), empty: false },
            Aggregation::Bursts(gap) => Reading::Word { at: place(State::Bursts(*gap)).at + 1 },
            Aggregation::Count => Reading::Word { at: at(Update::Count) },
            Aggregation::Last => Reading::Word { at: at(Update::Last) },
            Aggregation::Max => Reading::WordOrZero { at: at(most) },
            Aggregation::Min => Reading::WordOrZero { at: at(least) },
            Aggregation::Mean if is_float => {
                Reading::MeanFloat { sum: at(Update::SumFloat), count: at(Update::Count) }
            }
            Aggregation::Mean => {
                Reading::MeanWhole { sum: at(Update::SumWhole), count: at(Update::Count) }
            }
            Aggregation::Sum if is_float => Reading::SumFloat { at: at(Update::SumFloat) },
            Aggregation::Sum => Reading::SumWhole { at: at(Update::SumWhole) },
            Aggregation::Deviation if is_float => {
                Reading::DeviationOfPowers { at: at(Update::Powers) }
            }
            Aggregation::Deviation => Reading::Deviation { at: at(Update::Squares) },
            Aggregation::Variance if is_float => {
                Reading::VarianceOfPowers { at: at(Update::Powers) }
            }
            Aggregation::Variance => Reading::Variance { at: at(Update::Squares) },
            Aggregation::Skewness => Reading::Skewness { at: at(powers(is_float)) },
            Aggregation::Kurtosis => Reading::Kurtosis { at: at(powers(is_float)) },
            Aggregation::Unique => {
                let Place { at, list } = place(State::Distinct);
                Reading::Distinct { at, list }
            }
            Aggregation::Quantile(share) => {
                let Place { at, list } = place(State::Quantiles);
                Reading::Quantile { at, list, share: f64::from_bits(*share) }
            }
            Aggregation::Entropy => Reading::Entropy { list: place(State::Frequencies).list },
            // Lists have readings of their own.
            Aggregation::First(_) | Aggregation::Histogram(_) => Reading::Word { at: usize::MAX },
        }
    }

    fn place(&self, state: State, stream: StreamId, values: Option<Id>) -> Place {
        let missing = Place { at: usize::MAX, list: usize::MAX };
        self.states.get(&(state, stream, values)).copied().unwrap_or(missing)
    }
}

/// Returns the states that an aggregation of values of this type reads.
fn states(aggregation: &Aggregation, scalar: Option<Scalar>) -> Vec<State> {
    let is_float = scalar == Some(Scalar::Float);
    let either = |float, whole| vec![State::Update(if is_float { float } else { whole })];
    match aggregation {
        Aggregation::All | Aggregation::Min => either(Update::MinFloat, Update::MinWhole),
        Aggregation::Any | Aggregation::Max => either(Update::MaxFloat, Update::MaxWhole),
        Aggregation::Bursts(gap) => vec![State::Bursts(*gap)],
        Aggregation::Count => vec![State::Update(Update::Count)],
        Aggregation::Deviation | Aggregation::Variance => either(Update::Powers, Update::Squares),
        Aggregation::Entropy => vec![State::Frequencies],
        Aggregation::First(most) => vec![State::First(*most)],
        Aggregation::Histogram(edges) => vec![State::Histogram(edges.clone())],
        Aggregation::Kurtosis | Aggregation::Skewness => {
            vec![State::Update(powers(is_float))]
        }
        Aggregation::Last => vec![State::Update(Update::Last)],
        Aggregation::Mean => {
            let mut both = either(Update::SumFloat, Update::SumWhole);
            both.push(State::Update(Update::Count));
            both
        }
        Aggregation::Quantile(_) => vec![State::Quantiles],
        Aggregation::Sum => either(Update::SumFloat, Update::SumWhole),
        Aggregation::Unique => vec![State::Distinct],
    }
}

const fn powers(is_float: bool) -> Update {
    if is_float { Update::Powers } else { Update::PowersOfWhole }
}

const fn scalar(kind: Kind) -> Scalar {
    match kind {
        Kind::List(scalar) | Kind::One(scalar) => scalar,
        _ => Scalar::Whole,
    }
}
