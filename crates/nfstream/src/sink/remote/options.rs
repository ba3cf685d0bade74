//! Options of a destination, after `#` in its URL, and its secrets.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::DestinationError;
use super::delivery::Limits;
use super::url::Url;
use crate::host::Secrets;

/// Name, default and meaning of an option.
#[derive(Clone, Copy, Debug)]
pub struct OptionHelp {
    /// Name.
    pub name: &'static str,
    /// Default, empty for none.
    pub default: &'static str,
    /// Meaning, a sentence without a full stop.
    pub description: &'static str,
}

/// Options of every destination.
pub const COMMON: &[OptionHelp] = &[QUEUE, TIMEOUT, RETRY, DRAIN, FLUSH, CREDENTIALS];

const QUEUE: OptionHelp = OptionHelp {
    name: "queue_mib",
    default: "64",
    description: "mebibytes of flows that may wait; then packets of files wait as well, and flows \
                  of a live capture are dropped and counted",
};

const TIMEOUT: OptionHelp = OptionHelp {
    name: "timeout_s",
    default: "10",
    description: "longest wait in seconds for a connection or an answer",
};

const RETRY: OptionHelp = OptionHelp {
    name: "retry_s",
    default: "60",
    description: "seconds for which the same flows are tried again before a run over files fails; \
                  a live capture never gives up",
};

const DRAIN: OptionHelp = OptionHelp {
    name: "drain_s",
    default: "10",
    description: "seconds for which waiting flows are still sent after Ctrl-C, or after the end of \
                  a live capture if none can be sent",
};

const FLUSH: OptionHelp = OptionHelp {
    name: "flush_s",
    default: "1",
    description: "seconds after which flows are sent although a batch is not full",
};

const CREDENTIALS: OptionHelp = OptionHelp {
    name: "credentials",
    default: "",
    description: "file with lines `user = …`, `password = …` or `token = …`, instead of the \
                  environment variables NFSTREAM_USER, NFSTREAM_PASSWORD and NFSTREAM_TOKEN",
};

/// Options of destinations with TLS.
pub(super) const CA: OptionHelp = OptionHelp {
    name: "ca",
    default: "",
    description: "file with the certificates of trusted authorities in PEM; those of the system if \
                  not given",
};

/// Certificate of the client.
pub(super) const CERTIFICATE: OptionHelp = OptionHelp {
    name: "cert",
    default: "",
    description: "file with the certificate of this client in PEM, for servers that require one",
};

/// Key of the client's certificate.
pub(super) const KEY: OptionHelp = OptionHelp {
    name: "key",
    default: "",
    description: "file with the private key of that certificate in PEM",
};

/// Secrets that the environment may hold.
const SECRETS: &[&str] = &["user", "password", "token"];

/// Options of one URL.
#[derive(Debug)]
pub(super) struct Options {
    /// Name of the scheme, for messages.
    scheme: &'static str,
    values: Vec<(&'static str, String)>,
    pub(super) secrets: Secrets,
}

impl Options {
    /// Checks that a scheme has the options of `url`, its `own` ones and those of all
    /// destinations, and reads the secrets.
    pub(super) fn parse(
        scheme: &'static str,
        own: &'static [OptionHelp],
        url: &Url,
    ) -> Result<Self, DestinationError> {
        let known = || own.iter().chain(COMMON);
        let mut values: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in &url.options {
            let option = known().find(|option| option.name == name).ok_or_else(|| {
                let known: Vec<_> = known().map(|option| option.name).collect();
                let known = known.join(", ");
                DestinationError::UnknownOption { scheme, name: name.clone(), known }
            })?;
            values.retain(|(name, _)| *name != option.name);
            values.push((option.name, value.clone()));
        }
        let mut options = Self { scheme, values, secrets: Secrets::default() };
        let file = options.path(&CREDENTIALS);
        options.secrets = Secrets::read(SECRETS, file.as_deref())
            .map_err(|source| DestinationError::File { path: file.unwrap_or_default(), source })?;
        Ok(options)
    }

    /// Returns the value of an option, `None` if it is not given.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the file that an option names.
    fn path(&self, option: &OptionHelp) -> Option<PathBuf> {
        self.value(option.name).map(PathBuf::from)
    }

    /// Returns the value of a yes-or-no option.
    pub(super) fn flag(&self, option: &OptionHelp) -> Result<bool, DestinationError> {
        match self.value(option.name).unwrap_or(option.default) {
            "no" => Ok(false),
            "yes" => Ok(true),
            value => Err(self.invalid(option, value, "yes or no")),
        }
    }

    /// Returns a number in a range.
    pub(super) fn number<N: FromStr + PartialOrd>(
        &self,
        option: &OptionHelp,
        range: std::ops::RangeInclusive<N>,
        expected: &'static str,
    ) -> Result<N, DestinationError> {
        let value = self.value(option.name).unwrap_or(option.default);
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.invalid(option, value, expected))
    }

    /// Returns a time in seconds.
    pub(super) fn seconds(&self, option: &OptionHelp) -> Result<Duration, DestinationError> {
        let expected = "a number of seconds from 0 to 86400";
        Ok(Duration::from_secs_f64(self.number(option, 0.0..=86_400.0, expected)?))
    }

    /// Returns the limits of a delivery.
    pub(super) fn limits(&self) -> Result<Limits, DestinationError> {
        let mebibytes: u64 = self.number(&QUEUE, 1..=65_536, "a whole number from 1 to 65536")?;
        Ok(Limits {
            queue_bytes: usize::try_from(mebibytes << 20).unwrap_or(usize::MAX),
            retry: self.seconds(&RETRY)?,
            drain: self.seconds(&DRAIN)?,
            flush: self.seconds(&FLUSH)?,
        })
    }

    /// Returns the longest wait for a connection or an answer.
    pub(super) fn timeout(&self) -> Result<Duration, DestinationError> {
        let timeout = self.seconds(&TIMEOUT)?;
        // The system takes no wait of zero.
        Ok(timeout.max(Duration::from_millis(1)))
    }

    /// Reads the certificates.
    #[cfg(feature = "http")]
    pub(super) fn trust(&self) -> Result<crate::host::Trust, DestinationError> {
        let (ca, certificate, key) = (self.path(&CA), self.path(&CERTIFICATE), self.path(&KEY));
        let client = match (&certificate, &key) {
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            (Some(certificate), None) => Some((certificate.as_path(), certificate.as_path())),
            _ => None,
        };
        let read = crate::host::Trust::read;
        let cannot = |path: &Option<PathBuf>, source| DestinationError::File {
            path: path.clone().unwrap_or_default(),
            source,
        };
        read(ca.as_deref(), None).map_err(|source| cannot(&ca, source))?;
        read(ca.as_deref(), client)
            .map_err(|source| cannot(if key.is_some() { &key } else { &certificate }, source))
    }

    pub(super) fn invalid(
        &self,
        option: &OptionHelp,
        value: &str,
        expected: &'static str,
    ) -> DestinationError {
        let (scheme, name, value) = (self.scheme, option.name, value.to_owned());
        DestinationError::Option { scheme, name, value, expected }
    }
}
