//! The WebAssembly face of Headwater.
