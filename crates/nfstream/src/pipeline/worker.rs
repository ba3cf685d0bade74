//! Named threads whose panics become errors of the run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use super::error::RunError;
use super::sync::{Builder, JoinHandle, Mutex};

/// The threads of one run.
#[derive(Debug, Default)]
pub(super) struct Workers {
    handles: Vec<JoinHandle<()>>,
    failure: Arc<Mutex<Option<RunError>>>,
}

impl Workers {
    /// Runs `body` in a thread for which the run waits.
    pub(super) fn spawn(
        &mut self,
        name: &str,
        body: impl FnMut() -> Result<(), RunError> + Send + 'static,
    ) {
        let handle = self.start(name, body);
        self.handles.extend(handle);
    }

    /// Runs `body` in a thread that may outlive the run: a read of a pipe can block it.
    pub(super) fn spawn_detached(
        &mut self,
        name: &str,
        body: impl FnMut() -> Result<(), RunError> + Send + 'static,
    ) {
        drop(self.start(name, body));
    }

    /// Waits for the threads to end.
    pub(super) fn join(&mut self) {
        for handle in self.handles.drain(..) {
            // A panic was already caught inside.
            drop(handle.join());
        }
    }

    /// Returns why a thread ended early.
    pub(super) fn failure(&self) -> RunError {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| RunError::Panicked {
            thread: "nfstream-reader".to_owned(),
            message: "it ended early".to_owned(),
        })
    }

    fn start(
        &mut self,
        name: &str,
        mut body: impl FnMut() -> Result<(), RunError> + Send + 'static,
    ) -> Option<JoinHandle<()>> {
        let failure = Arc::clone(&self.failure);
        let thread = name.to_owned();
        let started = Builder::new().name(name.to_owned()).spawn({
            let failure = Arc::clone(&failure);
            move || {
                // By reference: the channels in `body` close only after the reason is noted.
                if let Err(error) = catch(&thread, &mut body).flatten() {
                    note(&failure, error);
                }
            }
        });
        started
            .map_err(|source| note(&failure, RunError::Thread { name: name.to_owned(), source }))
            .ok()
    }
}

/// Does `work` for `thread`; a panic in it becomes an error.
pub(super) fn catch<R>(thread: &str, work: impl FnOnce() -> R) -> Result<R, RunError> {
    // State that a panic leaves inconsistent is not used again: the run ends with it.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| RunError::Panicked {
        thread: thread.to_owned(),
        message: message(&*panic),
    })
}

/// Keeps the first failure: later ones follow from it.
fn note(failure: &Mutex<Option<RunError>>, error: RunError) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panicked(error: RunError) -> (String, String) {
        let RunError::Panicked { thread, message } = error else { panic!("{error}") };
        (thread, message)
    }

    #[test]
    fn a_panic_is_reported_with_its_thread_and_message() {
        let mut workers = Workers::default();
        workers.spawn("nfstream-test", || panic!("{} bad", 1));
        workers.join();
        let (thread, message) = panicked(workers.failure());
        assert_eq!((thread.as_str(), message.as_str()), ("nfstream-test", "1 bad"));
    }

    #[test]
    fn the_first_of_several_panics_is_reported() {
        let mut workers = Workers::default();
        for message in ["one", "two"] {
            workers.spawn("nfstream-test", move || panic!("{message}"));
            workers.join();
        }
        assert_eq!(panicked(workers.failure()).1, "one");
    }

    #[test]
    fn a_panic_without_text_is_reported_too() {
        let mut workers = Workers::default();
        workers.spawn("nfstream-test", || std::panic::panic_any(7));
        workers.join();
        assert_eq!(panicked(workers.failure()).1, "no message");
    }
}
