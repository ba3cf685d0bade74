//! Loading of the shim and nDPI at run time.

use std::fmt;

/// Reason why the functions of the shim are not available.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LoadError {
    /// The library is installed but cannot be loaded; with the system's message.
    Broken(String),
    /// The library is not installed.
    Missing,
    /// The library belongs to another release of this program.
    OtherInterface {
        /// Version of its interface.
        found: std::ffi::c_uint,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(message) => write!(f, "nDPI cannot be loaded: {message}"),
            Self::Missing if cfg!(target_feature = "crt-static") => {
                f.write_str("a static program cannot load nDPI: use a dynamically linked nfstream")
            }
            Self::Missing => f.write_str(
                "nDPI is not installed: run pip install 'nfstream-rs[ndpi]', or put \
                 libnfstream_ndpi.so.1 where the loader finds it",
            ),
            Self::OtherInterface { found } => write!(
                f,
                "the installed nfstream-rs-ndpi has interface {found}, and this program needs {}: \
                 install the matching release",
                crate::ABI
            ),
        }
    }
}

impl std::error::Error for LoadError {}

/// Makes the functions of this crate available; if nDPI is linked, they always are.
///
/// # Errors
///
/// [`LoadError`]; after that, no other function may be called.
pub fn load() -> Result<(), &'static LoadError> {
    #[cfg(loaded)]
    return library::loaded().map(drop);
    #[cfg(not(loaded))]
    Ok(())
}

/// Declares the functions of `shim.h`: linked, or those of the loaded library.
macro_rules! declare {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        #[cfg(not(loaded))]
        unsafe extern "C" {
            $($(#[$doc])* pub fn $name($($argument: $type),*) $(-> $result)?;)*
        }

        /// Functions of the loaded library.
        #[cfg(loaded)]
        #[derive(Debug)]
        struct Functions {
            $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
        }

        #[cfg(loaded)]
        impl Functions {
            /// Returns the functions of a library, or `None` if one is missing.
            ///
            /// # Safety
            ///
            /// The library must be a compiled `shim.c` with interface [`ABI`].
            #[allow(clippy::missing_transmute_annotations, reason = "the fields have the types")]
            unsafe fn of(library: &$crate::load::Library) -> Option<Self> {
                // SAFETY: `shim.h` declares these functions with these types.
                unsafe {
                    Some(Self {
                        $($name: std::mem::transmute::<*mut std::ffi::c_void, _>(
                            library.symbol(concat!(stringify!($name), "\0"))?,
                        ),)*
                    })
                }
            }
        }

        $(
            $(#[$doc])*
            ///
            /// # Safety
            ///
            /// As for the C function; in addition, [`load`] must have succeeded.
            #[cfg(loaded)]
            pub unsafe fn $name($($argument: $type),*) $(-> $result)? {
                let functions = $crate::load::functions();
                // SAFETY: the caller guarantees it.
                unsafe { (functions.$name)($($argument),*) }
            }
        )*
    };
}

pub(crate) use declare;
#[cfg(loaded)]
pub(crate) use library::{Library, functions};

#[cfg(loaded)]
mod library {
    use std::ffi::{CStr, CString, OsStr, c_char, c_uint, c_void};
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    use super::LoadError;
    use crate::{ABI, Functions};

    /// Name under which the system's loader finds the library.
    const NAME: &CStr = c"libnfstream_ndpi.so.1";

    /// Path of the library in the folder of Python packages that contains this program.
    const IN_PACKAGES: &str = "nfstream_ndpi/libnfstream_ndpi.so.1";

    /// Library that is never unloaded.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Library(*mut c_void);

    /// Returns the functions.
    ///
    /// # Panics
    ///
    /// Panics if [`load`](super::load) has not succeeded.
    pub(crate) fn functions() -> &'static Functions {
        loaded().expect("`load` has succeeded")
    }

    /// Returns the functions of the library, which is loaded on the first call.
    pub(super) fn loaded() -> Result<&'static Functions, &'static LoadError> {
        static LOADED: OnceLock<Result<Functions, LoadError>> = OnceLock::new();
        LOADED.get_or_init(load).as_ref()
    }

    fn load() -> Result<Functions, LoadError> {
        let library = match beside_program() {
            Some(path) => Library::open(&path).map_err(LoadError::Broken)?,
            None => Library::open(NAME).map_err(|message| match message {
                message if message.starts_with(&*NAME.to_string_lossy()) => LoadError::Missing,
                message => LoadError::Broken(message),
            })?,
        };
        let broken = || LoadError::Broken("the library lacks functions".to_owned());
        let abi = library.symbol("ndpi_shim_abi\0").ok_or_else(broken)?;
        // SAFETY: every interface has this function, with this type.
        let abi: unsafe extern "C" fn() -> c_uint = unsafe { std::mem::transmute(abi) };
        // SAFETY: the function has no preconditions.
        let found = unsafe { abi() };
        if found != ABI {
            return Err(LoadError::OtherInterface { found });
        }
        // SAFETY: the interface is the one declared here.
        unsafe { Functions::of(&library) }.ok_or_else(broken)
    }

    /// Returns the library's path if it is installed as a Python package next to the one with this
    /// code.
    fn beside_program() -> Option<CString> {
        let here = path_of_this_code()?;
        let packages = here.parent()?.parent()?;
        let path = packages.join(IN_PACKAGES);
        path.is_file().then(|| CString::new(path.as_os_str().as_bytes()).ok())?
    }

    /// Returns the path of the shared object that holds this code; `None` in a program.
    ///
    /// The system takes the path of a program from `argv[0]`, which its caller chooses.
    #[cfg(all(target_os = "linux", not(target_feature = "crt-static")))]
    fn path_of_this_code() -> Option<PathBuf> {
        let code = object_at(path_of_this_code as *const c_void)?;
        // SAFETY: the function has no preconditions.
        let headers = usize::try_from(unsafe { libc::getauxval(libc::AT_PHDR) }).ok()?;
        let program = object_at(std::ptr::with_exposed_provenance(headers))?;
        if code.dli_fname.is_null() || code.dli_fbase == program.dli_fbase {
            return None;
        }
        // SAFETY: the name is terminated, and belongs to this code, which stays loaded.
        let name = unsafe { CStr::from_ptr(code.dli_fname) };
        let path = Path::new(OsStr::from_bytes(name.to_bytes()));
        path.is_absolute().then(|| path.to_path_buf())
    }

    #[cfg(not(all(target_os = "linux", not(target_feature = "crt-static"))))]
    fn path_of_this_code() -> Option<PathBuf> {
        None
    }

    /// Returns what the system knows of the program or shared object that holds an address.
    #[cfg(all(target_os = "linux", not(target_feature = "crt-static")))]
    fn object_at(address: *const c_void) -> Option<libc::Dl_info> {
        let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: the function takes any address, and fills `info` if it succeeds.
        unsafe { (libc::dladdr(address, info.as_mut_ptr()) != 0).then(|| info.assume_init()) }
    }

    impl Library {
        #[cfg(not(target_feature = "crt-static"))]
        fn open(name: &CStr) -> Result<Self, String> {
            // SAFETY: the initialisers of the shim and nDPI have no preconditions.
            let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
            if library.is_null() { Err(last_error()) } else { Ok(Self(library)) }
        }

        #[cfg(target_feature = "crt-static")]
        fn open(_: &CStr) -> Result<Self, String> {
            Err(NAME.to_string_lossy().into_owned())
        }

        /// Returns the address of a function; its name ends with a zero byte.
        pub(crate) fn symbol(&self, name: &str) -> Option<*mut c_void> {
            let name = CStr::from_bytes_with_nul(name.as_bytes()).ok()?;
            // SAFETY: the library is loaded, and `name` is terminated.
            let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        }
    }

    #[cfg(not(target_feature = "crt-static"))]
    fn last_error() -> String {
        // SAFETY: the function has no preconditions.
        let message: *mut c_char = unsafe { libc::dlerror() };
        if message.is_null() {
            return "unknown error".to_owned();
        }
        // SAFETY: the message is terminated, and valid until this thread's next error.
        unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
    }
}
