//! Lines of JSON to a Unix socket of this machine.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::receiver::{Failure, Receiver, Sent};
use super::rows::encode;
use super::{Contents, DestinationError, Scheme, Setup};
use crate::host::Connection;
use crate::sink::Format;

pub(super) const SCHEMES: &[Scheme] = &[Scheme {
    name: "unix",
    description: "Lines of JSON to a Unix socket",
    example: "unix:///run/flows.sock",
    options: &[],
    contents: Contents::Formats(Format::JSON_FORMATS),
    missing: None,
    receiver: |setup| receiver(setup),
}];

/// Rows that are sent, and sent again after a failure, together.
const ROWS: usize = 1_000;

struct Program {
    path: PathBuf,
    timeout: Duration,
    format: Format,
    connection: Option<Connection>,
}

fn receiver(setup: Setup) -> Result<Box<dyn Receiver>, DestinationError> {
    setup.without_query()?;
    if !setup.url.hosts.is_empty() || setup.url.path.len() < 2 {
        return Err(setup.part("it needs the path of a socket, which begins with a third slash"));
    }
    Ok(Box::new(Program {
        path: super::url::decode(&setup.url.path)?.into(),
        timeout: setup.options.timeout()?,
        format: setup.format.unwrap_or(Format::JSON_LINES),
        connection: None,
    }))
}

impl Receiver for Program {
    fn connect(&mut self, _: &SchemaRef) -> Result<(), Failure> {
        self.connection = None;
        self.connection = Some(Connection::unix(&self.path, self.timeout)?);
        Ok(())
    }

    fn send(&mut self, batch: &RecordBatch) -> Result<Sent, Failure> {
        let lines = encode(self.format, batch)?;
        let Some(connection) = &mut self.connection else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        connection.send(&lines)?;
        Ok(Sent { bytes: lines.len().try_into().unwrap_or(u64::MAX), rejected: None })
    }

    fn close(&mut self) -> Result<(), Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection.close()?),
            None => Ok(()),
        }
    }

    fn most_rows(&self) -> usize {
        ROWS
    }

    fn is_local_path(&self) -> bool {
        true
    }
}
