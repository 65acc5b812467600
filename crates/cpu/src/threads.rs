//! A fork-join thread pool. The caller takes part and spins for the rest: it never sleeps, so that it may be a browser's
//! main thread. Workers spin briefly, then sleep.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

/// Turns a worker waits before it sleeps: a few tens of microseconds, about what the next kernel takes to come.
const SPINS: usize = 20_000;

/// A job's function with its lifetime forgotten: the caller waits for all workers before it returns.
type Job = *const (dyn Fn(usize) + Sync);

struct Current {
    job: Job,
    tasks: usize,
}

// SAFETY: the job is `Sync`, and lives until `parallel_for` has seen all workers leave it.
unsafe impl Send for Current {}

struct Inner {
    current: Mutex<Option<Current>>,
    wake: Condvar,
    /// Counts jobs, so that workers see a new one without the lock.
    epoch: AtomicUsize,
    next: AtomicUsize,
    /// Workers inside the current job.
    busy: AtomicUsize,
    stop: AtomicBool,
    /// A panic of a task, to be raised again by the caller.
    panicked: AtomicBool,
}

/// Threads that run the tasks of one job at a time.
pub struct Pool {
    inner: Arc<Inner>,
    threads: usize,
    /// Held while a job runs: jobs of several callers queue up, and one from inside a job runs inline.
    turn: Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As [`lock`], for the caller: it waits turning, as a browser's main thread may not sleep.
fn lock_turning<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(error)) => return error.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
}

impl Pool {
    /// A pool of `threads`, the caller's included. Natively the others are started here; in WebAssembly with shared
    /// memory, Web Workers enter through [`Pool::worker`].
    pub fn new(threads: usize) -> Arc<Pool> {
        let pool = Arc::new(Pool {
            inner: Arc::new(Inner {
                current: Mutex::new(None),
                wake: Condvar::new(),
                epoch: AtomicUsize::new(0),
                next: AtomicUsize::new(0),
                busy: AtomicUsize::new(0),
                stop: AtomicBool::new(false),
                panicked: AtomicBool::new(false),
            }),
            threads: threads.max(1),
            turn: Mutex::new(()),
        });
        #[cfg(not(target_arch = "wasm32"))]
        for i in 1..pool.threads {
            let inner = pool.inner.clone();
            let name = format!("headwater-{i}");
            // Without the thread the pool still finishes every job, only slower.
            let _ = std::thread::Builder::new().name(name).spawn(move || work(&inner));
        }
        pool
    }

    /// The pool without workers.
    pub fn single() -> &'static Pool {
        static SINGLE: OnceLock<Arc<Pool>> = OnceLock::new();
        SINGLE.get_or_init(|| Pool::new(1))
    }

    /// Threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs jobs until the pool is dropped: the body of a Web Worker.
    pub fn worker(&self) -> impl FnOnce() + Send + 'static {
        let inner = self.inner.clone();
        move || work(&inner)
    }

    /// Calls `f` with every number below `tasks`, on all threads. Runs inline where there is one thread or one task,
    /// or where the pool is busy (from inside a task).
    #[inline]
    pub fn parallel_for(&self, tasks: usize, f: impl Fn(usize) + Sync) {
        self.run(tasks, &f);
    }

    #[inline(never)]
    fn run(&self, tasks: usize, f: &(dyn Fn(usize) + Sync)) {
        let turn = if self.threads == 1 || tasks <= 1 { None } else { self.turn.try_lock().ok() };
        if turn.is_none() {
            (0..tasks).for_each(f);
            return;
        }
        let inner = &*self.inner;
        // SAFETY: only the lifetime is changed; no worker holds the job once `busy` is 0 and `current` is cleared, and
        // this function does not return before, nor unwind: a panic of a task is caught.
        let job: Job = unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Job>(f) };
        inner.next.store(0, Ordering::Relaxed);
        {
            // Counted under the lock: a worker about to sleep has seen the count, or is seen by the call to wake.
            let mut current = lock_turning(&inner.current);
            *current = Some(Current { job, tasks });
            inner.epoch.fetch_add(1, Ordering::Release);
        }
        inner.wake.notify_all();
        run_tasks(inner, f, tasks);
        *lock_turning(&inner.current) = None;
        while inner.busy.load(Ordering::Acquire) != 0 {
            std::hint::spin_loop();
        }
        drop(turn);
        if inner.panicked.swap(false, Ordering::Relaxed) {
            std::panic::panic_any("a task of the thread pool panicked");
        }
    }
}

fn run_tasks(inner: &Inner, f: &(dyn Fn(usize) + Sync), tasks: usize) {
    let all = std::panic::AssertUnwindSafe(|| loop {
        let task = inner.next.fetch_add(1, Ordering::Relaxed);
        if task >= tasks {
            break;
        }
        f(task);
    });
    if std::panic::catch_unwind(all).is_err() {
        inner.panicked.store(true, Ordering::Relaxed);
    }
}

fn work(inner: &Inner) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while inner.epoch.load(Ordering::Acquire) == seen && !inner.stop.load(Ordering::Relaxed) {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
                continue;
            }
            let guard = lock(&inner.current);
            if inner.epoch.load(Ordering::Acquire) == seen && !inner.stop.load(Ordering::Relaxed) {
                drop(inner.wake.wait(guard).unwrap_or_else(PoisonError::into_inner));
            }
        }
        if inner.stop.load(Ordering::Relaxed) {
            return;
        }
        seen = inner.epoch.load(Ordering::Acquire);
        let job = {
            let current = lock(&inner.current);
            // Counted in under the lock: the caller clears the job under it, then waits for the count.
            current.as_ref().map(|c| {
                inner.busy.fetch_add(1, Ordering::Relaxed);
                (c.job, c.tasks)
            })
        };
        if let Some((job, tasks)) = job {
            // SAFETY: `busy` keeps the caller, and with it the function, in place.
            run_tasks(inner, unsafe { &*job }, tasks);
            inner.busy.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Relaxed);
        let _guard = lock_turning(&self.inner.current);
        self.inner.wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_also_nested_and_from_several_threads() {
        let pool = Pool::new(4);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 0..200 {
                        let counts: Vec<AtomicUsize> = (0..round).map(|_| AtomicUsize::new(0)).collect();
                        pool.parallel_for(round, |i| {
                            pool.parallel_for(2, |_| {
                                counts[i].fetch_add(1, Ordering::Relaxed);
                            });
                        });
                        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 2));
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller_and_the_pool_goes_on() {
        let pool = Pool::new(3);
        let failing = std::panic::AssertUnwindSafe(|| pool.parallel_for(10, |i| assert!(i != 7)));
        assert!(std::panic::catch_unwind(failing).is_err());
        let count = AtomicUsize::new(0);
        pool.parallel_for(10, |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 10);
    }
}
