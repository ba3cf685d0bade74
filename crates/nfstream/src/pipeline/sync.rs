//! By what the threads of a run work together: locks of the standard library and channels of
//! crossbeam. With `--cfg shuttle` the tests take ones that let a model choose who goes on.

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
