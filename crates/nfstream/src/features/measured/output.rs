//! Results of measures, from the state of a flow at its end or before.

use super::cell::{MISSING, float, nearest, nearest_wide, of_float, of_whole};
use super::field::Scalar;
use super::operator::{Operator, truth};
use super::{State, distinct, frequencies, moments, quantiles};
use crate::features::{Column, Nameless, Record, Value};

/// Result of a measure.
#[derive(Debug)]
pub struct Output {
    /// Type of the value; for a list, type of its items.
    pub(crate) scalar: Scalar,
    pub(crate) result: Result,
}

/// Form of a result.
#[derive(Debug)]
pub(crate) enum Result {
    One(Finish),
    Many(Items),
}

/// Expression over aggregations and columns.
#[derive(Debug)]
pub(crate) enum Finish {
    Constant(i64),
    Column(&'static Column),
    Reading(Reading),
    Compute {
        operator: Operator,
        left: Box<Self>,
        right: Box<Self>,
    },
    Choose {
        condition: Box<Self>,
        yes: Box<Self>,
        no: Box<Self>,
    },
    /// Item of a list, missing beyond its end.
    Item {
        items: Items,
        place: usize,
    },
}

/// Value of an aggregation, from the words at `at` or from a list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// A word, missing if the word is.
    Word {
        at: usize,
    },
    /// A word, 0 if it is missing.
    WordOrZero {
        at: usize,
    },
    /// Whether a word, the minimum or maximum of truth values so far, is 1; `empty` without values.
    Truth {
        at: usize,
        empty: bool,
    },
    SumFloat {
        at: usize,
    },
    SumWhole {
        at: usize,
    },
    MeanFloat {
        sum: usize,
        count: usize,
    },
    MeanWhole {
        sum: usize,
        count: usize,
    },
    Variance {
        at: usize,
    },
    Deviation {
        at: usize,
    },
    VarianceOfPowers {
        at: usize,
    },
    DeviationOfPowers {
        at: usize,
    },
    Skewness {
        at: usize,
    },
    Kurtosis {
        at: usize,
    },
    Distinct {
        at: usize,
        list: usize,
    },
    Quantile {
        at: usize,
        list: usize,
        share: f64,
    },
    Entropy {
        list: usize,
    },
}

/// Values of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Items {
    /// A list of the flow.
    List(usize),
    /// Words.
    Words { at: usize, count: usize },
}

impl Output {
    /// Returns the type of the value; for a list, the type of its items.
    pub const fn scalar(&self) -> Scalar {
        self.scalar
    }

    /// Returns whether the result is a list.
    pub const fn is_list(&self) -> bool {
        matches!(self.result, Result::Many(_))
    }

    /// Returns Arrow's name for the type.
    pub const fn type_name(&self) -> &'static str {
        match (&self.result, self.scalar) {
            (Result::One(_), Scalar::Bool) => "bool",
            (Result::One(_), Scalar::Float) => "double",
            (Result::One(_), Scalar::Whole) => "int64",
            (Result::Many(_), Scalar::Float) => "list<double>",
            (Result::Many(_), _) => "list<int64>",
        }
    }

    /// Returns the value for a flow.
    pub(crate) fn value(&self, record: &Record) -> Value {
        let cell = match &self.result {
            Result::One(finish) => self.one(finish, record),
            Result::Many(_) if self.scalar == Scalar::Float => {
                return Value::Floats(self.items(record).iter().map(|cell| float(*cell)).collect());
            }
            Result::Many(_) => return Value::List(self.items(record).to_vec()),
        };
        match self.scalar {
            _ if cell == MISSING => Value::Null,
            Scalar::Bool => Value::Bool(cell == 1),
            Scalar::Float => Value::Float(float(cell)),
            Scalar::Whole => Value::Integer(cell),
        }
    }

    /// Returns the value for a flow in one word, missing for a list.
    pub(crate) fn cell(&self, record: &Record) -> i64 {
        match &self.result {
            Result::One(finish) => self.one(finish, record),
            Result::Many(_) => MISSING,
        }
    }

    /// Returns the items for a flow, none unless the result is a list.
    pub(crate) fn items<'a>(&self, record: &'a Record) -> &'a [i64] {
        let state = record.measures.as_deref().map(|measures| &measures.measured);
        match (&self.result, state) {
            (Result::Many(items), Some(state)) => items.of(state),
            _ => &[],
        }
    }

    fn one(&self, finish: &Finish, record: &Record) -> i64 {
        record.measures.as_deref().map_or(MISSING, |m| finish.value(&m.measured, record))
    }
}

impl Finish {
    fn value(&self, state: &State, record: &Record) -> i64 {
        match self {
            Self::Constant(cell) => *cell,
            Self::Column(column) => match column.value(record, &Nameless) {
                Value::Integer(number) => of_whole(number),
                Value::Float(number) => of_float(number),
                Value::Bool(flag) => truth(flag),
                _ => MISSING,
            },
            Self::Reading(reading) => reading.value(state),
            Self::Compute { operator, left, right } => {
                operator.apply(left.value(state, record), right.value(state, record))
            }
            Self::Choose { condition, yes, no } => match condition.value(state, record) {
                1 => yes.value(state, record),
                0 => no.value(state, record),
                _ => MISSING,
            },
            Self::Item { items, place } => items.of(state).get(*place).copied().unwrap_or(MISSING),
        }
    }
}

impl Reading {
    fn value(self, state: &State) -> i64 {
        let word = |at| state.words.get(at).copied().unwrap_or(MISSING);
        let words = |at| state.chunk::<6>(at);
        let pair = |at| state.chunk::<2>(at);
        let list = |list| state.lists.get(list).map_or(&[][..], Vec::as_slice);
        let mean = |sum: f64, count| match word(count) {
            0 => 0,
            count => of_float(sum / nearest(count)),
        };
        match self {
            Self::Word { at } => word(at),
            Self::WordOrZero { at } => match word(at) {
                MISSING => 0,
                value => value,
            },
            Self::Truth { at, empty } => match word(at) {
                MISSING => truth(empty),
                value => value,
            },
            Self::SumFloat { at } => sum_float(pair(at)),
            Self::SumWhole { at } => {
                let sum = moments::wide(pair(at));
                let limit = if sum < 0 { MISSING + 1 } else { i64::MAX };
                i64::try_from(sum).map_or(limit, of_whole)
            }
            Self::MeanFloat { sum, count } => mean(float(sum_float(pair(sum))), count),
            Self::MeanWhole { sum, count } => mean(nearest_wide(moments::wide(pair(sum))), count),
            Self::Variance { at } => of_float(moments::variance(words(at))),
            Self::Deviation { at } => of_float(moments::variance(words(at)).sqrt()),
            Self::VarianceOfPowers { at } => of_float(moments::variance_of_powers(words(at))),
            Self::DeviationOfPowers { at } => {
                of_float(moments::variance_of_powers(words(at)).sqrt())
            }
            Self::Skewness { at } => moments::skewness(words(at)),
            Self::Kurtosis { at } => moments::kurtosis(words(at)),
            Self::Distinct { at, list: number } => distinct::count(list(number), word(at)),
            Self::Quantile { at, list: number, share } => {
                quantiles::quantile(list(number), word(at), share)
            }
            Self::Entropy { list: number } => frequencies::entropy(list(number)),
        }
    }
}

impl Items {
    fn of(self, state: &State) -> &[i64] {
        match self {
            Self::List(list) => state.lists.get(list).map_or(&[], Vec::as_slice),
            Self::Words { at, count } => state.words.get(at..at + count).unwrap_or_default(),
        }
    }
}

fn sum_float([sum, lost]: [i64; 2]) -> i64 {
    of_float(float(sum) + float(lost))
}
