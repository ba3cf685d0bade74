//! Cyclic redundancy checks of 16 bits.

/// Returns the CRC with the polynomial 0x1021, the most significant bit first.
pub(super) fn ccitt(initial: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(initial, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

/// Returns the CRC with a polynomial given in reverse, the least significant bit first.
pub(super) fn reversed(polynomial: u16, initial: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(initial, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ polynomial }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text over which the values of CRC catalogues are computed.
    const CHECK: &[u8] = b"123456789";

    #[test]
    fn values_are_those_of_the_catalogue() {
        assert_eq!(ccitt(0, CHECK), 0x31c3);
        assert_eq!(ccitt(0xffff, CHECK), 0x29b1);
        assert_eq!(!reversed(0xa6bc, 0, CHECK), 0xea82);
        assert_eq!(!reversed(0x8408, 0xffff, CHECK), 0x906e);
    }
}
