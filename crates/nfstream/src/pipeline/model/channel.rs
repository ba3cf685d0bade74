//! Channels with the interface of crossbeam's, on locks of the model.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub(in crate::pipeline) use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::{RecvError, SendError, TryRecvError, TrySendError};
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::{Condvar, Mutex, MutexGuard};
use shuttle::thread::yield_now;

/// Returns the ends of a queue of `capacity` messages, like crossbeam's function.
pub(in crate::pipeline) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { messages: VecDeque::new(), capacity, senders: 1, receivers: 1 };
    let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() });
    (Sender(Arc::clone(&queue)), Receiver(queue))
}

pub(in crate::pipeline) struct Sender<T>(Arc<Queue<T>>);

pub(in crate::pipeline) struct Receiver<T>(Arc<Queue<T>>);

struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    messages: VecDeque<T>,
    capacity: usize,
    senders: usize,
    receivers: usize,
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panicking thread also drops its ends; it leaves no change half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` and wakes the waiting threads.
    fn change<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        let outcome = work(&mut self.lock());
        self.changed.notify_all();
        outcome
    }

    /// Waits until `is_due`, and does `work` before another thread can.
    fn wait<R>(
        &self,
        mut is_due: impl FnMut(&State<T>) -> bool,
        work: impl FnOnce(&mut State<T>) -> R,
    ) -> R {
        let mut state = self.lock();
        while !is_due(&state) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let outcome = work(&mut state);
        drop(state);
        self.changed.notify_all();
        outcome
    }
}

impl<T> State<T> {
    fn is_full(&self) -> bool {
        self.messages.len() == self.capacity
    }
}

impl<T> Sender<T> {
    pub(in crate::pipeline) fn send(&self, message: T) -> Result<(), SendError<T>> {
        let is_due = |state: &State<T>| state.receivers == 0 || !state.is_full();
        self.0.wait(is_due, |state| {
            if state.receivers == 0 {
                return Err(SendError(message));
            }
            state.messages.push_back(message);
            Ok(())
        })
    }

    pub(in crate::pipeline) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.0.change(|state| {
            if state.receivers == 0 {
                return Err(TrySendError::Disconnected(message));
            }
            if state.is_full() {
                return Err(TrySendError::Full(message));
            }
            state.messages.push_back(message);
            Ok(())
        })
    }
}

impl<T> Receiver<T> {
    pub(in crate::pipeline) fn recv(&self) -> Result<T, RecvError> {
        let is_due = |state: &State<T>| state.senders == 0 || !state.messages.is_empty();
        self.0.wait(is_due, |state| state.messages.pop_front().ok_or(RecvError))
    }

    pub(in crate::pipeline) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.change(|state| match state.messages.pop_front() {
            Some(message) => Ok(message),
            None if state.senders == 0 => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        })
    }

    /// The model has no clock: without a message, the timeout may have passed or not.
    pub(in crate::pipeline) fn recv_timeout(&self, _: Duration) -> Result<T, RecvTimeoutError> {
        let gives_up = || {
            yield_now();
            Err(RecvTimeoutError::Timeout)
        };
        match self.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) if thread_rng().r#gen() => gives_up(),
            Err(TryRecvError::Empty) => {
                self.recv().map_err(|RecvError| RecvTimeoutError::Disconnected)
            }
        }
    }
}

impl<T> Iterator for &Receiver<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.recv().ok()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.change(|state| state.senders += 1);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.change(|state| state.receivers += 1);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.change(|state| state.senders -= 1);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = self.0.change(|state| {
            state.receivers -= 1;
            if state.receivers == 0 { std::mem::take(&mut state.messages) } else { VecDeque::new() }
        });
        // Not under the lock: dropping a message may send others.
        drop(left);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receiver").finish_non_exhaustive()
    }
}
