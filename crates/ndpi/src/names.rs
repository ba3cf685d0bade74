//! Names of nDPI's ids, copied once, as they are the same for every module.

use std::borrow::Cow;

use ndpi_sys as sys;

use crate::label::Label;
use crate::text;

const UNKNOWN: &str = "Unknown";

/// Names of protocols, categories, confidences and risks.
#[derive(Debug)]
pub struct Names {
    protocols: Box<[Box<str>]>,
    categories: Box<[Box<str>]>,
    confidences: Box<[Box<str>]>,
    risks: Box<[Box<str>]>,
}

impl Names {
    /// Copies the names out of a module.
    ///
    /// # Safety
    ///
    /// `module` is alive and not used elsewhere during the call, and no other call to this
    /// function runs in parallel: nDPI formats some names in a static buffer.
    pub(crate) unsafe fn read(module: *mut sys::Module) -> Self {
        // SAFETY: the caller guarantees the module; the ids are below the library's counts,
        // and each name is copied before the next call.
        unsafe {
            let protocols = sys::ndpi_shim_protocol_count(module);
            Self {
                protocols: table(protocols, |id: u16| sys::ndpi_shim_protocol_name(module, id)),
                categories: table(sys::ndpi_shim_category_count(), |id: u16| {
                    sys::ndpi_shim_category_name(module, id)
                }),
                confidences: table(sys::ndpi_shim_confidence_count(), |id: u8| {
                    sys::ndpi_shim_confidence_name(id)
                }),
                risks: table(sys::ndpi_shim_risk_count(), |id: u8| sys::ndpi_shim_risk_name(id)),
            }
        }
    }

    /// Returns a protocol's name, `Unknown` for an invalid id.
    pub fn protocol(&self, id: u16) -> &str {
        self.protocols.get(usize::from(id)).map_or(UNKNOWN, |name| name)
    }

    /// Returns a category's name, empty for an invalid id.
    pub fn category(&self, id: u16) -> &str {
        self.categories.get(usize::from(id)).map_or("", |name| name)
    }

    /// Returns a confidence's name, empty for an invalid id.
    pub fn confidence(&self, id: u8) -> &str {
        self.confidences.get(usize::from(id)).map_or("", |name| name)
    }

    /// Returns the name of a risk by its bit, empty for an invalid bit.
    pub fn risk(&self, bit: u8) -> &str {
        self.risks.get(usize::from(bit)).map_or("", |name| name)
    }

    /// Returns the application's name in nDPI's format: `MASTER.APP`, or `APP` alone.
    pub fn application(&self, label: Label) -> Cow<'_, str> {
        match (label.master, label.app) {
            (0, app) => self.protocol(app).into(),
            (master, app) if app == 0 || app == master => self.protocol(master).into(),
            (master, app) => format!("{}.{}", self.protocol(master), self.protocol(app)).into(),
        }
    }

    /// Returns the number of protocol ids, "unknown" included.
    pub fn protocol_count(&self) -> usize {
        self.protocols.len()
    }

    /// Returns the number of category ids.
    pub fn category_count(&self) -> usize {
        self.categories.len()
    }
}

/// Copies the names of the ids from 0 to `count`.
///
/// # Safety
///
/// `name` returns null or a string that is valid until the next call of `name`.
unsafe fn table<Id: TryFrom<u32>>(
    count: u32,
    name: impl Fn(Id) -> *const std::ffi::c_char,
) -> Box<[Box<str>]> {
    (0..count)
        .filter_map(|id| Id::try_from(id).ok())
        // SAFETY: guaranteed by the caller; the string is copied at once.
        .map(|id| unsafe { text::copy_c_str(name(id)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::module::Module;

    #[test]
    fn application_has_the_format_of_ndpi_for_every_pair() {
        let module = Module::new().unwrap();
        let names = module.names();
        let count = u16::try_from(names.protocol_count()).unwrap();
        for master in 0..count + 2 {
            for app in 0..count + 2 {
                let mut buffer = [0; 128];
                // SAFETY: the module is alive and the buffer as long as stated.
                let expected = unsafe {
                    sys::ndpi_shim_application_name(
                        module.as_ptr(),
                        master,
                        app,
                        buffer.as_mut_ptr(),
                        128,
                    );
                    CStr::from_ptr(buffer.as_ptr()).to_str().unwrap()
                };
                let label = Label { master, app, ..Label::default() };
                assert_eq!(names.application(label), expected, "{master}.{app}");
            }
        }
    }

    #[test]
    fn invalid_ids_are_no_error() {
        let module = Module::new().unwrap();
        let names = module.names();
        assert_eq!(names.protocol(u16::MAX), "Unknown");
        assert_eq!(names.category(u16::MAX), "");
        assert_eq!(names.confidence(u8::MAX), "");
        assert_eq!(names.risk(u8::MAX), "");
    }

    #[test]
    fn well_known_names_are_present() {
        let module = Module::new().unwrap();
        let names = module.names();
        assert_eq!(names.protocol(5), "DNS");
        assert_eq!(names.category(5), "Web");
        assert_eq!(names.confidence(0), "Unknown");
        assert!(!names.risk(1).is_empty());
    }
}
