//! Whole numbers as bytes: LEB128 of variable length, zigzag where signed, and only the shortest form of each.

use ethnum::{I256, U256};

/// Writes a number that is not negative.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u128) {
    // Nearly all numbers are short, and a register holds them.
    if let Ok(mut short) = u64::try_from(value) {
        while short >= 0x80 {
            out.push(short.to_le_bytes()[0] | 0x80);
            short >>= 7;
        }
        out.push(short.to_le_bytes()[0]);
        return;
    }
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Writes a number with its sign.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i128) {
    put(out, ((value << 1) ^ (value >> 127)).cast_unsigned());
}

/// Writes a length.
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    put(out, len as u128);
}

/// Writes a number of up to 256 bits with its sign. Numbers that fit 128 bits look as [`put_signed`] writes them.
pub(crate) fn put_wide(out: &mut Vec<u8>, value: I256) {
    if let Ok(value) = i128::try_from(value) {
        return put_signed(out, value);
    }
    let shifted: I256 = value << 1u32;
    let sign: I256 = value >> 255u32;
    let mut zigzag: U256 = (shifted ^ sign).as_u256();
    while *zigzag.high() != 0 {
        out.push(zigzag.low().to_le_bytes()[0] | 0x80);
        zigzag >>= 7u32;
    }
    put(out, *zigzag.low());
}

/// Reads a number; `None` where the bytes end early, are longer than needed, or hold more than 128 bits.
pub(crate) fn get(from: &mut &[u8]) -> Option<u128> {
    short(from).map(u128::from).or_else(|| long(from))
}

/// Reads a number of at most nine bytes, as nearly all are: their 63 bits fit a register. `None`: it is longer or none, and nothing
/// was read.
fn short(from: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for (at, byte) in from.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if *byte == 0 && at > 0 {
                return None;
            }
            *from = &from[at + 1..];
            return Some(value);
        }
    }
    None
}

/// Reads a number of any length.
fn long(from: &mut &[u8]) -> Option<u128> {
    let mut value: u128 = 0;
    for shift in (0..128).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        let part = u128::from(byte & 0x7f);
        value |= part << shift;
        if (value >> shift) & 0x7f != part {
            // Bits beyond the 128th: nothing that was written.
            return None;
        }
        if byte & 0x80 == 0 {
            // A number is written without leading zeros, so that equal values have equal bytes.
            return (*byte != 0 || shift == 0).then_some(value);
        }
    }
    None
}

/// Reads a number with its sign.
pub(crate) fn signed(from: &mut &[u8]) -> Option<i128> {
    let value = get(from)?;
    Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
}

/// Reads what [`put_wide`] wrote.
pub(crate) fn wide(from: &mut &[u8]) -> Option<I256> {
    if let Some(value) = short(from) {
        return Some(I256::from((value >> 1).cast_signed() ^ -((value & 1).cast_signed())));
    }
    let mut low: u128 = 0;
    let mut value = U256::ZERO;
    for (at, byte) in from.iter().enumerate() {
        let (part, shift) = (u128::from(byte & 0x7f), 7 * at);
        match shift {
            0..=119 => low |= part << shift,
            120..=252 => {
                let part = U256::from(part);
                value |= part << shift;
                let written: U256 = value >> shift;
                if written & U256::from(0x7f_u8) != part {
                    return None;
                }
            }
            _ => return None,
        }
        if byte & 0x80 == 0 {
            *from = &from[at + 1..];
            let value = value | U256::from(low);
            let magnitude: U256 = value >> 1u32;
            let magnitude = magnitude.as_i256();
            let number = if value & U256::ONE == U256::ZERO { magnitude } else { !magnitude };
            return (*byte != 0 || at == 0).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = I256> {
        (any::<i128>(), any::<u128>(), 0u32..256)
            .prop_map(|(high, low, shift)| I256::from_words(high, low.cast_signed()) >> shift)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in numbers(), small in any::<i128>()) {
            let mut bytes = Vec::new();
            put_wide(&mut bytes, number);
            put_signed(&mut bytes, small);
            let mut rest = &bytes[..];
            prop_assert_eq!(wide(&mut rest), Some(number));
            prop_assert_eq!(signed(&mut rest), Some(small));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn one_number_has_one_form(small in any::<i128>(), shift in 0u32..128) {
            let (mut plain, mut wide) = (Vec::new(), Vec::new());
            put_signed(&mut plain, small >> shift);
            put_wide(&mut wide, I256::from(small >> shift));
            prop_assert_eq!(plain, wide);
        }

        #[test]
        fn what_can_be_read_is_what_would_be_written(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut rest = &bytes[..];
            if let Some(number) = wide(&mut rest) {
                let mut again = Vec::new();
                put_wide(&mut again, number);
                prop_assert_eq!(&bytes[..bytes.len() - rest.len()], &again[..]);
            }
        }
    }
}
