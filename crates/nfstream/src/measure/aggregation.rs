//! Aggregations: values of a flow from values of its packets.

use super::kind::Kind;
use crate::features::Scalar;

/// An aggregation with its parameters; floating-point numbers as their bits.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Aggregation {
    All,
    Any,
    /// Runs of packets without a gap above this many nanoseconds.
    Bursts(i64),
    Count,
    Deviation,
    Entropy,
    First(usize),
    Histogram(Vec<u64>),
    Kurtosis,
    Last,
    Max,
    Mean,
    Min,
    Quantile(u64),
    Skewness,
    Sum,
    Unique,
    Variance,
}

/// Names of aggregations.
pub(super) const NAMES: [&str; 18] = [
    "all",
    "any",
    "bursts",
    "count",
    "entropy",
    "first",
    "histogram",
    "kurtosis",
    "last",
    "max",
    "mean",
    "min",
    "n_unique",
    "quantile",
    "skew",
    "std",
    "sum",
    "var",
];

/// Maximum length of a list of first values.
const MOST_FIRST: i64 = 65_535;

/// Maximum number of edges of a histogram.
const MOST_EDGES: usize = 257;

/// Argument of an aggregation: a literal number, or a list of them.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Float(f64),
    List(Vec<f64>),
    Whole(i64),
}

impl Argument {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            #[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "small numbers")]
            Self::Whole(number) => Some(*number as f64),
            Self::List(_) => None,
        }
    }
}

impl Aggregation {
    /// Returns the aggregation called `name`.
    ///
    /// # Errors
    ///
    /// A message if the arguments do not fit.
    pub(super) fn new(name: &str, arguments: &[Argument]) -> Result<Self, String> {
        let plain = match name {
            "all" => Self::All,
            "any" => Self::Any,
            "count" => Self::Count,
            "entropy" => Self::Entropy,
            "kurtosis" => Self::Kurtosis,
            "last" => Self::Last,
            "max" => Self::Max,
            "mean" => Self::Mean,
            "min" => Self::Min,
            "n_unique" => Self::Unique,
            "skew" => Self::Skewness,
            "std" => Self::Deviation,
            "sum" => Self::Sum,
            "var" => Self::Variance,
            _ => return Self::with_argument(name, arguments),
        };
        if arguments.is_empty() { Ok(plain) } else { Err(format!("'{name}' takes no argument")) }
    }

    fn with_argument(name: &str, arguments: &[Argument]) -> Result<Self, String> {
        let [argument] = arguments else { return Err(expected(name)) };
        let number = argument.number();
        match (name, argument) {
            ("bursts", _) => {
                let gap = number.filter(|gap| (0.0..=1e12).contains(gap));
                let gap = gap.map(|gap| crate::features::cell::whole((gap * 1e6).round()));
                gap.map(Self::Bursts).ok_or_else(|| expected(name))
            }
            ("first", Argument::Whole(most @ 1..=MOST_FIRST)) => {
                usize::try_from(*most).map(Self::First).map_err(|_| expected(name))
            }
            ("histogram", Argument::List(edges)) => {
                let grows = edges.windows(2).all(|pair| pair[0] < pair[1]);
                if !grows || !(2..=MOST_EDGES).contains(&edges.len()) {
                    return Err(expected(name));
                }
                Ok(Self::Histogram(edges.iter().map(|edge| edge.to_bits()).collect()))
            }
            ("quantile", _) => {
                let share = number.filter(|share| (0.0..=1.0).contains(share));
                share.map(|share| Self::Quantile(share.to_bits())).ok_or_else(|| expected(name))
            }
            _ => Err(expected(name)),
        }
    }

    /// Returns the type of the result over values of type `scalar`; `None` stands for packets
    /// instead of values.
    ///
    /// # Errors
    ///
    /// The types that the aggregation takes, in words.
    pub(super) fn kind(&self, scalar: Option<Scalar>) -> Result<Kind, &'static str> {
        use Scalar::{Bool, Float, Whole};
        let one = |scalar| Ok(Kind::One(scalar));
        match (self, scalar) {
            (Self::Count, _) | (Self::Bursts(_), None) => one(Whole),
            (Self::Bursts(_), Some(_)) => Err("packets: pkt.bursts(gap_ms)"),
            (_, None) => Err("values: name a field of the packets first"),
            (Self::All | Self::Any, Some(Bool)) => one(Bool),
            (Self::All | Self::Any, _) => Err("bools"),
            (Self::Last, Some(scalar)) => one(scalar),
            (Self::First(_), Some(Float)) => Ok(Kind::List(Float)),
            (Self::First(_), _) => Ok(Kind::List(Whole)),
            (Self::Sum, Some(Bool | Whole)) | (Self::Unique, _) => one(Whole),
            (Self::Sum, Some(Float)) => one(Float),
            (Self::Mean | Self::Entropy, _) => one(Float),
            (_, Some(Bool)) => Err("numbers"),
            (Self::Min | Self::Max, Some(scalar)) => one(scalar),
            (Self::Histogram(_), _) => Ok(Kind::List(Whole)),
            _ => one(Float),
        }
    }
}

/// Returns the message for arguments that do not fit.
fn expected(name: &str) -> String {
    match name {
        "bursts" => "'bursts' takes a gap in milliseconds: pkt.bursts(1000)".to_owned(),
        "first" => "'first' takes a number of values from 1 to 65535".to_owned(),
        "histogram" => {
            "'histogram' takes a list of 2 to 257 increasing edges: histogram([0, 64, 1500])"
                .to_owned()
        }
        "quantile" => "'quantile' takes a share from 0 to 1: quantile(0.5)".to_owned(),
        _ => format!("'{name}' does not take this argument"),
    }
}
