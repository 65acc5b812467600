//! Fourier transforms and what is made of them. Complex numbers are pairs of float32 tensors, real and imaginary parts.

mod fourier;
mod frames;

pub use fourier::{fft, fft_nd, irfft, rfft};
pub use frames::{cosine_window, frame, hamming_window, hann_window, inverse_stft, overlap_and_add, stft, StftOptions};
