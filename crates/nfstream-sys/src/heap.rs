/// Gives memory that has been freed back to the system, as far as the allocator keeps any.
///
/// glibc keeps what threads have freed in pieces for their next ones, of which a thread that has
/// ended will ask for none. Elsewhere this does nothing.
pub fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` touches only free memory, under the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}
