//! A hash of structures, 128 bits, so that a collision is out of reach.

use std::hash::Hasher;

/// Two hashes at once. Not for keys that an adversary picks.
#[derive(Clone, Copy)]
pub struct StructureHasher(u64, u64);

impl Default for StructureHasher {
    fn default() -> StructureHasher {
        StructureHasher(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344)
    }
}

impl StructureHasher {
    #[inline(never)]
    fn mix(&mut self, word: u64) {
        let StructureHasher(a, b) = self;
        *a = (*a ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        *a ^= *a >> 32;
        *b = b.wrapping_add(word).rotate_left(27).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        *b ^= *b >> 29;
    }

    /// All bits.
    pub fn both(mut self) -> (u64, u64) {
        // The last word has not reached all bits yet.
        self.mix(0);
        self.mix(0);
        (self.0, self.1)
    }
}

impl Hasher for StructureHasher {
    fn finish(&self) -> u64 {
        self.both().0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
            self.mix(word);
        }
    }

    fn write_u8(&mut self, i: u8) {
        self.mix(i.into());
    }

    fn write_u32(&mut self, i: u32) {
        self.mix(i.into());
    }

    fn write_u64(&mut self, i: u64) {
        self.mix(i);
    }

    fn write_usize(&mut self, i: usize) {
        self.mix(i as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::Hash;

    fn hash(value: impl Hash) -> (u64, u64) {
        let mut hasher = StructureHasher::default();
        value.hash(&mut hasher);
        hasher.both()
    }

    #[test]
    fn near_values_have_far_hashes() {
        let (mut first, mut second) = (HashSet::new(), HashSet::new());
        for i in 0..100_000_u64 {
            let (a, b) = hash([i / 1000, i % 1000, i << 50]);
            // Thirty-two bits of either suffice to tell nearly all apart: 1.2 equal pairs are expected.
            first.insert(a as u32);
            second.insert(b as u32);
        }
        assert!(first.len() > 99_990 && second.len() > 99_990, "{} {}", first.len(), second.len());
        assert_ne!(hash("ab"), hash("ba"));
        assert_ne!(hash((1_usize, 2_isize)), hash((2_usize, 1_isize)));
    }
}
