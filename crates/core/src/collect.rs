//! Collecting with little code.

use smallvec::SmallVec;

use crate::error::Result;

/// Collects an iterator of results, as `collect::<Result<Vec<_>>>()` does, by one loop for each type of element: that one
/// brings a loop of its own for each iterator, and they would be a thirtieth of the download.
pub trait AllOk<T> {
    /// The values, or the first error.
    ///
    /// # Errors
    /// The first that the iterator gives.
    fn all_ok(self) -> Result<Vec<T>>;
}

impl<T, I: Iterator<Item = Result<T>>> AllOk<T> for I {
    fn all_ok(mut self) -> Result<Vec<T>> {
        fn collect<T>(next: &mut dyn FnMut() -> Option<Result<T>>) -> Result<Vec<T>> {
            let mut all = Vec::new();
            while let Some(value) = next() {
                all.push(value?);
            }
            Ok(all)
        }
        collect(&mut || self.next())
    }
}

/// Texts one after the other, with `between` between them.
#[must_use]
pub fn joined<S: AsRef<str>>(texts: &[S], between: &str) -> String {
    let mut all = String::new();
    for (i, text) in texts.iter().enumerate() {
        all.push_str(if i > 0 { between } else { "" });
        all.push_str(text.as_ref());
    }
    all
}

/// Collects an iterator as `collect::<Vec<_>>()` does, by one loop for each type of element as well: for lists that are short and not
/// made often.
pub trait Listed: Iterator {
    /// The values.
    fn listed(self) -> Vec<Self::Item>;

    /// The values, one for each dimension.
    fn per_dimension(self) -> SmallVec<[Self::Item; 6]>;
}

impl<I: Iterator> Listed for I {
    fn listed(mut self) -> Vec<I::Item> {
        fn collect<T>(next: &mut dyn FnMut() -> Option<T>) -> Vec<T> {
            let mut all = Vec::new();
            while let Some(value) = next() {
                all.push(value);
            }
            all
        }
        collect(&mut || self.next())
    }

    fn per_dimension(mut self) -> SmallVec<[I::Item; 6]> {
        fn collect<T>(next: &mut dyn FnMut() -> Option<T>) -> SmallVec<[T; 6]> {
            let mut all = SmallVec::new();
            while let Some(value) = next() {
                all.push(value);
            }
            all
        }
        collect(&mut || self.next())
    }
}
