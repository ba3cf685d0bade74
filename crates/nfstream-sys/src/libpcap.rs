//! libpcap's compiler of filter expressions.
//!
//! The library is loaded at its first use, so a program that compiles no filter runs without it.
//! Statically linked programs load no libraries and always run without it.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::FilterInstruction;

/// Names of the library, the first of which is loaded: on Debian and Ubuntu, on other Linux
/// systems, on macOS, on BSD, and where only the development files are installed.
const NAMES: &[&CStr] =
    &[c"libpcap.so.0.8", c"libpcap.so.1", c"libpcap.A.dylib", c"libpcap.so.8", c"libpcap.so"];

/// Captured length for which filters are compiled, in bytes.
const SNAPLEN: c_int = 65_535;

/// Programs are compiled one at a time: libpcap before 1.8 keeps the parser's state in globals.
static COMPILER: Mutex<()> = Mutex::new(());

/// Reason why a filter expression cannot be compiled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FilterError {
    /// The expression is invalid, with libpcap's message.
    Invalid(String),
    /// libpcap is not installed, or is too old to have all functions.
    NoLibpcap,
}

/// Loaded library.
#[derive(Clone, Copy, Debug)]
struct Libpcap {
    version: unsafe extern "C" fn() -> *const c_char,
    open_dead: unsafe extern "C" fn(c_int, c_int) -> *mut Handle,
    close: unsafe extern "C" fn(*mut Handle),
    last_error: unsafe extern "C" fn(*mut Handle) -> *mut c_char,
    compile: unsafe extern "C" fn(*mut Handle, *mut Code, *const c_char, c_int, c_uint) -> c_int,
    free: unsafe extern "C" fn(*mut Code),
}

/// libpcap's `pcap_t`, used only through pointers.
#[repr(C)]
struct Handle {
    _opaque: [u8; 0],
}

/// libpcap's `struct bpf_program`.
#[repr(C)]
struct Code {
    len: c_uint,
    instructions: *const Instruction,
}

/// libpcap's `struct bpf_insn`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

/// Returns the version of the installed libpcap, such as `1.10.3`, or `None` if there is none.
pub fn libpcap_version() -> Option<String> {
    let library = Libpcap::loaded()?;
    // SAFETY: the function has no preconditions.
    let version = unsafe { (library.version)() };
    // SAFETY: libpcap returns a static, terminated string.
    let version = unsafe { CStr::from_ptr(version) }.to_string_lossy();
    // "libpcap version 1.10.3 (with TPACKET_V3)"
    Some(version.split_whitespace().nth(2).unwrap_or(&version).to_owned())
}

/// Compiles a filter expression (pcap-filter(7)) for frames whose link type has this number in
/// libpcap. With `optimizes`, the program is shorter, but takes libpcap longer.
///
/// # Errors
///
/// [`FilterError`] if the expression is invalid, or libpcap is not installed.
pub fn compile_filter(
    link_type: u16,
    expression: &str,
    optimizes: bool,
) -> Result<Vec<FilterInstruction>, FilterError> {
    let Ok(expression) = CString::new(expression) else {
        return Err(FilterError::Invalid("the expression has a zero byte".to_owned()));
    };
    let library = Libpcap::loaded().ok_or(FilterError::NoLibpcap)?;
    library.compile(link_type, &expression, optimizes)
}

impl Libpcap {
    /// Returns the library, loaded on the first call.
    fn loaded() -> Option<Self> {
        static LOADED: OnceLock<Option<Libpcap>> = OnceLock::new();
        *LOADED.get_or_init(|| NAMES.iter().find_map(|name| Self::load(name)))
    }

    #[cfg(all(unix, not(target_feature = "crt-static")))]
    #[allow(clippy::missing_transmute_annotations, reason = "the fields have the types")]
    fn load(name: &CStr) -> Option<Self> {
        type Void = *mut c_void;

        // SAFETY: libpcap's initialisers have no preconditions, and the library is never unloaded.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if library.is_null() {
            return None;
        }
        let symbol = |name: &CStr| {
            // SAFETY: `library` is loaded, and `name` is terminated.
            let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        };
        // SAFETY: libpcap has declared these functions with these types since 1.0.
        unsafe {
            Some(Self {
                version: std::mem::transmute::<Void, _>(symbol(c"pcap_lib_version")?),
                open_dead: std::mem::transmute::<Void, _>(symbol(c"pcap_open_dead")?),
                close: std::mem::transmute::<Void, _>(symbol(c"pcap_close")?),
                last_error: std::mem::transmute::<Void, _>(symbol(c"pcap_geterr")?),
                compile: std::mem::transmute::<Void, _>(symbol(c"pcap_compile")?),
                free: std::mem::transmute::<Void, _>(symbol(c"pcap_freecode")?),
            })
        }
    }

    #[cfg(not(all(unix, not(target_feature = "crt-static"))))]
    fn load(_: &CStr) -> Option<Self> {
        None
    }

    fn compile(
        self,
        link_type: u16,
        expression: &CStr,
        optimizes: bool,
    ) -> Result<Vec<FilterInstruction>, FilterError> {
        let _guard = COMPILER.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the function takes any two numbers.
        let handle = unsafe { (self.open_dead)(link_type.into(), SNAPLEN) };
        if handle.is_null() {
            return Err(FilterError::Invalid("libpcap is out of memory".to_owned()));
        }
        let mut code = Code { len: 0, instructions: std::ptr::null() };
        // SAFETY: `handle` is open, and the guard excludes other compilations. The expression is
        // terminated, and `code` outlives the call.
        let status = unsafe {
            (self.compile)(handle, &raw mut code, expression.as_ptr(), optimizes.into(), 0)
        };
        let compiled = if status == 0 {
            // SAFETY: libpcap succeeded, so `code` holds its instructions.
            let instructions = unsafe { code.read() };
            // SAFETY: `code` is libpcap's, and is freed only here.
            unsafe { (self.free)(&raw mut code) };
            Ok(instructions)
        } else {
            // SAFETY: `handle` is open.
            let message = unsafe { (self.last_error)(handle) };
            // SAFETY: the message is terminated, and belongs to the handle, which is still open.
            let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
            Err(FilterError::Invalid(message.trim_end().to_owned()))
        };
        // SAFETY: `handle` came from `pcap_open_dead`, and is closed only here.
        unsafe { (self.close)(handle) };
        compiled
    }
}

impl Code {
    /// Copies the instructions.
    ///
    /// # Safety
    ///
    /// `instructions` must point to `len` of them, or be null.
    unsafe fn read(&self) -> Vec<FilterInstruction> {
        let Ok(len) = usize::try_from(self.len) else { return Vec::new() };
        if self.instructions.is_null() {
            return Vec::new();
        }
        // SAFETY: the caller guarantees it.
        let instructions = unsafe { std::slice::from_raw_parts(self.instructions, len) };
        let copy = |&Instruction { code, jt, jf, k }: &_| FilterInstruction { code, jt, jf, k };
        instructions.iter().map(copy).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETHERNET: u16 = 1;

    #[test]
    fn the_version_is_a_number() {
        let version = libpcap_version().unwrap();
        assert!(version.starts_with(|letter: char| letter.is_ascii_digit()), "{version}");
    }

    #[test]
    fn a_library_that_is_missing_is_not_loaded() {
        assert!(Libpcap::load(c"libpcap.so.of.nobody").is_none());
    }

    #[test]
    fn a_library_without_the_functions_is_not_loaded() {
        assert!(Libpcap::load(c"libm.so.6").is_none());
    }

    #[test]
    fn expressions_become_instructions() {
        let program = compile_filter(ETHERNET, "ip", true).unwrap();
        // Load the EtherType, compare it with IPv4, accept or reject.
        let codes: Vec<_> = program.iter().map(|instruction| instruction.code).collect();
        assert_eq!(codes, [0x28, 0x15, 0x06, 0x06]);
        assert_eq!(program.get(1).map(|instruction| instruction.k), Some(0x0800));
    }

    #[test]
    fn mistakes_are_reported_with_the_message_of_libpcap() {
        let error = compile_filter(ETHERNET, "tcp prt 80", true).unwrap_err();
        let FilterError::Invalid(message) = error else { panic!("{error:?}") };
        assert!(message.contains("syntax error"), "{message}");
        assert!(matches!(compile_filter(ETHERNET, "tcp\0", true), Err(FilterError::Invalid(_))));
    }

    #[test]
    fn several_threads_compile() {
        std::thread::scope(|scope| {
            for port in 1..5 {
                scope.spawn(move || {
                    for _ in 0..20 {
                        compile_filter(ETHERNET, &format!("tcp port {port}"), true).unwrap();
                    }
                });
            }
        });
    }
}
