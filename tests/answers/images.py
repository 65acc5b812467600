"""Geometry and color of images: TensorFlow's answers; those of grid sampling from its definition, which SciPy's
`map_coordinates` confirms where the two overlap."""

import os

os.environ["CUDA_VISIBLE_DEVICES"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "", "3"

import numpy as np
import scipy
import scipy.ndimage as ndimage
import tensorflow as tf

from answers import Answers

a = Answers("images", f"TensorFlow {tf.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}")
METHODS = ["nearest", "bilinear", "bicubic"]

# Crops.
images = a.normal(2, 5, 4, 2)
boxes = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [0.8, 0.9, 0.2, 0.1], [-0.4, 0.3, 0.6, 1.5], [0.5, 0.5, 0.5, 0.5]], np.float32)
index = np.array([0, 1, 1, 1, 0], np.int32)
for method in ("nearest", "bilinear"):
    for size in ((4, 3), (1, 1), (5, 4), (1, 3)):
        out = tf.image.crop_and_resize(images, boxes, index, size, method, 0.75).numpy()
        a.case("cropAndResize", [images, boxes, index], [out], [*size, METHODS.index(method), 0.75], note=f"{method} {size}")
a.case("cropAndResize", [images, boxes[:0], index[:0]], [np.zeros((0, 2, 3, 2), np.float32)], [2, 3, 1, 0], note="no boxes")
a.case("cropAndResize", [images[:1], boxes[:2], np.array([7, -1], np.int32)], [np.zeros((2, 2, 2, 2), np.float32)], [2, 2, 1, 9], note="no such images")
whole = a.integers(0, 255, 1, 5, 5, 3)
a.case("cropAndResize", [whole, boxes[1:2], index[:1]], [tf.image.crop_and_resize(whole, boxes[1:2], index[:1], (3, 3)).numpy()], [3, 3, 1, 0], tolerance=2e-5, note="int32")

# Projections.
MODES = ["constant", "reflect", "wrap", "nearest"]
identity = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], np.float32)
turns = identity + a.normal(2, 8) * np.array([0.3, 0.3, 4, 0.3, 0.3, 4, 0.02, 0.02], np.float32)
shift = identity + np.array([[0, 0, 3, 0, 0, -2, 0, 0]], np.float32)
for mode in MODES:
    for method in ("nearest", "bilinear"):
        for table, size in ((turns, (5, 4)), (shift, (5, 4)), (turns[:1], (4, 7)), (identity, (1, 1))):
            out = tf.raw_ops.ImageProjectiveTransformV3(
                images=images, transforms=table, output_shape=size, fill_value=0.5, interpolation=method.upper(), fill_mode=mode.upper()
            ).numpy()
            a.case("transform", [images, table], [out], [*size, METHODS.index(method), MODES.index(mode), 0.5], tolerance=3e-5, note=f"{mode} {method} {size}")
vanishing = np.array([[1, 0, 0, 0, 1, 0, -0.5, 0]], np.float32)
out = tf.raw_ops.ImageProjectiveTransformV3(images=images, transforms=vanishing, output_shape=(5, 4), fill_value=2.0, interpolation="NEAREST", fill_mode="CONSTANT").numpy()
a.case("transform", [images, vanishing], [out], [5, 4, 0, 0, 2], note="a line at infinity")

# Rotation by quarters, of which the result is known, and by an angle, from the definition.
square = a.normal(2, 5, 5, 2)
fill = np.array([7.0, 8.0], np.float32)
# Places of pixels are counted from their corners: a quarter turn about (2, 2) is one of the pixels.
for quarters in (1, 2, 3):
    a.case("rotateWithOffset", [square, fill], [np.rot90(square, quarters, (1, 2))], [np.pi / 2 * quarters, 0.4, 0.4], note=f"{quarters} quarters")


def rotated(x, angle, cx, cy, fill):
    n, h, w, c = x.shape
    out = np.empty_like(x)
    for i in range(h):
        for j in range(w):
            dx, dy = j - cx * w, i - cy * h
            at_x = int(np.floor(dx * np.cos(angle) - dy * np.sin(angle) + cx * w + 0.5))
            at_y = int(np.floor(dx * np.sin(angle) + dy * np.cos(angle) + cy * h + 0.5))
            out[:, i, j] = x[:, at_y, at_x] if 0 <= at_y < h and 0 <= at_x < w else fill
    return out


for angle, cx, cy in ((0.3, 0.5, 0.5), (-1.1, 0.25, 0.7), (4.0, 0.5, 0.4)):
    a.case("rotateWithOffset", [images, fill], [rotated(images, angle, cx, cy, fill)], [angle, cx, cy])
a.case("rotateWithOffset", [images, np.float32(-1)], [rotated(images, 0.7, 0.5, 0.5, np.float32(-1))], [0.7, 0.5, 0.5], note="one fill")

a.case("flipLeftRight", [images], [images[:, :, ::-1]])
a.case("flipLeftRight", [whole], [whole[:, :, ::-1]], note="int32")
a.case("flipLeftRight", [images[:0]], [images[:0]], note="no images")
color = a.normal(2, 3, 4, 3)
a.case("rgbToGrayscale", [color], [tf.image.rgb_to_grayscale(color).numpy()])
a.case("rgbToGrayscale", [color[0, 0]], [tf.image.rgb_to_grayscale(color[0, 0]).numpy()])
a.case("grayscaleToRGB", [color[..., :1]], [tf.image.grayscale_to_rgb(tf.constant(color[..., :1])).numpy()])
a.case("grayscaleToRGB", [whole[0, :, :, :1]], [np.repeat(whole[0, :, :, :1], 3, -1)], note="int32")

# Cubic resizing. TensorFlow's kernel reads its weights from a table of 1024 steps; ScaleAndTranslate does not.
for size in ((3, 3), (10, 8), (5, 4), (1, 1), (7, 2)):
    scale = np.array(size, np.float32) / images.shape[1:3]
    exact = tf.raw_ops.ScaleAndTranslate(images=images, size=size, scale=scale, translation=[0.0, 0.0], kernel_type="keyscubic", antialias=False).numpy()
    table = tf.image.resize(images, size, "bicubic", antialias=False).numpy()
    assert np.abs(exact - table).max() < 5e-3, np.abs(exact - table).max()
    a.case("resizeBicubic", [images], [exact], [*size, 0, 1], note=f"half-pixel centers {size}")
    for align in (0, 1):
        out = tf.raw_ops.ResizeBicubic(images=images, size=size, align_corners=bool(align), half_pixel_centers=False).numpy()
        a.case("resizeBicubic", [images], [out], [*size, align, 0], tolerance=2e-3, note=f"align={align} {size}")


# Grids: PyTorch's definition, of images [n, h, w, c].
def unnormalized(x, size, align):
    return (x + 1) / 2 * (size - 1) if align else ((x + 1) * size - 1) / 2


def reflected(x, size, align):
    low, span = (0, size - 1) if align else (-0.5, size)
    if span == 0:
        return np.zeros_like(x)
    x = np.abs(x - low)
    extra, flips = np.fmod(x, span), np.floor(x / span)
    return np.clip(np.where(flips % 2 == 0, extra + low, span - extra + low), 0, size - 1)


def grid_sample(images, grid, method, padding, align):
    images, grid = images.astype(np.float64), grid.astype(np.float64)
    n, h, w, _ = images.shape
    sizes = {"y": h, "x": w}
    at = {"y": unnormalized(grid[..., 1], h, align), "x": unnormalized(grid[..., 0], w, align)}
    settle = {"zeros": lambda v, size: v, "border": lambda v, size: np.clip(v, 0, size - 1), "reflection": lambda v, size: reflected(v, size, align)}[padding]
    if method != "bicubic":
        at = {d: settle(v, sizes[d]) for d, v in at.items()}

    def pixel(y, x):
        if method == "bicubic":
            y, x = settle(y, h), settle(x, w)
        inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
        found = images[np.arange(n)[:, None, None], np.clip(y, 0, h - 1).astype(int), np.clip(x, 0, w - 1).astype(int)]
        return np.where(inside[..., None], found, 0)

    if method == "nearest":
        return pixel(np.round(at["y"]), np.round(at["x"]))
    base = {d: np.floor(v) for d, v in at.items()}
    if method == "bilinear":
        taps = {d: [(base[d], 1 - (at[d] - base[d])), (base[d] + 1, at[d] - base[d])] for d in at}
    else:
        k = -0.75
        near = lambda d: ((k + 2) * d - (k + 3)) * d * d + 1
        far = lambda d: ((k * d - 5 * k) * d + 8 * k) * d - 4 * k
        kernel = lambda d: np.where(np.abs(d) <= 1, near(np.abs(d)), far(np.abs(d)))
        taps = {d: [(base[d] + i, kernel(at[d] - base[d] - i)) for i in (-1, 0, 1, 2)] for d in at}
    return sum(pixel(y, x) * (wy * wx)[..., None] for y, wy in taps["y"] for x, wx in taps["x"])


grid = a.random.uniform(-2.2, 2.2, (2, 3, 4, 2)).astype(np.float32)
PADDINGS = ["zeros", "border", "reflection"]
SCIPY = {("border", 0): "nearest", ("border", 1): "nearest", ("reflection", 0): "reflect", ("reflection", 1): "mirror"}
for method in METHODS:
    for padding in PADDINGS:
        for align in (0, 1):
            out = grid_sample(images, grid, method, padding, align)
            if method == "bilinear" and padding != "zeros":
                y, x = unnormalized(grid[..., 1].astype(np.float64), 5, align), unnormalized(grid[..., 0].astype(np.float64), 4, align)
                for n in range(2):
                    for c in range(2):
                        known = ndimage.map_coordinates(images[n, :, :, c].astype(np.float64), [y[n], x[n]], order=1, mode=SCIPY[padding, align])
                        assert np.allclose(known, out[n, :, :, c]), (padding, align)
            a.case("gridSample", [images, grid], [out], [METHODS.index(method), PADDINGS.index(padding), align], tolerance=3e-5, note=f"{method} {padding} align={align}")
corners = np.array([[[[-1, -1], [1, -1]], [[-1, 1], [1, 1]]]], np.float32)
a.case("gridSample", [images[:1], corners], [images[:1, ::4, ::3]], [1, 0, 1], note="corners")
a.case("gridSample", [images[:1], corners * 3], [np.zeros((1, 2, 2, 2), np.float32)], [1, 0, 1], note="far outside")
strange = np.array([[[[np.nan, 0], [np.inf, 0], [-np.inf, 1e30]]]], np.float32)
a.case("gridSample", [images[:1], strange], [np.zeros((1, 1, 3, 2), np.float32)], [0, 0, 0], note="places that are none")
pixel = images[:1, :1, :1]
for padding in PADDINGS:
    for align in (0, 1):
        some = np.array([[[[0, 0], [0.3, -0.2], [1.7, 0.1]]]], np.float32)
        a.case("gridSample", [pixel, some], [grid_sample(pixel, some, "bilinear", padding, align)], [1, PADDINGS.index(padding), align], note="one pixel")


def affine_grid(theta, h, w, align):
    def line(n):
        if n == 1:
            return np.zeros(1)
        return np.linspace(-1, 1, n) if align else np.linspace(-1, 1, n) * (n - 1) / n

    x, y = np.meshgrid(line(w), line(h))
    return np.einsum("hwk,nik->nhwi", np.stack([x, y, np.ones_like(x)], -1), theta.astype(np.float64))


theta = a.normal(2, 2, 3)
for h, w in ((3, 4), (1, 5), (1, 1)):
    for align in (0, 1):
        a.case("affineGrid", [theta], [affine_grid(theta, h, w, align)], [h, w, align])
a.case("affineGrid", [theta[:0]], [np.zeros((0, 2, 2, 2), np.float32)], [2, 2, 0], note="no maps")
a.write()
