//! Destinations named by URLs: collectors, databases, brokers and other programs.
//!
//! A [`Destination`] is a valid URL with its secrets; its sink, a [`Delivery`], sends batches in a
//! thread of its own. A new protocol is a file in this folder with `SCHEMES`, a type that implements
//! [`Receiver`](receiver::Receiver), and a line in the registry below.

#[cfg(feature = "http")]
mod client;
#[cfg(not(feature = "http"))]
#[path = "no_client.rs"]
mod client;
mod delivery;
mod error;
mod options;
mod queue;
mod receiver;
mod rows;
mod status;
mod url;

use crate::features::{Column, Group};
use crate::sink::Format;
use crate::time::TimeUnit;

pub use delivery::{Delivery, Full};
pub use error::DestinationError;
pub use options::{COMMON, OptionHelp};
pub use status::{SinkCounts, SinkStatus};

use delivery::Limits;
use options::Options;
use receiver::Receiver;
use url::Url;

/// Declares the protocols: modules that hold `SCHEMES`.
macro_rules! registry {
    ($($module:ident,)*) => {
        $(mod $module;)*

        /// Schemes of all protocols.
        pub fn schemes() -> impl Iterator<Item = &'static Scheme> {
            [$($module::SCHEMES,)*].into_iter().flatten()
        }
    };
}

registry! {
    ipfix,
    kafka,
    clickhouse,
    http,
    unix,
}

/// Kind of destination, which the scheme of a URL selects.
#[derive(Debug)]
pub struct Scheme {
    /// Name before `://`.
    pub name: &'static str,
    /// Description, in a few words.
    pub description: &'static str,
    /// A valid URL.
    pub example: &'static str,
    /// Options after `#`, in addition to those that all destinations have.
    pub options: &'static [OptionHelp],
    /// Contents of what is sent.
    pub contents: Contents,
    /// Cargo feature that this build lacks for it, `None` if it has everything.
    pub missing: Option<&'static str>,
    /// Prepares the receiver.
    receiver: fn(Setup) -> Result<Box<dyn Receiver>, DestinationError>,
}

/// Contents of what a destination gets.
#[derive(Clone, Copy, Debug)]
pub enum Contents {
    /// Every column of the table, in a form of its own.
    Columns,
    /// Every column of the table, in one of these formats; the first is the default.
    Formats(&'static [Format]),
    /// Its own columns, and others only if they have numbers.
    Ipfix,
}

/// Everything that a receiver is made of.
#[derive(Debug)]
struct Setup {
    scheme: &'static Scheme,
    url: Url,
    options: Options,
    format: Option<Format>,
}

/// A destination for a table: a URL that was checked, and its secrets.
#[derive(Debug)]
pub struct Destination {
    scheme: &'static Scheme,
    name: String,
    format: Option<Format>,
    limits: Limits,
    receiver: std::sync::Mutex<Option<Box<dyn Receiver>>>,
    is_local_path: bool,
    numbers_columns: bool,
}

impl Destination {
    /// Returns whether text names a destination and not a file.
    pub fn is_named_by(text: &str) -> bool {
        Url::scheme_of(text).is_some()
    }

    /// Parses a URL, and reads its secrets and certificates. `format` is that of the rows, `None`
    /// for the usual one.
    ///
    /// # Errors
    ///
    /// [`DestinationError`].
    pub fn parse(text: &str, format: Option<Format>) -> Result<Self, DestinationError> {
        let url = Url::parse(text)?;
        let scheme = schemes().find(|scheme| scheme.name == url.scheme).ok_or_else(|| {
            let known: Vec<_> = schemes().map(|scheme| format!("{}://", scheme.name)).collect();
            DestinationError::UnknownScheme { scheme: url.scheme.clone(), known: known.join(", ") }
        })?;
        if let Some(feature) = scheme.missing {
            return Err(DestinationError::MissingFeature { scheme: scheme.name, feature });
        }
        let format = scheme.format(format)?;
        let options = Options::parse(scheme.name, scheme.options, &url)?;
        let limits = options.limits()?;
        let name = url.shown();
        let receiver = (scheme.receiver)(Setup { scheme, url, options, format })?;
        let is_local_path = receiver.is_local_path();
        let numbers_columns = receiver.numbers_columns();
        let receiver = std::sync::Mutex::new(Some(receiver));
        Ok(Self { scheme, name, format, limits, receiver, is_local_path, numbers_columns })
    }

    /// Returns the URL without secrets and options.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the format of the rows, `None` if the destination has a form of its own.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Returns whether the destination is a path of this machine, which needs the right to use it.
    pub fn is_local_path(&self) -> bool {
        self.is_local_path
    }

    /// Returns whether the destination counts the bytes of IP packets.
    pub fn counts_ip_bytes(&self) -> bool {
        match self.scheme.contents {
            Contents::Ipfix => true,
            _ => self.format.is_some_and(|format| format.counts_ip_bytes()),
        }
    }

    /// Returns the columns that the destination needs, `None` for those of the table. `shows` says
    /// whether the user chose a group, `dissects` whether flows have labels; `unit` is that of the
    /// run.
    pub fn columns(
        &self,
        shows: impl Fn(Group) -> bool,
        dissects: bool,
        unit: TimeUnit,
    ) -> Option<Vec<&'static Column>> {
        match self.scheme.contents {
            Contents::Columns => None,
            Contents::Formats(_) => {
                self.format.and_then(|format| format.columns(shows, dissects, unit))
            }
            Contents::Ipfix => {
                Some(crate::sink::ipfix::columns(shows, dissects, unit, self.numbers_columns))
            }
        }
    }

    /// Returns the sink, once. While the caller waits for it, `is_interrupted` is called often.
    ///
    /// A second call returns a sink that cannot be opened.
    pub fn sink(
        &self,
        full: Full,
        is_interrupted: impl FnMut() -> bool + Send + 'static,
    ) -> Delivery {
        let mut receiver = self.receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let receiver = receiver.take().unwrap_or_else(|| Box::new(Nowhere));
        Delivery::new(self.name.clone(), receiver, full, self.limits, Box::new(is_interrupted))
    }
}

impl Scheme {
    /// Returns the format of the rows, `None` if there is no choice.
    fn format(&'static self, chosen: Option<Format>) -> Result<Option<Format>, DestinationError> {
        let (formats, usual) = match self.contents {
            Contents::Formats(formats) => (formats, formats.first().copied()),
            Contents::Columns | Contents::Ipfix => (&[][..], None),
        };
        let Some(chosen) = chosen else { return Ok(usual) };
        if formats.contains(&chosen) {
            return Ok(Some(chosen));
        }
        let names: Vec<_> = formats.iter().map(|format| format.name).collect();
        let advice = match names.as_slice() {
            [] => "it has a format of its own".to_owned(),
            names => format!("use {}", names.join(", ")),
        };
        Err(DestinationError::Format { scheme: self.name, format: chosen.name, advice })
    }
}

impl Setup {
    /// Returns the only host with its port, `port` unless the URL has one.
    fn host(&self, port: u16) -> Result<(String, u16), DestinationError> {
        match self.url.hosts.as_slice() {
            [(host, given)] => Ok((host.clone(), given.unwrap_or(port))),
            [] => Err(self.part("it needs a host")),
            _ => Err(self.part("it takes only one host")),
        }
    }

    /// Checks that the URL has no query: options of nfstream come after `#`.
    fn without_query(&self) -> Result<(), DestinationError> {
        match self.url.query {
            None => Ok(()),
            Some(_) => Err(self.part("it takes no query; options follow #")),
        }
    }

    /// Checks that the URL has no path.
    fn without_path(&self) -> Result<(), DestinationError> {
        if matches!(self.url.path.as_str(), "" | "/") {
            return Ok(());
        }
        Err(self.part("it takes no path"))
    }

    fn part(&self, reason: &'static str) -> DestinationError {
        let Scheme { name, example, .. } = *self.scheme;
        DestinationError::Part { scheme: name, reason, example }
    }
}

/// Receiver of a destination whose only sink was taken before.
struct Nowhere;

impl Receiver for Nowhere {
    fn connect(&mut self, _: &arrow_schema::SchemaRef) -> Result<(), receiver::Failure> {
        Err(receiver::Failure::permanent("its sink is in use"))
    }

    fn send(&mut self, _: &arrow_array::RecordBatch) -> Result<receiver::Sent, receiver::Failure> {
        Err(receiver::Failure::permanent("its sink is in use"))
    }

    fn close(&mut self) -> Result<(), receiver::Failure> {
        Ok(())
    }

    fn most_rows(&self) -> usize {
        usize::MAX
    }
}

impl std::fmt::Debug for dyn Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver")
    }
}
