//! Lock under which a meter works, in turn with threads that read its flows.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::thread::{self, ThreadId};

use super::sync::{Mutex, MutexGuard};

/// Lock whose holders take turns: a thread that releases it and takes it again at once waits for
/// those that were waiting.
#[derive(Debug)]
pub(super) struct Turns<T> {
    /// Held while waiting for `inner`, so that there is one next holder.
    next: Mutex<()>,
    inner: Mutex<T>,
    /// Thread that holds the lock and may call other code meanwhile.
    hooked: Mutex<Option<ThreadId>>,
}

/// The right to use what a lock holds.
pub(super) struct Turn<'a, T> {
    guard: MutexGuard<'a, T>,
    hooked: Option<&'a Mutex<Option<ThreadId>>>,
}

impl<T> Turns<T> {
    pub(super) fn new(value: T) -> Self {
        Self { next: Mutex::new(()), inner: Mutex::new(value), hooked: Mutex::new(None) }
    }

    /// Waits for the lock. A holder that `is_hooked` may call code that looks for the same lock.
    pub(super) fn take(&self, is_hooked: bool) -> Turn<'_, T> {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // A run ends with the first panic, and does not use what it left.
        let guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        drop(next);
        let hooked = is_hooked.then_some(&self.hooked);
        if let Some(hooked) = hooked {
            *lock(hooked) = Some(thread::current().id());
        }
        Turn { guard, hooked }
    }

    /// Returns whether this thread holds the lock, and calls other code meanwhile.
    pub(super) fn is_mine(&self) -> bool {
        *lock(&self.hooked) == Some(thread::current().id())
    }

    /// Waits for the lock; `None` if a holder panicked.
    pub(super) fn visit(&self) -> Option<Turn<'_, T>> {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let guard = self.inner.lock().ok()?;
        drop(next);
        Some(Turn { guard, hooked: None })
    }
}

fn lock(mutex: &Mutex<Option<ThreadId>>) -> MutexGuard<'_, Option<ThreadId>> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        if let Some(hooked) = self.hooked {
            *lock(hooked) = None;
        }
    }
}
