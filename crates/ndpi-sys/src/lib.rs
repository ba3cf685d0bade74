//! Raw declarations of `shim.c`, the C interface between nfstream and nDPI.
//!
//! Hand-written counterpart of `shim.h`, identical for every version of nDPI, whose structs stay
//! opaque. Prefer the safe crate `ndpi`.
//!
//! By default the build compiles the shim and links nDPI. With the feature `loaded`, or where nDPI
//! is not installed, the shim and nDPI are separate shared libraries, which [`load`] opens at run
//! time.

#![allow(unsafe_code, reason = "a C interface cannot be declared without it")]

mod load;

use std::ffi::{c_char, c_int, c_uint};

pub use load::{LoadError, load};

/// Version of this interface, `NDPI_SHIM_ABI` in `shim.h`: the loaded library must have the same.
pub const ABI: c_uint = 1;

/// Whether [`load`] opens shared libraries; otherwise nDPI is linked.
pub const LOADED: bool = cfg!(loaded);

/// nDPI detection module, used only through pointers.
#[repr(C)]
pub struct Module {
    _opaque: [u8; 0],
    // Neither Send nor Sync nor Unpin, as Rust cannot know what C does with the memory.
    _marker: std::marker::PhantomData<(*mut u8, std::marker::PhantomPinned)>,
}

/// nDPI flow, used only through pointers.
#[repr(C)]
pub struct Flow {
    _opaque: [u8; 0],
    _marker: std::marker::PhantomData<(*mut u8, std::marker::PhantomPinned)>,
}

/// Label that nDPI gives a flow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Label {
    /// Protocol id of the carrier, 0 if there is none.
    pub master: u16,
    /// Protocol id of the application, 0 if unknown.
    pub app: u16,
    /// Category id.
    pub category: u16,
    /// Confidence id.
    pub confidence: u8,
    /// Nonzero if the label was guessed from ports or addresses.
    pub guessed: u8,
    /// Nonzero if another packet can still change the label or add metadata.
    pub wants_more: u8,
    /// Bytes that the packet added to the memory of the flow, negative if it freed some. From nDPI
    /// 5.0 on, the bytes that nDPI got: it keeps no more.
    pub allocated: i64,
}

/// Borrowed bytes without a terminator.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// First byte, or null if there are none.
    pub data: *const u8,
    /// Bytes.
    pub len: usize,
}

/// [`Metadata::family`] of all other flows.
pub const FAMILY_OTHER: u8 = 0;
/// [`Metadata::family`] of TLS, DTLS, QUIC and mail over TLS.
pub const FAMILY_TLS: u8 = 1;
/// [`Metadata::family`] of DNS, mDNS and LLMNR.
pub const FAMILY_DNS: u8 = 2;
/// [`Metadata::family`] of SSH.
pub const FAMILY_SSH: u8 = 3;
/// [`Metadata::family`] of DHCP.
pub const FAMILY_DHCP: u8 = 4;

/// Metadata of a flow. The texts point into the flow.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Metadata {
    /// Host name: TLS server name, DNS query, HTTP host and so on.
    pub host: Text,
    /// HTTP request method.
    pub http_method: Text,
    /// HTTP URL, host included.
    pub http_url: Text,
    /// HTTP (and early QUIC) user agent.
    pub http_user_agent: Text,
    /// Operating system that nDPI derives from the user agent.
    pub http_detected_os: Text,
    /// HTTP content type of the request.
    pub http_request_content_type: Text,
    /// HTTP content type of the response.
    pub http_content_type: Text,
    /// Names in the server's certificate, comma separated.
    pub tls_server_names: Text,
    /// JA3 of the client, hexadecimal.
    pub tls_ja3_client: Text,
    /// JA3S of the server, hexadecimal.
    pub tls_ja3_server: Text,
    /// JA4 of the client.
    pub tls_ja4_client: Text,
    /// Application protocols that the client offers, comma separated.
    pub tls_alpn: Text,
    /// TLS versions that the client offers, comma separated.
    pub tls_supported_versions: Text,
    /// Issuer of the server's certificate.
    pub tls_issuer: Text,
    /// Subject of the server's certificate.
    pub tls_subject: Text,
    /// Encrypted server name, hexadecimal.
    pub tls_esni: Text,
    /// SHA-1 of the server's certificate, 20 raw bytes.
    pub tls_sha1: Text,
    /// SSH client's version line.
    pub ssh_client_signature: Text,
    /// SSH server's version line.
    pub ssh_server_signature: Text,
    /// HASSH of the client, hexadecimal.
    pub ssh_hassh_client: Text,
    /// HASSH of the server, hexadecimal.
    pub ssh_hassh_server: Text,
    /// Options that a DHCP client requests, decimal, comma separated.
    pub dhcp_fingerprint: Text,
    /// DHCP vendor class identifier.
    pub dhcp_class_ident: Text,
    /// One bit per risk.
    pub risk: u64,
    /// HTTP response status, 0 if unknown.
    pub http_status: u16,
    /// TLS version number as on the wire, 0 if unknown.
    pub tls_version: u16,
    /// Cipher suite that the server chose, 0 if unknown.
    pub tls_server_cipher: u16,
    /// DNS query type, 0 if unknown.
    pub dns_query_type: u16,
    /// DNS reply code.
    pub dns_reply_code: u8,
    /// Answers in the DNS reply.
    pub dns_answers: u8,
    /// Family that filled the fields, one of the constants above.
    pub family: u8,
}

load::declare! {
    /// Returns the version of the interface, [`ABI`].
    fn ndpi_shim_abi() -> c_uint;
    /// Returns the library's version as a static string.
    fn ndpi_shim_version() -> *const c_char;
    /// Returns 0 if the library does not match the headers that the shim was compiled with.
    fn ndpi_shim_headers_match() -> c_int;
    /// Returns the size of a flow in bytes, without memory that it points to.
    fn ndpi_shim_flow_size() -> usize;

    /// Returns a module that only has names, or null. Must not run in parallel.
    fn ndpi_shim_module_new() -> *mut Module;
    /// Enables all protocols except the `count` at `excluded`; from nDPI 5.0 on, all. Returns 0 on
    /// failure. Must not run in parallel.
    fn ndpi_shim_module_finish(
        module: *mut Module,
        excluded: *const u16,
        count: usize,
    ) -> c_int;
    /// Frees a module. Must not run in parallel.
    fn ndpi_shim_module_free(module: *mut Module);
    /// Clears the state learnt from packets; returns 0 if that needs a new module.
    fn ndpi_shim_module_reset(module: *mut Module) -> c_int;

    /// Returns the number of protocols, the highest id plus one.
    fn ndpi_shim_protocol_count(module: *mut Module) -> c_uint;
    /// Returns the number of category ids.
    fn ndpi_shim_category_count() -> c_uint;
    /// Returns the number of confidence ids.
    fn ndpi_shim_confidence_count() -> c_uint;
    /// Returns the number of risk bits.
    fn ndpi_shim_risk_count() -> c_uint;
    /// Returns a protocol's name, or null. Copy it: a later call may overwrite it.
    fn ndpi_shim_protocol_name(module: *mut Module, protocol: u16) -> *const c_char;
    /// Returns a category's name, or null. Copy it: a later call may overwrite it.
    fn ndpi_shim_category_name(module: *mut Module, category: u16) -> *const c_char;
    /// Returns a confidence's name, or null. Copy it: a later call may overwrite it.
    fn ndpi_shim_confidence_name(confidence: u8) -> *const c_char;
    /// Returns a risk's name, or null. Copy it: a later call may overwrite it.
    fn ndpi_shim_risk_name(risk: u8) -> *const c_char;
    /// Writes nDPI's composition of both names, terminated, to the `size` bytes at `name`.
    fn ndpi_shim_application_name(
        module: *mut Module,
        master: u16,
        app: u16,
        name: *mut c_char,
        size: c_uint,
    );

    /// Returns a zeroed flow, or null.
    fn ndpi_shim_flow_new() -> *mut Flow;
    /// Frees a flow and the memory that it points to.
    fn ndpi_shim_flow_free(flow: *mut Flow);
    /// Resets a flow to the state of a new one.
    fn ndpi_shim_flow_reset(flow: *mut Flow);
    /// Reads the metadata of a flow; the texts are valid until the next use of the flow.
    fn ndpi_shim_flow_metadata(flow: *const Flow, metadata: *mut Metadata);

    /// Passes a packet to nDPI, from the IP header on.
    fn ndpi_shim_inspect(
        module: *mut Module,
        flow: *mut Flow,
        ip_packet: *const u8,
        len: u16,
        time_ms: u64,
        label: *mut Label,
    );
    /// Ends the detection and guesses a label if none was found.
    fn ndpi_shim_give_up(module: *mut Module, flow: *mut Flow, label: *mut Label);
}
