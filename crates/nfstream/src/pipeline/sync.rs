//! Locks and channels for the threads of a run: the standard library's and crossbeam's. With `--cfg
//! shuttle`, tests replace them with those of a model that controls scheduling.

#[cfg(not(all(shuttle, test)))]
pub(super) use {
    crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded},
    std::sync::atomic::AtomicBool,
    std::sync::{Mutex, MutexGuard},
    std::thread::{Builder, JoinHandle},
};

#[cfg(all(shuttle, test))]
pub(super) use {
    super::model::channel::{Receiver, RecvTimeoutError, Sender, bounded},
    shuttle::sync::atomic::AtomicBool,
    shuttle::sync::{Mutex, MutexGuard},
    shuttle::thread::{Builder, JoinHandle},
};
