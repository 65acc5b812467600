"""Fourier transforms and frames: NumPy's and TensorFlow's answers."""

import os

os.environ["CUDA_VISIBLE_DEVICES"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "", "3"

import numpy as np
import tensorflow as tf

from answers import Answers

a = Answers("spectral", f"NumPy {np.__version__}, TensorFlow {tf.__version__}")
parts = lambda z: [np.real(z), np.imag(z)]
wide = lambda x: x.astype(np.float64)

for n in (1, 2, 3, 5, 8, 13, 64, 65, 67, 100, 128, 131, 134):
    re, im = a.normal(2, n), a.normal(2, n)
    for inverse, f in ((0, np.fft.fft), (1, np.fft.ifft)):
        a.case("fft", [re, im], parts(f(wide(re) + 1j * wide(im))), [inverse, 1], note=f"length {n}")
for n in (263, 640):
    re, im = a.normal(n), a.normal(n)
    a.case("fft", [re, im], parts(np.fft.fft(wide(re) + 1j * wide(im))), [0, 1], note=f"length {n}")
for shape in ((2, 3, 4), (1, 1, 5), (4, 1, 2, 3)):
    re, im = a.normal(*shape), a.normal(*shape)
    for dims in (1, 2, 3):
        axes = tuple(range(-dims, 0))
        for inverse, f in ((0, np.fft.fftn), (1, np.fft.ifftn)):
            a.case("fft", [re, im], parts(f(wide(re) + 1j * wide(im), axes=axes)), [inverse, dims], note=f"{dims} dimensions of {shape}")
nothing = np.zeros((0, 3), np.float32)
a.case("fft", [nothing, nothing], [nothing, nothing], [0, 1], note="no rows")
a.case("fft", [nothing.T, nothing.T], [nothing.T, nothing.T], [0, 1], note="no columns")
zero = np.zeros(1, np.float32)
for special in (np.inf, np.nan):
    x = np.full(3, special, np.float32)
    a.case("fft", [x[:1], zero], [x[:1], zero], [0, 1], note="one element is its own transform")
whole = a.integers(-9, 9, 6)
a.case("fft", [whole, whole], parts(np.fft.fft(whole + 1j * whole)), [0, 1], note="int32")

for n, length in ((1, 1), (2, 2), (7, 7), (8, 8), (9, 4), (3, 10), (65, 67), (128, 128)):
    x = a.normal(2, n)
    half = np.fft.rfft(wide(x), length)
    a.case("rfft", [x], parts(half), [length], note=f"{n} as {length}")
    # Imaginary parts that no such transform has are ignored.
    re, im = a.normal(2, n // 2 + 1), a.normal(2, n // 2 + 1)
    a.case("irfft", [re, im], [np.fft.irfft(wide(re) + 1j * wide(im), length)], [length], note=f"{n // 2 + 1} as {length}")
a.case("rfft", [np.zeros((0, 5), np.float32)], [np.zeros((0, 3), np.float32)] * 2, [5], note="no rows")

for shape, length, step in (((10,), 4, 2), ((2, 9), 3, 3), ((3, 1, 7), 2, 5), ((5,), 6, 1), ((0,), 2, 1), ((4,), 4, 1)):
    x = a.normal(*shape)
    for pad in (0, 1):
        a.case("frame", [x], [tf.signal.frame(x, length, step, bool(pad), 0.5).numpy()], [length, step, pad, 0.5], note=f"{shape} {length} {step}")
numbers = a.integers(0, 9, 7)
a.case("frame", [numbers], [tf.signal.frame(numbers, 3, 2).numpy()], [3, 2, 0, 0], note="int32")
for shape, step in (((4, 6), 2), ((2, 3, 5), 2), ((3, 2), 4), ((1, 1), 1), ((2, 2, 3, 4), 4), ((5, 3), 1)):
    x = a.normal(*shape)
    out = np.asarray(tf.signal.overlap_and_add(x, step))
    a.case("overlapAndAdd", [x], [out], [step], note=f"{shape} {step}")
for n in (2, 5, 8):
    a.case("cosineWindow", [], [tf.signal.hann_window(n).numpy()], [n, 0.5, 0.5])
    a.case("cosineWindow", [], [tf.signal.hamming_window(n).numpy()], [n, 0.54, 0.46])
a.case("cosineWindow", [], [np.ones(1, np.float32)], [1, 0.5, 0.5], note="one element")
a.case("cosineWindow", [], [np.ones(0, np.float32)], [0, 0.5, 0.5], note="none")

for shape, length, step, points in (((60,), 16, 4, 16), ((2, 40), 10, 5, 16), ((2, 3, 30), 12, 3, 8), ((5,), 8, 2, 8)):
    x, window = a.normal(*shape), tf.signal.hann_window(length).numpy()
    out = tf.signal.stft(x, length, step, points).numpy()
    a.case("stft", [x, window], parts(out), [length, step, points], note=f"{shape} {length} {step} {points}")
for length, step, points in ((16, 4, 16), (10, 5, 16)):
    n = 8 * step + length
    x, window = a.normal(2, n), tf.signal.hamming_window(length).numpy()
    frames = tf.signal.stft(x, length, step, points, lambda n, dtype: tf.signal.hamming_window(n)).numpy()
    # What was transformed comes back.
    a.case("inverseStft", [*parts(frames), window], [x], [length, step, points], tolerance=3e-5, note=f"{length} {step} {points}")
    hann = tf.signal.hann_window(length).numpy()
    silent = x.copy()
    frames = tf.signal.stft(x, length, step, points).numpy()
    # Nothing is known of what lies under the window's zero alone.
    silent[:, 0] = 0
    a.case("inverseStft", [*parts(frames), hann], [silent], [length, step, points], tolerance=1e-4, note="a place without a window")
a.write()
