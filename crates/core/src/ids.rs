//! Maps by numbers. All share the code that finds a number, which the standard library's hash maps multiply by their types.

/// Positions of numbers, in the order in which they came.
#[derive(Clone, Debug, Default)]
struct Positions {
    ids: Vec<u64>,
    /// A power of two of them, at least twice as many as there are numbers: 0, or one more than a position.
    slots: Vec<u32>,
}

impl Positions {
    /// The slot of `id`, or the free one where it belongs. There must be a free one.
    fn slot(&self, id: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[slot] != 0 && self.ids[self.slots[slot] as usize - 1] != id {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn find(&self, id: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        (self.slots[self.slot(id)] as usize).checked_sub(1)
    }

    /// The position of `id`, the next one if it is new.
    fn add(&mut self, id: u64) -> usize {
        if self.ids.len() * 2 >= self.slots.len() {
            self.slots = vec![0; (self.slots.len() * 2).max(16)];
            for position in 0..self.ids.len() {
                let slot = self.slot(self.ids[position]);
                self.slots[slot] = position as u32 + 1;
            }
        }
        let slot = self.slot(id);
        if self.slots[slot] == 0 {
            self.ids.push(id);
            self.slots[slot] = self.ids.len() as u32;
        }
        self.slots[slot] as usize - 1
    }
}

/// Values by number.
#[derive(Clone, Debug)]
pub struct IdMap<V> {
    positions: Positions,
    values: Vec<Option<V>>,
}

impl<V> Default for IdMap<V> {
    fn default() -> IdMap<V> {
        IdMap { positions: Positions::default(), values: Vec::new() }
    }
}

impl<V> IdMap<V> {
    /// The value of `id`.
    pub fn get(&self, id: u64) -> Option<&V> {
        self.values[self.positions.find(id)?].as_ref()
    }

    /// Where the value of `id` is, or would be.
    pub fn entry(&mut self, id: u64) -> &mut Option<V> {
        let position = self.positions.add(id);
        if position == self.values.len() {
            self.values.push(None);
        }
        &mut self.values[position]
    }

    /// Gives `id` a value.
    pub fn insert(&mut self, id: u64, value: V) {
        *self.entry(id) = Some(value);
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter().flatten()
    }
}

impl<V> FromIterator<(u64, V)> for IdMap<V> {
    fn from_iter<I: IntoIterator<Item = (u64, V)>>(items: I) -> IdMap<V> {
        // One loop for all kinds of iterators: each would bring its own to the download.
        fn collect<V>(next: &mut dyn FnMut() -> Option<(u64, V)>) -> IdMap<V> {
            let mut map = IdMap::default();
            while let Some((id, value)) = next() {
                map.insert(id, value);
            }
            map
        }
        let mut items = items.into_iter();
        collect(&mut || items.next())
    }
}

/// A set of numbers.
#[derive(Clone, Debug, Default)]
pub struct IdSet(Positions);

impl IdSet {
    /// Adds `id`; whether it is new.
    pub fn insert(&mut self, id: u64) -> bool {
        let before = self.0.ids.len();
        self.0.add(id) == before
    }

    /// Whether it has `id`.
    pub fn contains(&self, id: u64) -> bool {
        self.0.find(id).is_some()
    }
}

impl FromIterator<u64> for IdSet {
    fn from_iter<I: IntoIterator<Item = u64>>(ids: I) -> IdSet {
        fn collect(next: &mut dyn FnMut() -> Option<u64>) -> IdSet {
            let mut set = IdSet::default();
            while let Some(id) = next() {
                set.insert(id);
            }
            set
        }
        let mut ids = ids.into_iter();
        collect(&mut || ids.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_again() {
        let mut map: IdMap<u64> = (0..1000).map(|i| (i * i * 4096, i)).collect();
        assert!((0..1000).all(|i| map.get(i * i * 4096) == Some(&i)));
        assert_eq!(map.get(1), None);
        assert_eq!(map.entry(0).take(), Some(0));
        assert_eq!((map.get(0), map.values().count()), (None, 999));
        map.insert(0, 7);
        assert_eq!(map.get(0), Some(&7));
        assert_eq!(IdMap::<u8>::default().get(0), None);
    }

    #[test]
    fn numbers_are_new_once() {
        let mut set: IdSet = [3, u64::MAX].into_iter().collect();
        assert!(set.contains(3) && set.contains(u64::MAX) && !set.contains(0));
        assert!(!set.insert(3) && set.insert(0) && !set.insert(0));
    }
}
