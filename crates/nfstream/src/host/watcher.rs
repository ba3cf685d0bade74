//! A process table that is kept up to date while packets are captured.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

#[cfg(not(target_os = "linux"))]
use super::no_sockets::SocketWatcher;
use super::processes::Processes;
#[cfg(target_os = "linux")]
use super::sockets::SocketWatcher;

/// Processes of this machine that have sockets, listed once in each polling interval.
#[derive(Clone, Debug)]
pub struct ProcessWatcher {
    sockets: Arc<Mutex<SocketWatcher>>,
    processes: Processes,
    period: Duration,
}

/// Why the processes of this machine cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("the sockets of processes cannot be listed")]
pub struct ProcessError {
    /// Error of the system.
    #[source]
    pub source: io::Error,
}

/// A thread that updates the table until this handle is dropped.
#[derive(Debug)]
pub(crate) struct Polling(Sender<()>);

impl ProcessWatcher {
    /// Lists the sockets for the first time, in the network namespace of this thread. Later lists
    /// come from the same one, every `period` while a run is live.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] where the system does not list them.
    pub fn open(period: Duration) -> Result<Self, ProcessError> {
        let sockets = SocketWatcher::begin().map_err(|source| ProcessError { source })?;
        let processes = sockets.processes();
        Ok(Self { sockets: Arc::new(Mutex::new(sockets)), processes, period })
    }

    /// Returns the table.
    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Updates the table in a thread of its own.
    pub(crate) fn poll(&self) -> Result<Polling, ProcessError> {
        let (wake, woken) = bounded(1);
        let (sockets, period) = (Arc::clone(&self.sockets), self.period);
        let poll = move || {
            while woken.recv_timeout(period) != Err(RecvTimeoutError::Disconnected) {
                let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
                // What fails now may be possible next time; until then the old table stands.
                let _ = sockets.update();
            }
        };
        let thread = thread::Builder::new().name("nfstream-processes".to_owned()).spawn(poll);
        thread.map(|_| Polling(wake)).map_err(|source| ProcessError { source })
    }
}

impl Polling {
    /// Has the table updated at once.
    pub(crate) fn update_now(&self) {
        let _ = self.0.try_send(());
    }
}
