//! Random orders.

use headwater_core::ops::hash_key;

use super::{Dataset, Stream};

impl<T: Send + 'static> Dataset<T> {
    /// Elements in a random order: each is drawn from `buffer` that are read ahead. The same seed gives the same orders: one for
    /// each pass, as each epoch is one.
    ///
    /// ```
    /// use headwater::data::Dataset;
    ///
    /// # fn main() -> headwater::Result<()> {
    /// let numbers = Dataset::from_items((0..100).collect::<Vec<_>>()).shuffle(100, 7);
    /// let read = |pass| numbers.pass(pass)?.collect::<headwater::Result<Vec<_>>>();
    /// assert_eq!(read(0)?, read(0)?);
    /// assert_ne!(read(0)?, read(1)?);
    /// let mut sorted = read(1)?;
    /// sorted.sort_unstable();
    /// assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn shuffle(&self, buffer: usize, seed: u32) -> Dataset<T> {
        let buffer = buffer.max(1);
        let staged = self.staged(move |stream, pass| {
            Box::new(Shuffled { of: stream, held: Vec::new(), buffer, key: hash_key(seed, pass), drawn: 0 })
                as Stream<T>
        });
        staged.sized(self.len())
    }
}

struct Shuffled<T> {
    of: Stream<T>,
    held: Vec<T>,
    buffer: usize,
    key: u32,
    drawn: u32,
}

impl<T> Iterator for Shuffled<T> {
    type Item = headwater_core::Result<T>;
    fn next(&mut self) -> Option<Self::Item> {
        while self.held.len() < self.buffer {
            match self.of.next() {
                Some(Ok(item)) => self.held.push(item),
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        if self.held.is_empty() {
            return None;
        }
        let at = hash_key(self.key, self.drawn) as usize % self.held.len();
        self.drawn = self.drawn.wrapping_add(1);
        Some(Ok(self.held.swap_remove(at)))
    }
}
