//! Which buffers the engine asks of its host, uses and gives back: on a host that only takes notes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use headwater_core::{ops, DType, Device, Result};
use headwater_gpu::{id_of, Dispatch, GpuEngine, GpuOptions, Host, Id, Limits, StampsCallback, WordsCallback};

#[derive(Default)]
struct Notes {
    made: HashSet<Id>,
    destroyed: HashSet<Id>,
    read_at_once: Vec<bool>,
    /// Buffers of dispatches that were destroyed before.
    gone: Vec<Id>,
}

#[derive(Default)]
struct Notebook(Mutex<Notes>);

impl Notebook {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().expect("not poisoned")
    }
}

impl Host for Notebook {
    fn limits(&self) -> Limits {
        Limits { max_buffer_bytes: 1 << 30, max_storage_buffers: 8, timestamps: false, halves: false }
    }
    fn create_buffer(&self, id: Id, _: usize) -> Result<()> {
        self.notes().made.insert(id);
        Ok(())
    }
    fn destroy_buffer(&self, id: Id) {
        self.notes().destroyed.insert(id);
    }
    fn write_buffer(&self, _: Id, _: &[u32]) {}
    fn create_pipeline(&self, _: Id, _: &str, _: usize, _: usize) -> Result<()> {
        Ok(())
    }
    fn submit(&self, dispatches: &[Dispatch], _: &[u32], _: Option<StampsCallback>) -> Result<()> {
        let mut notes = self.notes();
        let used: Vec<Id> = dispatches.iter().flat_map(|d| d.buffers.iter().copied()).collect();
        let gone: Vec<Id> = used.into_iter().filter(|id| notes.destroyed.contains(id)).collect();
        notes.gone.extend(gone);
        Ok(())
    }
    fn read_buffer(&self, _: Id, words: usize, at_once: bool, done: WordsCallback) {
        self.notes().read_at_once.push(at_once);
        done(Ok(vec![7; words]));
    }
    fn wait(&self) -> bool {
        false
    }
}

fn open() -> (Arc<Notebook>, Device) {
    let host = Arc::new(Notebook::default());
    (host.clone(), Device::new(Arc::new(GpuEngine::new(host, GpuOptions::default()))))
}

#[test]
fn who_waits_reads_at_once() -> Result<()> {
    let (host, device) = open();
    let x = device.ones([2, 3], DType::F32)?;
    x.read(Box::new(|_| ()));
    assert_eq!(x.to_lanes()?, [7; 6]);
    assert_eq!(host.notes().read_at_once, [false, true]);
    Ok(())
}

#[test]
fn what_is_adopted_is_given_back_and_not_pooled() -> Result<()> {
    let (host, device) = open();
    let adopted = device.engine().adopt(DType::F32, 6).expect("a GPU's buffer");
    let id = id_of(&adopted)?;
    assert!(!host.notes().made.contains(&id), "the platform makes it");
    let x = device.tensor_of_buffer(adopted, [2, 3].into());
    let y = (&x + &x)?;
    assert_ne!(id_of(&y.buffer()?)?, id);
    assert!(!host.notes().destroyed.contains(&id));
    drop((x, y));
    assert!(host.notes().destroyed.contains(&id));
    let next = device.ones([2, 3], DType::F32)?;
    assert_ne!(id_of(&next.buffer()?)?, id);
    Ok(())
}

#[test]
fn a_run_that_frees_more_than_is_pooled_uses_no_buffer_that_is_gone() -> Result<()> {
    let (host, device) = open();
    let x = device.ones([4096, 4096], DType::F32)?;
    x.buffer()?;
    // Six products of 64 MiB that live at once and are freed at once.
    let mut products = vec![x.clone()];
    for n in 0..6 {
        products.push(ops::matmul(&x, &products[n], false, false)?);
    }
    let mut sum = products[1].clone();
    for product in &products[2..] {
        sum = (&sum + product)?;
    }
    let last = ops::matmul(&sum, &x, false, false)?;
    drop((products, sum));
    last.buffer()?;
    let gone = host.notes().gone.clone();
    assert_eq!(gone, []);
    assert!(!host.notes().destroyed.is_empty(), "what the pool does not take is given back");
    Ok(())
}
