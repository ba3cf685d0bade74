//! State of the interfaces during a capture.

use std::time::{Duration, Instant};

use nfstream_sys::{InterfaceInfo, interfaces};

use crate::capture::{CaptureError, Warning};

/// Monitors interfaces: which are up, which have gone, how many packets they drop.
#[derive(Debug)]
pub(super) struct Watch {
    /// Interfaces captured from; all existing ones, if `all`.
    known: Vec<InterfaceInfo>,
    all: bool,
    next: Instant,
    dropped: u64,
}

/// Polling interval.
const PERIOD: Duration = Duration::from_millis(500);

impl Watch {
    /// Returns a watch over `known`, and over every other interface for `all`.
    pub(super) fn new(known: Vec<InterfaceInfo>, all: bool, now: Instant) -> Self {
        Self { known, all, next: now, dropped: 0 }
    }

    /// Polls the interfaces when the next poll is due; adds changes to `warnings`.
    ///
    /// # Errors
    ///
    /// [`CaptureError::InterfaceGone`] if none of the interfaces is left.
    pub(super) fn look(
        &mut self,
        now: Instant,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), CaptureError> {
        if now < self.next {
            return Ok(());
        }
        self.next = now + PERIOD;
        // A failed query is repeated at the next poll.
        let Ok(present) = interfaces() else { return Ok(()) };
        self.compare(&present, warnings)
    }

    /// Polls at the next opportunity.
    pub(super) fn look_soon(&mut self, now: Instant) {
        self.next = now;
    }

    /// Returns the packets that the interfaces have dropped since the capture began.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn compare(
        &mut self,
        present: &[InterfaceInfo],
        warnings: &mut Vec<Warning>,
    ) -> Result<(), CaptureError> {
        let Self { known, all, dropped, .. } = self;
        known.retain_mut(|interface| {
            let name = || interface.name.clone();
            let Some(now) = present.iter().find(|now| now.index == interface.index) else {
                if !*all {
                    warnings.push(Warning::InterfaceGone { interface: name() });
                }
                return false;
            };
            *dropped += u64::from(now.dropped.wrapping_sub(interface.dropped));
            if !*all && now.is_up != interface.is_up {
                warnings.push(match now.is_up {
                    true => Warning::InterfaceUp { interface: name() },
                    false => Warning::InterfaceDown { interface: name() },
                });
            }
            *interface = now.clone();
            true
        });
        if *all {
            for interface in present {
                if !known.iter().any(|known| known.index == interface.index) {
                    known.push(interface.clone());
                }
            }
            return Ok(());
        }
        if known.is_empty()
            && let Some(Warning::InterfaceGone { interface }) = warnings.pop()
        {
            return Err(CaptureError::InterfaceGone { interface });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, is_up: bool, dropped: u32) -> InterfaceInfo {
        InterfaceInfo {
            name: format!("eth{index}"),
            index,
            addresses: Vec::new(),
            hardware_type: 1,
            is_up,
            is_running: is_up,
            dropped,
        }
    }

    fn watch(known: &[InterfaceInfo], all: bool) -> Watch {
        Watch { known: known.to_vec(), all, next: crate::host::monotonic(), dropped: 0 }
    }

    #[test]
    fn changes_are_told_once() {
        let mut watch = watch(&[interface(1, true, 0), interface(2, true, 0)], false);
        let mut warnings = Vec::new();
        let down = [interface(1, true, 0), interface(2, false, 0)];
        watch.compare(&down, &mut warnings).unwrap();
        watch.compare(&down, &mut warnings).unwrap();
        watch.compare(&[interface(1, true, 0), interface(2, true, 0)], &mut warnings).unwrap();
        watch.compare(&[interface(1, true, 0)], &mut warnings).unwrap();
        let eth2 = || "eth2".to_owned();
        assert_eq!(
            warnings,
            [
                Warning::InterfaceDown { interface: eth2() },
                Warning::InterfaceUp { interface: eth2() },
                Warning::InterfaceGone { interface: eth2() },
            ]
        );
    }

    #[test]
    fn without_any_interface_left_the_capture_has_failed() {
        let mut watch = watch(&[interface(7, true, 0)], false);
        let mut warnings = Vec::new();
        let error = watch.compare(&[interface(8, true, 0)], &mut warnings).unwrap_err();
        assert!(matches!(error, CaptureError::InterfaceGone { interface } if interface == "eth7"));
        assert_eq!(warnings, []);
    }

    #[test]
    fn drops_are_counted_from_the_start_and_over_the_wrap() {
        let mut watch = watch(&[interface(1, true, u32::MAX - 1)], true);
        let mut warnings = Vec::new();
        watch.compare(&[interface(1, true, 3), interface(2, true, 90)], &mut warnings).unwrap();
        watch.compare(&[interface(1, true, 3), interface(2, false, 91)], &mut warnings).unwrap();
        watch.compare(&[], &mut warnings).unwrap();
        assert_eq!((watch.dropped(), warnings.len()), (6, 0));
    }
}
