//! Process table that is updated while packets are captured.

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

/// Lists the processes that own sockets, once per polling interval.
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
    /// Lists the sockets for the first time, in the network namespace of this thread. Later polls
    /// use the same namespace, every `period` during a run.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] if the system cannot list them.
    pub fn open(period: Duration) -> Result<Self, ProcessError> {
        let sockets = SocketWatcher::begin().map_err(|source| ProcessError { source })?;
        let processes = sockets.processes();
        Ok(Self { sockets: Arc::new(Mutex::new(sockets)), processes, period })
    }

    /// Returns the table.
    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Updates the table in a separate thread.
    pub(crate) fn poll(&self) -> Result<Polling, ProcessError> {
        let (wake, woken) = bounded(1);
        let (sockets, period) = (Arc::clone(&self.sockets), self.period);
        let poll = move || {
            while woken.recv_timeout(period) != Err(RecvTimeoutError::Disconnected) {
                let mut sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
                // A failed update may succeed next time; until then the previous table remains.
                let _ = sockets.update();
            }
        };
        let thread = thread::Builder::new().name("nfstream-processes".to_owned()).spawn(poll);
        thread.map(|_| Polling(wake)).map_err(|source| ProcessError { source })
    }
}

impl Polling {
    /// Requests an immediate update.
    pub(crate) fn update_now(&self) {
        let _ = self.0.try_send(());
    }
}
