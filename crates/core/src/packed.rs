//! What memory holds of elements: words of 32 bits with one lane each, or with several narrower elements, the first in the
//! least significant bits.

use crate::dtype::DType;
use crate::half::{f16_bits, f16_value};

/// The elements a word of memory holds: see [`DType::stored`] and [`DType::uploaded`].
pub fn per_word(stored: DType) -> usize {
    match stored {
        DType::U8 | DType::I8 => 4,
        DType::F16 => 2,
        _ => 1,
    }
}

/// The words that hold `size` elements.
pub fn words(stored: DType, size: usize) -> usize {
    size.div_ceil(per_word(stored))
}

/// The words that hold elements of `dtype` given in lanes, each first made one of the dtype's values ([`DType::narrow`]).
pub(crate) fn pack(dtype: DType, stored: DType, lanes: &[u32]) -> Vec<u32> {
    let per = per_word(stored);
    let mut held = vec![0; words(stored, lanes.len())];
    for (i, &lane) in lanes.iter().enumerate() {
        let lane = dtype.narrow(lane);
        let bits = match per {
            4 => lane & 0xff,
            2 => u32::from(f16_bits(f32::from_bits(lane))),
            _ => lane,
        };
        held[i / per] |= bits << (i % per * (32 / per));
    }
    held
}

/// The `size` lanes of what `words` hold.
pub fn unpack(stored: DType, words: Vec<u32>, size: usize) -> Vec<u32> {
    let per = per_word(stored);
    if per == 1 {
        return words;
    }
    let mut lanes = vec![0; size];
    for (i, lane) in lanes.iter_mut().enumerate() {
        let bits = words[i / per] >> (i % per * (32 / per));
        *lane = match stored {
            DType::F16 => f16_value(bits as u16).to_bits(),
            _ => widened(stored, bits as u8),
        };
    }
    lanes
}

/// The lane of a byte that is a uint8 or an int8.
#[inline(always)]
pub fn widened(stored: DType, byte: u8) -> u32 {
    let sign = if stored == DType::I8 { 0x80 } else { 0 };
    (u32::from(byte) ^ sign).wrapping_sub(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_elements_comes_back() {
        for dtype in DType::ALL {
            for (n, halves) in (0..10u32).flat_map(|n| [(n, false), (n, true)]) {
                let stored = dtype.uploaded(halves);
                let lanes: Vec<u32> =
                    (0..n).map(|i| dtype.narrow((100.5f32 * i as f32).to_bits() >> (i % 3))).collect();
                let held = pack(dtype, stored, &lanes);
                assert_eq!(held.len(), words(stored, lanes.len()));
                assert_eq!(unpack(stored, held, lanes.len()), lanes, "{dtype:?} as {stored:?}");
            }
        }
    }

    #[test]
    fn bytes_are_wrapped_and_lie_in_the_order_of_memory() {
        let lanes = [1, 300, u32::MAX, 128, 5];
        assert_eq!(pack(DType::U8, DType::U8, &lanes), [0x80ff_2c01, 5]);
        assert_eq!(unpack(DType::I8, vec![0x80ff_2c01, 5], 5), [1, 44, u32::MAX, -128i32 as u32, 5]);
        assert_eq!(pack(DType::Bool, DType::Bool, &[0, 7]), [0, 1]);
    }
}
