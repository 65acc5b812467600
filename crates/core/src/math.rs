//! Functions that the platform computes. On the web those are JavaScript's: the module would carry their tables and
//! polynomials otherwise.

#[cfg(not(target_family = "wasm"))]
mod platform {
    macro_rules! functions {
        ($($name:ident $(($y:ident))? = $method:ident;)*) => {$(
            #[doc = concat!("As `f64::", stringify!($method), "`.")]
            #[inline]
            pub fn $name(x: f64 $(, $y: f64)?) -> f64 {
                x.$method($($y)?)
            }
        )*};
    }

    functions! {
        pow(y) = powf;
        atan2(y) = atan2;
        sin = sin;
        cos = cos;
        tan = tan;
        asin = asin;
        acos = acos;
        atan = atan;
    }
}

// The macro writes functions without documentation.
#[allow(missing_docs)]
#[cfg(target_family = "wasm")]
mod platform {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen(js_namespace = Math)]
    extern "C" {
        pub fn pow(x: f64, y: f64) -> f64;
        pub fn atan2(y: f64, x: f64) -> f64;
        pub fn sin(x: f64) -> f64;
        pub fn cos(x: f64) -> f64;
        pub fn tan(x: f64) -> f64;
        pub fn asin(x: f64) -> f64;
        pub fn acos(x: f64) -> f64;
        pub fn atan(x: f64) -> f64;
    }
}

pub use platform::{acos, asin, atan, atan2, cos, pow, sin, tan};
