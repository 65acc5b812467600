//! Cells, each fed by the one before.

use headwater_core::ops::hash_key;
use headwater_core::{Device, Error, Result, Shape, Tensor};

use super::super::super::layer::{dims_of, Call, Dims, WeightSpec};
use super::super::super::value::{Map, Value};
use super::cell::{dropped, sizes, Cell, Drops};
use super::written;

/// One step of all of them is a step of one cell, whose states are those of all.
pub(super) struct Stacked {
    cells: Vec<Box<dyn Cell>>,
}

impl Stacked {
    pub fn new(cells: Vec<Box<dyn Cell>>) -> Result<Stacked> {
        if cells.is_empty() {
            return Err(Error::argument("StackedRNNCells", "at least one cell", "none"));
        }
        Ok(Stacked { cells })
    }

    /// Every cell with its input's shape.
    fn each(&self, step: &Dims) -> Result<Vec<(&dyn Cell, Dims)>> {
        let mut step = step.clone();
        let mut all = Vec::new();
        for cell in &self.cells {
            let next = cell.states(&step)?.swap_remove(cell.output());
            all.push((&**cell, std::mem::replace(&mut step, next)));
        }
        Ok(all)
    }
}

impl Cell for Stacked {
    fn class_name(&self) -> &'static str {
        "StackedRNNCells"
    }

    fn config(&self, to: &mut Map) {
        to.set("cells", self.cells.iter().map(|cell| written(&**cell)).collect::<Vec<Value>>());
    }

    fn weights(&self, step: &Dims) -> Result<Vec<WeightSpec>> {
        let mut specs = Vec::new();
        for (i, (cell, step)) in self.each(step)?.into_iter().enumerate() {
            let named = |spec: WeightSpec| WeightSpec { name: format!("RNNCell_{i}/{}", spec.name), ..spec };
            specs.extend(cell.weights(&step)?.into_iter().map(named));
        }
        Ok(specs)
    }

    fn weight_count(&self) -> usize {
        self.cells.iter().map(|cell| cell.weight_count()).sum()
    }

    fn state_count(&self) -> usize {
        self.cells.iter().map(|cell| cell.state_count()).sum()
    }

    fn states(&self, step: &Dims) -> Result<Vec<Dims>> {
        let mut states = Vec::new();
        for (cell, step) in self.each(step)? {
            states.extend(cell.states(&step)?);
        }
        Ok(states)
    }

    /// The last cell's: its states come last.
    fn output(&self) -> usize {
        self.cells.last().map_or(0, |last| self.state_count() - last.state_count() + last.output())
    }

    fn project(&self, x: &Tensor, weights: &[Tensor]) -> Result<Tensor> {
        self.cells[0].project(x, weights)
    }

    fn step(&self, x: &Tensor, states: &[Tensor], weights: &[Tensor], drops: &[Drops]) -> Result<Vec<Tensor>> {
        let mut all = Vec::new();
        let (mut states, mut weights, mut x) = (states, weights, x.clone());
        for (i, cell) in self.cells.iter().enumerate() {
            let (own, rest) = weights.split_at(cell.weight_count());
            let drops = drops.get(i..=i).unwrap_or(&[]);
            if i > 0 {
                x = cell.project(&dropped(&x, drops.first().and_then(|d| d.input.as_ref()))?, own)?;
            }
            let count = cell.state_count();
            let next = cell.step(&x, &states[..count], own, drops)?;
            (states, weights, x) = (&states[count..], rest, next[cell.output()].clone());
            all.extend(next);
        }
        Ok(all)
    }

    fn drops(&self, device: &Device, step: &Shape, call: &Call<'_>) -> Result<Vec<Drops>> {
        let mut all = Vec::new();
        for (i, (cell, step)) in self.each(&dims_of(step))?.into_iter().enumerate() {
            let call = Call { seed: hash_key(call.seed, i as u32), ..*call };
            all.extend(cell.drops(device, &sizes(self.class_name(), &step)?, &call)?);
        }
        Ok(all)
    }
}
