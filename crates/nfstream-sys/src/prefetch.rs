//! Prefetch hints, which never change a result.

/// Prefetches the first cache line of `value`.
#[inline(always)]
pub fn prefetch_read<T>(value: &T) {
    prefetch(std::ptr::from_ref(value).cast());
}

/// Prefetches the cache line that holds the byte of `value` at `offset`, if there is one.
#[inline(always)]
pub fn prefetch_line<T>(value: &T, offset: usize) {
    if offset < size_of::<T>() {
        let start: *const u8 = std::ptr::from_ref(value).cast();
        prefetch(start.wrapping_add(offset));
    }
}

/// Prefetches all cache lines of `value`, of 64 bytes each.
#[inline(always)]
pub fn prefetch_whole<T>(value: &T) {
    for offset in (0..size_of::<T>()).step_by(64) {
        prefetch_line(value, offset);
    }
}

/// Prefetches the cache line in which `items[index]` begins, if there is one.
#[inline(always)]
pub fn prefetch_slice<T>(items: &[T], index: usize) {
    if let Some(item) = items.get(index) {
        prefetch_read(item);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: SSE is part of every x86_64, and a prefetch neither faults nor writes.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn prefetch(address: *const u8) {
    // SAFETY: PRFM is a hint that neither faults nor writes, and it touches no register.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{0}]",
            in(reg) address,
            options(nostack, readonly, preserves_flags)
        );
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
fn prefetch(_address: *const u8) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_outside_do_nothing() {
        prefetch_slice::<u8>(&[], 0);
        prefetch_slice(&[1, 2, 3], 3);
        prefetch_slice(&[1, 2, 3], usize::MAX);
    }

    #[test]
    fn values_stay_as_they_are() {
        let (value, bytes) = ([7_u64; 8], [1, 2, 3]);
        prefetch_read(&value);
        prefetch_whole(&value);
        prefetch_line(&value, 8);
        prefetch_line(&value, usize::MAX);
        prefetch_slice(&bytes, 2);
        assert_eq!((value, bytes), ([7; 8], [1, 2, 3]));
    }
}
