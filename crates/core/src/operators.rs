//! Arithmetic with operators. As everywhere, wrong shapes are errors, so the results are [`Result`]s:
//!
//! ```
//! # use std::sync::Arc;
//! # use headwater_core::{Device, HostSlice, Result, Tensor};
//! fn mean_squared_error(y: &Tensor, wanted: &Tensor) -> Result<Tensor> {
//!     let error = (y - wanted)?;
//!     headwater_core::ops::mean(&(&error * &error)?, None, false)
//! }
//! ```

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::error::Result;
use crate::ops;
use crate::tensor::Tensor;

macro_rules! operator {
    ($trait:ident, $method:ident, $function:path) => {
        impl $trait<&Tensor> for &Tensor {
            type Output = Result<Tensor>;

            fn $method(self, other: &Tensor) -> Result<Tensor> {
                $function(self, other)
            }
        }

        impl $trait<f64> for &Tensor {
            type Output = Result<Tensor>;

            fn $method(self, other: f64) -> Result<Tensor> {
                $function(self, &self.constant(other))
            }
        }

        impl $trait<&Tensor> for f64 {
            type Output = Result<Tensor>;

            fn $method(self, other: &Tensor) -> Result<Tensor> {
                $function(&other.constant(self), other)
            }
        }
    };
}

operator!(Add, add, ops::add);
operator!(Sub, sub, ops::sub);
operator!(Mul, mul, ops::mul);
operator!(Div, div, ops::div);

impl Neg for &Tensor {
    type Output = Result<Tensor>;

    fn neg(self) -> Result<Tensor> {
        ops::neg(self)
    }
}
