//! Every operation by name: what faces in other languages call. Pointwise operations come from their table; the others
//! are declared here, each with the arguments it reads from a list of numbers.

#[cfg(feature = "ops-attention")]
mod attention;
mod attrs;
#[cfg(feature = "ops-distributions")]
mod distributions;
#[cfg(feature = "ops-einsum")]
mod einsum;
#[cfg(feature = "ops-images")]
mod images;
#[cfg(feature = "ops-indexing")]
mod indexing;
#[cfg(feature = "ops-layout")]
mod layout;
#[cfg(feature = "ops-linalg")]
mod linalg;
mod operations;
#[cfg(feature = "ops-quantize")]
mod quantize;
#[cfg(feature = "ops-recurrent")]
mod recurrent;
#[cfg(feature = "ops-scan")]
mod scan;
#[cfg(feature = "ops-spectral")]
mod spectral;
#[cfg(feature = "ops-volumes")]
mod volumes;

use std::sync::OnceLock;

use headwater_core::pointwise::rows;
#[allow(unused_imports)] // by a build without any family
use headwater_core::selected;
use headwater_core::Listed;
use headwater_core::{ops, Device, Error, Result, Tensor};

pub use attrs::Attrs;

/// How many tensors an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly so many.
    Exactly(usize),
    /// At least so many.
    AtLeast(usize),
}

/// An operation: from a device, tensors and numbers to tensors.
pub type Operation = fn(&Device, &[Tensor], &Attrs<'_>) -> Result<Vec<Tensor>>;

/// An operation's declaration: its name, the number of its tensors, and what runs it.
type Declared = (&'static str, Arity, Operation);

/// The families that a build may leave out, each behind the feature of its name.
fn families() -> impl Iterator<Item = &'static [Declared]> {
    let all: &[&'static [Declared]] = &[
        #[cfg(feature = "ops-scan")]
        selected!(Declared, scan::OPERATIONS),
        #[cfg(feature = "ops-indexing")]
        selected!(Declared, indexing::OPERATIONS),
        #[cfg(feature = "ops-layout")]
        selected!(Declared, layout::OPERATIONS),
        #[cfg(feature = "ops-linalg")]
        selected!(Declared, linalg::OPERATIONS),
        #[cfg(feature = "ops-einsum")]
        selected!(Declared, einsum::OPERATIONS),
        #[cfg(feature = "ops-volumes")]
        selected!(Declared, volumes::OPERATIONS),
        #[cfg(feature = "ops-spectral")]
        selected!(Declared, spectral::OPERATIONS),
        #[cfg(feature = "ops-images")]
        selected!(Declared, images::OPERATIONS),
        #[cfg(feature = "ops-attention")]
        selected!(Declared, attention::OPERATIONS),
        #[cfg(feature = "ops-quantize")]
        selected!(Declared, quantize::OPERATIONS),
        #[cfg(feature = "ops-distributions")]
        selected!(Declared, distributions::OPERATIONS),
        #[cfg(feature = "ops-recurrent")]
        selected!(Declared, recurrent::OPERATIONS),
        #[cfg(feature = "optimizers-more")]
        selected!(Declared, crate::nn::optimizers::more::OPERATIONS),
    ];
    all.iter().copied()
}

fn one(tensor: Result<Tensor>) -> Result<Vec<Tensor>> {
    tensor.map(|t| vec![t])
}

fn two(pair: Result<(Tensor, Tensor)>) -> Result<Vec<Tensor>> {
    pair.map(|(a, b)| vec![a, b])
}

struct Entry {
    name: &'static str,
    run: Run,
}

enum Run {
    Pointwise(usize),
    Declared(Arity, Operation),
}

fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let pointwise = rows().map(|row| Entry { name: row.name, run: Run::Pointwise(row.arity()) });
        let declared = operations::all().map(|(name, arity, run)| Entry { name, run: Run::Declared(arity, run) });
        pointwise.chain(declared).listed()
    })
}

/// The names of all operations; an operation's number is its position.
pub fn op_names() -> Vec<&'static str> {
    entries().iter().map(|e| e.name).listed()
}

/// The number of an operation.
///
/// # Errors
/// `ErrorKind::Unknown` when there is none of that name.
pub fn op_id(name: &str) -> Result<usize> {
    entries().iter().position(|e| e.name == name).ok_or_else(|| Error::unknown("op", name))
}

/// Runs operation number `id` on `inputs` with the numbers `attrs`.
///
/// # Errors
/// `ErrorKind::Unknown` for a wrong number, `ErrorKind::Argument` for missing inputs or attributes, and what the
/// operation itself gives.
pub fn invoke(device: &Device, id: usize, inputs: &[Tensor], attrs: &[f64]) -> Result<Vec<Tensor>> {
    let entry = entries().get(id).ok_or_else(|| Error::unknown("op", format_args!("number {id}")))?;
    let arity = match entry.run {
        Run::Pointwise(n) => Arity::Exactly(n),
        Run::Declared(arity, _) => arity,
    };
    let (fits, expected) = match arity {
        Arity::Exactly(n) => (inputs.len() == n, format!("{n} tensors")),
        Arity::AtLeast(n) => (inputs.len() >= n, format!("at least {n} tensors")),
    };
    if !fits {
        return Err(Error::argument(entry.name, expected, inputs.len()));
    }
    match entry.run {
        Run::Pointwise(_) => Ok(vec![ops::pointwise(entry.name, &inputs.iter().listed())?]),
        Run::Declared(_, run) => run(device, inputs, &Attrs::new(entry.name, attrs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() -> Result<()> {
        let names = op_names();
        for (i, name) in names.iter().enumerate() {
            assert_eq!(op_id(name)?, i, "{name} is declared twice");
        }
        Ok(())
    }

    #[test]
    fn calls_are_checked() -> Result<()> {
        let device = crate::cpu(1);
        let one = device.ones([2, 2], headwater_core::DType::F32)?;
        let call = |name: &str, n: usize, attrs: &[f64]| invoke(&device, op_id(name)?, &vec![one.clone(); n], attrs);
        assert_eq!(
            call("add", 1, &[]).expect_err("one operand").to_string(),
            "Error in add: expected 2 tensors, received 1"
        );
        assert_eq!(
            call("matMul", 2, &[1.0]).expect_err("one attribute").to_string(),
            "Error in matMul: expected attribute 1, received 1 attributes"
        );
        assert_eq!(call("matMul", 2, &[0.0, 0.0])?[0].to_vec()?, [2.0; 4]);
        assert_eq!(op_id("nope").expect_err("no such op").code(), "unknown");
        Ok(())
    }
}
