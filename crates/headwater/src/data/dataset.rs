//! Data sets: where elements come from, and what is done to each on its way.

use std::sync::{Arc, Mutex, PoisonError};

use headwater_core::ops::hash_key;
use headwater_core::Result;

/// The elements of one pass over a data set.
pub type Stream<T> = Box<dyn Iterator<Item = Result<T>> + Send>;

type Make<T> = dyn Fn(u32) -> Result<Stream<T>> + Send + Sync;

/// A list of elements that are made as they are asked for, again in each pass. Clones are the same list.
///
/// A stream ends after its first error.
///
/// ```
/// use headwater::data::Dataset;
///
/// # fn main() -> headwater::Result<()> {
/// let numbers = Dataset::from_items(vec![1, 2, 3, 4, 5]);
/// assert_eq!(numbers.map(|n| Ok(n * n)).filter(|n| n % 2 == 1).to_vec()?, [1, 9, 25]);
/// assert_eq!(numbers.skip(3).concatenate(&numbers.take(1)).to_vec()?, [4, 5, 1]);
/// assert_eq!(numbers.zip(&numbers.skip(1)).take(2).to_vec()?, [(1, 2), (2, 3)]);
/// assert_eq!(numbers.take(2).repeat(Some(2)).to_vec()?, [1, 2, 1, 2]);
/// assert_eq!(numbers.repeat(None).take(7).to_vec()?.len(), 7);
/// assert_eq!(numbers.chunks(2, false).to_vec()?, [vec![1, 2], vec![3, 4], vec![5]]);
/// assert_eq!((numbers.len(), numbers.filter(|_| true).len()), (Some(5), None));
/// # Ok(())
/// # }
/// ```
pub struct Dataset<T> {
    make: Arc<Make<T>>,
    len: Option<usize>,
}

impl<T> Clone for Dataset<T> {
    fn clone(&self) -> Self {
        Dataset { make: self.make.clone(), len: self.len }
    }
}

/// Ends after the first error.
struct UntilError<T> {
    of: Stream<T>,
    failed: bool,
}

impl<T> Iterator for UntilError<T> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        if self.failed {
            return None;
        }
        let next = self.of.next();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

impl<T: Send + 'static> Dataset<T> {
    /// The streams that `make` opens. It is given the number that the pass draws its order from.
    pub fn new(make: impl Fn(u32) -> Result<Stream<T>> + Send + Sync + 'static) -> Dataset<T> {
        Dataset { make: Arc::new(make), len: None }
    }

    /// What an iterator gives that is made anew for each pass, of the number that the pass draws its order from.
    pub fn from_fn<I>(make: impl Fn(u32) -> I + Send + Sync + 'static) -> Dataset<T>
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        Dataset::new(move |pass| Ok(Box::new(make(pass).into_iter().map(Ok))))
    }

    /// Elements in memory.
    pub fn from_items(items: Vec<T>) -> Dataset<T>
    where
        T: Clone + Sync,
    {
        let (len, items) = (items.len(), Arc::new(items));
        Dataset::new(move |_| {
            let items = items.clone();
            Ok(Box::new((0..items.len()).map(move |i| Ok(items[i].clone()))))
        })
        .sized(Some(len))
    }

    pub(super) fn sized(mut self, len: Option<usize>) -> Dataset<T> {
        self.len = len;
        self
    }

    /// A stage after this data set.
    pub(super) fn staged<U: Send + 'static>(
        &self,
        stage: impl Fn(Stream<T>, u32) -> Stream<U> + Send + Sync + 'static,
    ) -> Dataset<U> {
        let make = self.make.clone();
        Dataset::new(move |pass| Ok(stage(make(pass)?, pass)))
    }

    /// The number of elements, where it is known.
    pub fn len(&self) -> Option<usize> {
        self.len
    }

    /// Whether there are no elements, where that is known.
    pub fn is_empty(&self) -> Option<bool> {
        self.len.map(|n| n == 0)
    }

    /// The elements, in the order of the first pass.
    ///
    /// # Errors
    /// What opening the source gives.
    pub fn iter(&self) -> Result<Stream<T>> {
        self.pass(0)
    }

    /// The elements, in the order that `pass` gives those that are shuffled.
    ///
    /// # Errors
    /// What opening the source gives.
    pub fn pass(&self, pass: u32) -> Result<Stream<T>> {
        Ok(Box::new(UntilError { of: (self.make)(pass)?, failed: false }))
    }

    /// All elements.
    ///
    /// # Errors
    /// The first error of the stream.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        for item in self.iter()? {
            all.push(item?);
        }
        Ok(all)
    }

    /// A function of each element.
    #[must_use]
    pub fn map<U: Send + 'static>(&self, f: impl Fn(T) -> Result<U> + Send + Sync + 'static) -> Dataset<U> {
        let f = Arc::new(f);
        let staged = self.staged(move |stream, _| {
            let f = f.clone();
            Box::new(stream.map(move |item| item.and_then(&*f)))
        });
        staged.sized(self.len)
    }

    /// The elements for which `keep` is true.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&T) -> bool + Send + Sync + 'static) -> Dataset<T> {
        let keep = Arc::new(keep);
        self.staged(move |stream, _| {
            let keep = keep.clone();
            Box::new(stream.filter(move |item| item.as_ref().map_or(true, &*keep)))
        })
    }

    /// The first `count` elements.
    #[must_use]
    pub fn take(&self, count: usize) -> Dataset<T> {
        self.staged(move |stream, _| Box::new(stream.take(count)))
            .sized(self.len.map(|n| n.min(count)).or((count == 0).then_some(0)))
    }

    /// All but the first `count` elements.
    #[must_use]
    pub fn skip(&self, count: usize) -> Dataset<T> {
        // Not `Iterator::skip`, which would pass over errors.
        let staged = self.staged(move |mut stream, _| {
            for _ in 0..count {
                match stream.next() {
                    Some(Err(error)) => return Box::new(std::iter::once(Err(error))),
                    Some(Ok(_)) => {}
                    None => break,
                }
            }
            stream
        });
        staged.sized(self.len.map(|n| n.saturating_sub(count)))
    }

    /// The elements so many times; without end where it is not said how many, unless there are none. What is shuffled before
    /// is in another order each time.
    #[must_use]
    pub fn repeat(&self, count: Option<usize>) -> Dataset<T> {
        let of = self.clone();
        let repeated = Dataset::new(move |pass| {
            Ok(Box::new(Repeated { of: of.clone(), open: None, pass, rounds: 0, count, found: true }) as Stream<T>)
        });
        repeated.sized(self.len.and_then(|n| if n == 0 { Some(0) } else { n.checked_mul(count?) }))
    }

    /// The elements of this one, then those of the other.
    #[must_use]
    pub fn concatenate(&self, other: &Dataset<T>) -> Dataset<T> {
        let (first, second) = (self.make.clone(), other.make.clone());
        let both = Dataset::new(move |pass| {
            // Opened when it is its turn.
            let second = second.clone();
            let later = std::iter::once_with(move || second(pass)).flat_map(|opened| match opened {
                Ok(stream) => stream,
                Err(error) => Box::new(std::iter::once(Err(error))),
            });
            Ok(Box::new(first(pass)?.chain(later)) as Stream<T>)
        });
        both.sized(self.len.zip(other.len).map(|(a, b)| a + b))
    }

    /// Pairs of the elements of both, as many as the shorter one has.
    #[must_use]
    pub fn zip<U: Send + 'static>(&self, other: &Dataset<U>) -> Dataset<(T, U)> {
        let (first, second) = (self.make.clone(), other.make.clone());
        let pairs = Dataset::new(move |pass| {
            let pairs = first(pass)?.zip(second(pass)?).map(|(a, b)| Ok((a?, b?)));
            Ok(Box::new(pairs) as Stream<(T, U)>)
        });
        pairs.sized(self.len.zip(other.len).map(|(a, b)| a.min(b)))
    }

    /// Groups of `size` elements. The last may be smaller, or is left out.
    #[must_use]
    pub fn chunks(&self, size: usize, drop_last: bool) -> Dataset<Vec<T>> {
        let size = size.max(1);
        let staged = self.staged(move |mut stream, _| {
            Box::new(std::iter::from_fn(move || {
                let mut group = Vec::with_capacity(size.min(1024));
                while group.len() < size {
                    match stream.next() {
                        Some(Ok(item)) => group.push(item),
                        Some(Err(error)) => return Some(Err(error)),
                        None => break,
                    }
                }
                (!group.is_empty() && (!drop_last || group.len() == size)).then_some(Ok(group))
            }))
        });
        staged.sized(self.len.map(|n| if drop_last { n / size } else { n.div_ceil(size) }))
    }

    /// The elements of the first whole pass, kept in memory for later ones. Stages before it run once.
    #[must_use]
    pub fn cache(&self) -> Dataset<T>
    where
        T: Clone + Sync,
    {
        let (make, kept) = (self.make.clone(), Arc::new(Mutex::new(None::<Arc<Vec<T>>>)));
        let cached = Dataset::new(move |pass| {
            let ready = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(items) = ready {
                return Ok(Box::new((0..items.len()).map(move |i| Ok(items[i].clone()))) as Stream<T>);
            }
            let (mut stream, mut own, kept) = (make(pass)?, Some(Vec::new()), kept.clone());
            Ok(Box::new(std::iter::from_fn(move || match stream.next() {
                Some(Ok(item)) => {
                    own.iter_mut().for_each(|list| list.push(item.clone()));
                    Some(Ok(item))
                }
                Some(Err(error)) => {
                    own = None;
                    Some(Err(error))
                }
                None => {
                    if let Some(list) = own.take() {
                        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(list));
                    }
                    None
                }
            })))
        });
        cached.sized(self.len)
    }
}

/// One pass after the other.
struct Repeated<T> {
    of: Dataset<T>,
    open: Option<Stream<T>>,
    pass: u32,
    rounds: usize,
    count: Option<usize>,
    /// Whether the last round had an element: rounds without would follow one another for ever.
    found: bool,
}

impl<T: Send + 'static> Iterator for Repeated<T> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        loop {
            if let Some(item) = self.open.as_mut().and_then(Iterator::next) {
                self.found = true;
                return Some(item);
            }
            if !self.found || self.count.is_some_and(|count| self.rounds >= count) {
                return None;
            }
            let pass = if self.rounds == 0 { self.pass } else { hash_key(self.pass, self.rounds as u32) };
            self.found = false;
            self.rounds += 1;
            match self.of.pass(pass) {
                Ok(stream) => self.open = Some(stream),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
