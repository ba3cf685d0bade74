//! Signals on systems where they are not recorded: a signal ends the program.

/// Record that stays empty.
#[derive(Debug)]
pub struct Signals;

impl Signals {
    /// Does nothing.
    pub fn watch() -> Self {
        Self
    }

    /// Does nothing.
    pub fn note(&self, _earlier: u8) {}

    /// Returns 0.
    pub fn number(&self) -> u8 {
        0
    }

    /// Returns a function that returns false.
    pub fn interruption(&self) -> std::sync::Arc<dyn Fn() -> bool + Send + Sync> {
        std::sync::Arc::new(|| false)
    }

    /// Returns the status of a process that ends with `code`.
    pub fn status(&self, code: crate::ExitCode) -> u8 {
        code.number()
    }
}
