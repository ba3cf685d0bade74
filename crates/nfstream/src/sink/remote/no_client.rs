//! Requests over HTTP in builds without a client: none.

use super::receiver::Failure;
use super::{DestinationError, Setup};

/// Client that does not exist.
#[derive(Debug)]
pub(super) enum Client {}

impl Client {
    pub(super) fn new(setup: &Setup, _: bool, _: u16, _: &str) -> Result<Self, DestinationError> {
        Err(DestinationError::MissingFeature { scheme: setup.scheme.name, feature: "http" })
    }

    pub(super) fn probe(&self) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn with_header(self, _: &'static str, _: String) -> Self {
        match self {}
    }

    pub(super) fn with_passing(self, _: fn(&str) -> bool) -> Self {
        match self {}
    }

    pub(super) fn uncompressed(self) -> Self {
        match self {}
    }

    pub(super) fn post(&self, _: &str, _: &[u8], _: bool) -> Result<(String, u64), Failure> {
        match *self {}
    }
}
