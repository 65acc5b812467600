//! The tables that handles index.

use headwater::AllOk;
use std::cell::RefCell;

#[cfg(feature = "layers")]
use headwater::nn::Layer;
use headwater::{DType, Device, Error, Tensor};

/// Slots that are reused once freed. Slot 0 stays empty: handle 0 means none.
pub struct Table<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { slots: vec![None], free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Stores `item` and returns its handle.
    pub fn insert(&mut self, item: T) -> u32 {
        match self.free.pop() {
            Some(handle) => {
                self.slots[handle as usize] = Some(item);
                handle
            }
            None => {
                self.slots.push(Some(item));
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// The item of a handle.
    pub fn get(&self, handle: u32) -> Option<&T> {
        self.slots.get(handle as usize).and_then(Option::as_ref)
    }

    /// Removes the item of a handle.
    pub fn remove(&mut self, handle: u32) -> Option<T> {
        let item = self.slots.get_mut(handle as usize).and_then(Option::take);
        if item.is_some() {
            self.free.push(handle);
        }
        item
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.slots.len() - 1 - self.free.len()
    }

    /// All items.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }

    /// All items, to change.
    #[cfg(feature = "gpu")]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
    }

    /// An item, to change.
    #[cfg(feature = "gpu")]
    pub fn get_mut(&mut self, handle: u32) -> Option<&mut T> {
        self.slots.get_mut(handle as usize).and_then(Option::as_mut)
    }
}

/// What JavaScript holds handles of.
#[derive(Default)]
pub struct Tables {
    pub tensors: Table<Tensor>,
    #[cfg(feature = "layers")]
    pub layers: Table<Box<dyn Layer>>,
    pub devices: Table<Device>,
    pub current: u32,
}

thread_local! {
    static TABLES: RefCell<Tables> = RefCell::default();
}

/// Calls `f` with the tables. Must not be nested.
pub fn with<T>(f: impl FnOnce(&mut Tables) -> T) -> T {
    TABLES.with(|tables| f(&mut tables.borrow_mut()))
}

/// The device new tensors go to.
pub fn current_device() -> Result<Device, Error> {
    let device = with(|t| t.devices.get(t.current).cloned());
    device.ok_or_else(|| Error::device("no", "await tf.ready() before the first operation"))
}

/// The tensor of a handle.
pub fn tensor(handle: u32) -> Result<Tensor, Error> {
    with(|t| t.tensors.get(handle).cloned()).ok_or_else(Error::disposed)
}

/// The tensors of several handles.
pub fn tensors(handles: &[u32]) -> Result<Vec<Tensor>, Error> {
    handles.iter().map(|&h| tensor(h)).all_ok()
}

/// The dtype of a number.
pub fn dtype_of(code: u32) -> Result<DType, Error> {
    DType::from_code("tensor", code as usize)
}

/// Gives a tensor a handle and appends its record to `out`.
pub fn export(out: &mut Vec<f64>, tensor: Tensor) {
    let shape = tensor.shape().clone();
    let dtype = f64::from(tensor.dtype() as u8);
    let handle = with(|t| t.tensors.insert(tensor));
    out.extend([f64::from(handle), dtype, shape.rank() as f64]);
    out.extend(shape.iter().map(|&d| d as f64));
}

/// The record of a tensor that gets a handle.
pub fn record(tensor: Tensor) -> Vec<f64> {
    let mut out = Vec::with_capacity(3 + tensor.rank());
    export(&mut out, tensor);
    out
}
