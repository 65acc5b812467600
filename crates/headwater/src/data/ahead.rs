//! Work on other threads, ahead of who reads.

use std::collections::VecDeque;
use std::sync::mpsc::{channel, sync_channel, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use headwater_core::{Error, Result};

use super::{Dataset, Stream};

fn lost() -> Error {
    Error::format("data set", "a thread has panicked")
}

impl<T: Send + 'static> Dataset<T> {
    /// A function of each element, of several elements at a time on so many threads. The order of elements is kept. At most
    /// twice as many elements as threads are read ahead.
    ///
    /// ```
    /// use headwater::data::Dataset;
    ///
    /// # fn main() -> headwater::Result<()> {
    /// let squares = Dataset::from_fn(|_| 0..100u64).map_parallel(4, |n| Ok(n * n));
    /// assert_eq!(squares.to_vec()?, (0..100).map(|n| n * n).collect::<Vec<u64>>());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn map_parallel<U: Send + 'static>(
        &self,
        threads: usize,
        f: impl Fn(T) -> Result<U> + Send + Sync + 'static,
    ) -> Dataset<U> {
        let (f, threads) = (Arc::new(f), threads.max(1));
        let staged = self.staged(move |stream, _| {
            let (jobs, work) = channel::<Job<T, U>>();
            let work = Arc::new(Mutex::new(work));
            for _ in 0..threads {
                let (f, work) = (f.clone(), work.clone());
                thread::spawn(move || loop {
                    let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((item, result)) = job else { return };
                    // Nobody waits for it any more where sending fails.
                    drop(result.send(f(item)));
                });
            }
            Box::new(Parallel { of: stream, jobs, waiting: VecDeque::new(), ahead: 2 * threads }) as Stream<U>
        });
        staged.sized(self.len())
    }

    /// Reads up to `count` elements ahead on a thread, while others are worked on: what comes before it runs there.
    ///
    /// ```
    /// use headwater::data::Dataset;
    ///
    /// # fn main() -> headwater::Result<()> {
    /// let numbers = Dataset::from_fn(|_| 0..10).prefetch(2);
    /// assert_eq!(numbers.to_vec()?, (0..10).collect::<Vec<_>>());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn prefetch(&self, count: usize) -> Dataset<T> {
        let staged = self.staged(move |stream, _| {
            let (sender, receiver) = sync_channel(count.saturating_sub(1));
            thread::spawn(move || read_ahead(stream, &sender));
            Box::new(Prefetched { receiver, ended: false }) as Stream<T>
        });
        staged.sized(self.len())
    }
}

/// An element, and where its result goes.
type Job<T, U> = (T, Sender<Result<U>>);

struct Parallel<T, U> {
    of: Stream<T>,
    jobs: Sender<Job<T, U>>,
    waiting: VecDeque<Receiver<Result<U>>>,
    ahead: usize,
}

impl<T, U> Iterator for Parallel<T, U> {
    type Item = Result<U>;
    fn next(&mut self) -> Option<Result<U>> {
        while self.waiting.len() < self.ahead {
            let (sender, receiver) = channel();
            match self.of.next() {
                Some(Ok(item)) => drop(self.jobs.send((item, sender))),
                // In its turn, after what was read before it.
                Some(Err(error)) => drop(sender.send(Err(error))),
                None => break,
            }
            self.waiting.push_back(receiver);
        }
        let next = self.waiting.pop_front()?;
        Some(next.recv().unwrap_or_else(|_| Err(lost())))
    }
}

/// Sends elements, and `None` after the last: a stream that ends without it has panicked.
fn read_ahead<T>(stream: Stream<T>, to: &SyncSender<Option<Result<T>>>) {
    for item in stream {
        if to.send(Some(item)).is_err() {
            return;
        }
    }
    drop(to.send(None));
}

struct Prefetched<T> {
    receiver: Receiver<Option<Result<T>>>,
    ended: bool,
}

impl<T> Iterator for Prefetched<T> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        if self.ended {
            return None;
        }
        let next = self.receiver.recv().unwrap_or_else(|_| Some(Err(lost())));
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
