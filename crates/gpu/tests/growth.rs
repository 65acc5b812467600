//! What a run asks of the GPU grows as its algorithm does: counted, not timed.

use std::sync::{Arc, Mutex};

use headwater_core::{ops, DType, Device, Result, Tensor};
use headwater_gpu::{Dispatch, GpuEngine, GpuOptions, Host, Id, Limits, StampsCallback, WordsCallback};

/// A host that computes nothing and counts.
#[derive(Default)]
struct Counter {
    /// Dispatches and workgroups so far.
    counts: Mutex<(usize, usize)>,
    sources: Mutex<Vec<String>>,
}

impl Host for Counter {
    fn limits(&self) -> Limits {
        Limits { max_buffer_bytes: 1 << 30, max_storage_buffers: 8, timestamps: false, halves: false }
    }
    fn create_buffer(&self, _: Id, _: usize) -> Result<()> {
        Ok(())
    }
    fn destroy_buffer(&self, _: Id) {}
    fn write_buffer(&self, _: Id, _: &[u32]) {}
    fn create_pipeline(&self, _: Id, source: &str, _: usize, _: usize) -> Result<()> {
        self.sources.lock().expect("not poisoned").push(source.to_string());
        Ok(())
    }
    fn submit(&self, dispatches: &[Dispatch], _: &[u32], _: Option<StampsCallback>) -> Result<()> {
        let mut counts = self.counts.lock().expect("not poisoned");
        counts.0 += dispatches.len();
        counts.1 += dispatches.iter().map(|d| d.groups.iter().product::<u32>() as usize).sum::<usize>();
        Ok(())
    }
    fn read_buffer(&self, _: Id, words: usize, _: bool, done: WordsCallback) {
        done(Ok(vec![0; words]));
    }
    fn wait(&self) -> bool {
        true
    }
}

/// Dispatches and workgroups of what `run` makes of operands of the given shapes, and its shaders.
fn count(
    operands: &[(&[usize], DType)],
    run: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> Result<(usize, usize, Vec<String>)> {
    let host = Arc::new(Counter::default());
    let device = Device::new(Arc::new(GpuEngine::new(host.clone(), GpuOptions::default())));
    let make = |&(shape, dtype): &(&[usize], DType)| -> Result<Tensor> {
        let x = device.zeros(shape, dtype)?;
        x.buffer()?;
        Ok(x)
    };
    let operands = operands.iter().map(make).collect::<Result<Vec<_>>>()?;
    *host.counts.lock().expect("not poisoned") = (0, 0);
    host.sources.lock().expect("not poisoned").clear();
    run(&operands)?.buffer()?;
    let (dispatches, groups) = *host.counts.lock().expect("not poisoned");
    let sources = std::mem::take(&mut *host.sources.lock().expect("not poisoned"));
    Ok((dispatches, groups, sources))
}

#[test]
fn the_gradient_of_a_lookup_grows_with_its_indices_and_its_table_not_with_their_product() -> Result<()> {
    let (n, inner) = (20_000, 128);
    let gradient = |k: usize| {
        count(&[(&[n, inner], DType::F32), (&[k], DType::I32), (&[k, inner], DType::F32)], |x| {
            let f = || ops::sum(&ops::mul(&ops::gather(&x[0], &x[1], 0, 0)?, &x[2])?, None, false);
            Ok(x[0].device().value_and_grads(&[&x[0]], f)?.1[0].clone())
        })
    };
    let (dispatches, groups, _) = gradient(8192)?;
    let (more_dispatches, more_groups, _) = gradient(16_384)?;
    // Twice the indices are one merge more.
    assert_eq!(more_dispatches, dispatches + 1);
    // The table's elements, and the updates a few times.
    let (elements, updates) = (n * inner / 64, 8192 * inner / 64);
    assert!(groups < elements + 2 * updates, "{groups} workgroups for {elements} and {updates}");
    assert!(more_groups - groups < 2 * updates, "{groups} and {more_groups}");
    Ok(())
}

#[test]
fn no_element_of_a_table_looks_at_every_index() -> Result<()> {
    for k in [8, 2048, 8192] {
        let operands = [(&[k, 128][..], DType::F32), (&[k], DType::I32)];
        let (_, _, sources) = count(&operands, |x| ops::unsorted_segment_sum(&x[0], &x[1], 20_000))?;
        // The shader that ends in the result, which all of the table's elements run.
        let last = sources.last().map_or("", String::as_str);
        assert!(last.contains("fn tail") && !last.contains("j < u.k; j++"), "{last}");
    }
    Ok(())
}

#[test]
fn a_topk_sorts_once_whatever_k() -> Result<()> {
    let topk = |k: usize| count(&[(&[100_000], DType::F32)], |x| Ok(ops::topk(&x[0], k)?.1));
    let ((few, _, _), (many, _, _)) = (topk(10)?, topk(1000)?);
    assert_eq!(few, many);
    // Runs of 32, 12 merges, and the first k.
    assert_eq!(many, 14);
    Ok(())
}

#[test]
fn a_scan_of_a_long_line_is_two_passes() -> Result<()> {
    let (dispatches, groups, _) = count(&[(&[1_000_000], DType::F32)], |x| ops::cumsum(&x[0], 0, false, false))?;
    assert_eq!(dispatches, 2);
    assert!(groups > 2 * 900 / 64, "{groups} workgroups");
    Ok(())
}
