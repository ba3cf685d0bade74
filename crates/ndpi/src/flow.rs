//! State of a flow inside nDPI.

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::ptr::NonNull;

use ndpi_sys as sys;

use crate::metadata::Metadata;

/// State that nDPI keeps of one flow.
///
/// A flow belongs to no module: any [`Module`](crate::Module) can work on it, and it may outlive
/// them. Flows can be pooled: [`Flow::reset`] returns one to its initial state.
pub struct Flow(NonNull<sys::Flow>);

// SAFETY: a flow is plain heap memory with pointers to more of it and to constants of the
// library; nothing in it is bound to a thread, and all changes need `&mut Flow`.
unsafe impl Send for Flow {}

impl Flow {
    /// Creates the state of a flow without packets.
    ///
    /// # Panics
    ///
    /// Panics if nDPI is not installed; in that case there is no [`Module`](crate::Module) either.
    pub fn new() -> Self {
        // SAFETY: the function has no preconditions.
        let flow = unsafe { sys::ndpi_shim_flow_new() };
        let Some(flow) = NonNull::new(flow) else {
            let layout = Layout::array::<u8>(crate::flow_size());
            handle_alloc_error(layout.expect("a flow is smaller than memory"));
        };
        Self(flow)
    }

    /// Returns the flow to its initial state.
    pub fn reset(&mut self) {
        // SAFETY: `self.0` came from `ndpi_shim_flow_new` and is freed only in `drop`.
        unsafe { sys::ndpi_shim_flow_reset(self.0.as_ptr()) }
    }

    /// Copies the metadata that nDPI has read so far.
    pub fn metadata(&self) -> Metadata {
        Metadata::of(self)
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::Flow {
        self.0.as_ptr()
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // SAFETY: `self.0` came from `ndpi_shim_flow_new` and is freed only here.
        unsafe { sys::ndpi_shim_flow_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flow").finish_non_exhaustive()
    }
}
