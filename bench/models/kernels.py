"""The single-op networks, for libraries that run nothing but model files."""

import numpy as np

SIZES = (256, 512, 1024)
IMAGE = 112
CONV = (32, 64)
DEPTHWISE = 64
ELEMENTWISE = [2048, 2048]
TABLE = [1024, 1024]
# The same op once and five times in a row: the difference is four ops without the copies in and out.
CHAINS = (1, 5)


def uniform(count: int, scale: float) -> np.ndarray:
    """The numbers of `uniform` in www/work.js, so that every library computes the same."""
    numbers = np.empty(count, np.float64)
    state = 12345 + count
    for index in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        numbers[index] = (state / 0x7FFFFFFF * 2 - 1) * scale
    return numbers.astype(np.float32)


def conv_kernel() -> np.ndarray:
    """[height, width, in, out], as TensorFlow lays it out."""
    return uniform(3 * 3 * CONV[0] * CONV[1], 0.05).reshape(3, 3, *CONV)


def depthwise_kernel() -> np.ndarray:
    """[height, width, channels, 1], as TensorFlow lays it out."""
    return uniform(3 * 3 * DEPTHWISE, 0.1).reshape(3, 3, DEPTHWISE, 1)
