/// Returns freed memory to the system if the allocator keeps any.
///
/// glibc keeps the memory that a thread freed for later allocations by that thread, which never
/// happen once the thread has ended. Elsewhere this function does nothing.
pub fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` touches only free memory, under the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}
