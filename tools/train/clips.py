"""Renders training clips: moving textured shapes, gradients, zooms and words, all from a seed."""
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = ["Tessera", "mosaic", "tile", "latent", "frame", "Vulkan", "OpenCL", "2026", "hello", "pixel"]


def _word_texture(word):
    """A word as a coverage mask, black on white turned around."""
    try:
        font = ImageFont.truetype("DejaVuSans-Bold.ttf", 48)
    except OSError:
        font = ImageFont.load_default()
    box = font.getbbox(word)
    image = Image.new("L", (box[2] + 8, box[3] + 8), 0)
    ImageDraw.Draw(image).text((4, 4), word, fill=255, font=font)
    return np.asarray(image, np.float32) / 255.0


def _texture(kind, u, v, frequency, phase):
    """A pattern in [0,1] over a shape's own coordinates."""
    if kind == 0:
        return 0.5 + 0.5 * np.sin(frequency * u + phase)
    if kind == 1:
        return 0.5 + 0.5 * np.sin(frequency * u + phase) * np.sin(frequency * v)
    if kind == 2:
        return 0.5 + 0.5 * np.sin(frequency * np.hypot(u, v) + phase)
    return np.clip(0.5 + 0.5 * u + 0.3 * v, 0, 1)


def _distance(kind, u, v):
    """Signed distance to a shape of size about 1."""
    if kind == 0:
        return np.hypot(u, v) - 1.0
    if kind == 1:
        return np.maximum(np.abs(u), np.abs(v)) - 0.9
    if kind == 2:
        return np.abs(np.hypot(u, v) - 0.8) - 0.25
    return np.maximum(np.abs(u) * 0.866 + v * 0.5, -v) - 0.55


def _over(image, colour, alpha):
    return image + (colour - image) * alpha[..., None]


def _bilinear(mask, x, y):
    """Samples a mask at fractional places; 0 outside."""
    h, w = mask.shape
    inside = (x >= 0) & (x < w - 1) & (y >= 0) & (y < h - 1)
    x, y = np.clip(x, 0, w - 1.001), np.clip(y, 0, h - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = x - x0, y - y0
    top = mask[y0, x0] * (1 - fx) + mask[y0, x0 + 1] * fx
    low = mask[y0 + 1, x0] * (1 - fx) + mask[y0 + 1, x0 + 1] * fx
    return (top * (1 - fy) + low * fy) * inside


def render(seed, height, width, frames, shapes=None, word=None):
    """A clip as uint8 [frames,3,height,width]."""
    r = np.random.default_rng(seed)
    shapes = int(r.integers(2, 6)) if shapes is None else shapes
    scene = [dict(kind=int(r.integers(4)), texture=int(r.integers(4)), at=r.uniform(-0.8, 0.8, 2), move=r.uniform(-0.06, 0.06, 2),
                  swing=r.uniform(0, 0.15, 2), rate=r.uniform(0.05, 0.3), angle=r.uniform(0, 6.28), spin=r.uniform(-0.12, 0.12),
                  size=r.uniform(0.18, 0.5), grow=r.uniform(-0.015, 0.02), low=r.uniform(0, 1, 3), high=r.uniform(0, 1, 3),
                  frequency=r.uniform(2, 9), phase=r.uniform(0, 6.28), drift=r.uniform(-0.2, 0.2)) for _ in range(shapes)]
    word = (str(r.choice(WORDS)) if r.random() < 0.6 else None) if word is None else word
    mask = _word_texture(word) if word else None
    text = dict(at=r.uniform(-0.4, 0.2, 2), move=r.uniform(-0.03, 0.03, 2), size=r.uniform(1.0, 1.8), colour=r.uniform(0, 1, 3))
    corners = r.uniform(0, 1, (2, 2, 3))
    wave, direction = r.uniform(0, 0.12), r.uniform(-4, 4, 2)
    zoom, pan = r.uniform(-0.012, 0.012), r.uniform(-0.015, 0.015, 2)
    aspect = width / height
    y, x = np.meshgrid((np.arange(height) + 0.5) / height * 2 - 1, ((np.arange(width) + 0.5) / width * 2 - 1) * aspect, indexing="ij")
    edge = 2.0 / height
    out = np.empty((frames, 3, height, width), np.uint8)
    for t in range(frames):
        scale = np.exp(-zoom * t)
        px, py = x * scale + pan[0] * t, y * scale + pan[1] * t
        gx, gy = np.clip(px / aspect * 0.5 + 0.5, 0, 1)[..., None], np.clip(py * 0.5 + 0.5, 0, 1)[..., None]
        image = (corners[0, 0] * (1 - gx) + corners[0, 1] * gx) * (1 - gy) + (corners[1, 0] * (1 - gx) + corners[1, 1] * gx) * gy
        image = image + wave * np.sin(direction[0] * px + direction[1] * py + 0.1 * t)[..., None]
        for s in scene:
            cx = s["at"][0] * aspect + s["move"][0] * t + s["swing"][0] * np.sin(s["rate"] * t)
            cy = s["at"][1] + s["move"][1] * t + s["swing"][1] * np.cos(s["rate"] * t)
            size = max(0.08, s["size"] + s["grow"] * t)
            c, n = np.cos(s["angle"] + s["spin"] * t), np.sin(s["angle"] + s["spin"] * t)
            u, v = ((px - cx) * c + (py - cy) * n) / size, ((py - cy) * c - (px - cx) * n) / size
            shadow = _distance(s["kind"], u - 0.12 / size * 0.5, v - 0.12 / size * 0.5) * size
            image = _over(image, image * 0.55, np.clip(0.5 - shadow / 0.16, 0, 1) * 0.8)
            pattern = _texture(s["texture"], u, v, s["frequency"], s["phase"] + s["drift"] * t)[..., None]
            alpha = np.clip(0.5 - _distance(s["kind"], u, v) * size / (1.5 * edge * scale), 0, 1)
            image = _over(image, s["low"] * (1 - pattern) + s["high"] * pattern, alpha)
        if mask is not None:
            step = mask.shape[1] / (text["size"] * (1 + 0.004 * t))
            tx, ty = (px - (text["at"][0] - 0.5) - text["move"][0] * t) * step, (py - text["at"][1] - text["move"][1] * t) * step
            image = _over(image, text["colour"], _bilinear(mask, tx, ty))
        out[t] = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8).transpose(2, 0, 1)
    return out
