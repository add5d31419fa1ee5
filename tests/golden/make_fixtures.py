#!/usr/bin/env python3
"""Makes golden fixtures: models of full architecture with drawn weights, run by diffusers in fp64, and what they give.

    make_fixtures.py [NAME...]             the fixtures of this folder (all, or those named)
    make_fixtures.py --check [NAME...]     which tensors they do not see
    make_fixtures.py --full MODEL --out FOLDER [--latent T,H,W]
                                           one at the true width; "TESSERA_GOLDEN=FOLDER tessera conformance --filter 'golden/*'" runs it

Needs PyTorch (1.13 does), diffusers, safetensors, numpy. README.md describes the files.
"""
import argparse
import dataclasses
import json
import math
import pathlib
import re
import time

import numpy as np
import torch
from safetensors.numpy import save_file

import draw
from models import MODELS

HERE = pathlib.Path(__file__).parent
SEED = 20260
VALUES = 6000  # of a clip that are kept


@dataclasses.dataclass
class Fixture:
    name: str
    model: str
    clips: list  # (latents, height, width[, "raw"]); of encoders: frames
    config: dict = dataclasses.field(default_factory=dict)
    storage: str = "F32"
    encoder: bool = False
    schemes: bool = True  # original names too
    heavy: bool = False
    tile: tuple = None  # (latents of a tile's side, from one to the next): decoded in blended tiles


FIXTURES = [
    Fixture("wan21", "wan21", [(3, 3, 5), (1, 5, 2, "raw")]),
    Fixture("wan21-bf16", "wan21", [(2, 2, 3)], dict(base_dim=12), "BF16", schemes=False),
    Fixture("wan21-encoder", "wan21", [(9, 16, 24), (1, 24, 8, "raw"), (5, 8, 16)], encoder=True),
    Fixture("wan21-true-width", "wan21", [(3, 8, 8)], dict(base_dim=96), schemes=False, heavy=True),
    Fixture("wan22-encoder", "wan22", [(9, 32, 48), (1, 48, 16, "raw")], encoder=True),
    Fixture("wan21-tiled", "wan21", [(2, 5, 7)], tile=(4, 3), schemes=False),
    Fixture("wan22-tiled", "wan22", [(2, 3, 2)], tile=(2, 1), schemes=False),
    Fixture("ltx-2.0-tiled", "ltx20", [(1, 4, 6)], tile=(3, 2), schemes=False),
    Fixture("qwen-image", "qwen", [(1, 3, 4)]),
    Fixture("wan22", "wan22", [(3, 2, 3)]),
    Fixture("qwen-image-2.1", "qwen21", [(2, 3, 2), (1, 1, 3, "raw")]),
    Fixture("qwen-image-2.1-encoder", "qwen21", [(2, 32, 48)], encoder=True),
    Fixture("ltx-0.9.0", "ltx090", [(2, 2, 1), (1, 1, 3, "raw")]),
    Fixture("ltx-0.9.1", "ltx091", [(2, 1, 2)]),
    Fixture("ltx-0.9.5", "ltx095", [(3, 2, 1)]),
    Fixture("ltx-2.0-causal", "ltx20-causal", [(3, 1, 2)]),
    Fixture("ltx-2.0", "ltx20", [(2, 2, 2)]),
    Fixture("ltx-2.3", "ltx23", [(2, 1, 3)]),
    Fixture("hunyuan", "hunyuan", [(3, 2, 2)]),
    Fixture("hunyuan15", "hunyuan15", [(3, 2, 1)]),
    Fixture("cogvideox", "cogvideox", [(5, 1, 2), (4, 2, 1), (1, 2, 2, "raw")]),
    Fixture("mochi", "mochi", [(2, 2, 1), (1, 1, 2, "raw")]),
    Fixture("svd", "svd", [(3, 3, 2), (1, 2, 3, "raw")]),
    Fixture("svd-chunks", "svd-chunks", [(5, 2, 1), (2, 1, 3)]),
    Fixture("kl", "kl", [(2, 3, 5)], storage="F16"),
    Fixture("kl-16", "kl16", [(1, 5, 3)]),
    Fixture("flux2", "flux2", [(2, 2, 3), (1, 3, 1, "raw")]),
    Fixture("taesd", "taesd", [(2, 5, 3)]),
    Fixture("taesd-encoder", "taesd", [(2, 24, 40)], encoder=True, schemes=False),
    Fixture("taew2_1", "taew2_1", [(3, 3, 4), (1, 1, 2)]),
    Fixture("taew2_1-encoder", "taew2_1", [(9, 16, 24), (4, 8, 8)], encoder=True),
    Fixture("taew2_2", "taew2_2", [(2, 3, 2)], storage="F16"),
    Fixture("taew2_2-encoder", "taew2_2", [(6, 32, 16)], encoder=True),
    Fixture("taeltx", "taeltx", [(2, 2, 1)]),
    Fixture("taeltx-encoder", "taeltx", [(9, 32, 64)], encoder=True),
    Fixture("taeltx-wide", "taeltx-wide", [(2, 1, 2)], storage="BF16"),
    Fixture("taew2_2-super", "taew2_2-super", [(2, 3, 2)]),
]


def short(x):
    """The number that JSON and both languages read alike."""
    return float(f"{x:.6g}")


def scale_of(model, name, shape):
    for pattern, scale, shift in model.scales:
        if re.search(pattern, name):
            return scale, shift
    if name.endswith("bias"):
        return 0.1, 0
    if max(shape) == math.prod(shape) and re.search(r"norm|gamma|\.stack\.[03]\.", name):
        return 0.2, 1
    return short(math.sqrt(3 / math.prod(shape[1:]))), 0


class Weights:
    """What a fixture's tensors are drawn with; fills a module."""

    def __init__(self, model, fixture, module, seed):
        keep = ("",) if fixture.encoder else model.keep
        self.seed, self.storage = seed, fixture.storage
        self.rows = {n: [list(t.shape), *scale_of(model, n, list(t.shape) or [1])] for n, t in module.state_dict().items() if n.startswith(keep)}

    def fill(self, module):
        with torch.no_grad():
            for name, to in module.state_dict().items():
                if name not in self.rows:
                    continue
                shape, scale, shift = self.rows[name]
                to.copy_(torch.from_numpy(draw.stored(draw.draw(name, shape or [1], scale, shift, self.seed), self.storage).reshape(shape)))


def calibrate(model, fixture, module, weights, run):
    """Scales the last layer so that frames are spread over [0, 1] and few are clamped."""
    seen = []
    last = model.last_encoder if fixture.encoder else model.last
    layer = dict(module.named_modules())[last]
    hook = layer.register_forward_hook(lambda m, i, o: seen.append((o[0] if isinstance(o, tuple) else o).std().item()))
    run()
    hook.remove()
    name = next(n for n in weights.rows if n.startswith(last) and n.endswith("weight"))
    weights.rows[name][1] = short(weights.rows[name][1] * (1 if fixture.encoder else model.last_spread) / np.mean(seen))
    bias = weights.rows[name[:-6] + "bias"]
    bias[1], bias[2] = short(bias[1] * model.last_spread), 0 if fixture.encoder else model.last_shift
    weights.fill(module)


def run_clip(model, fixture, module, row, seed, index):
    frames, height, width, *space = row
    raw = space == ["raw"]
    name = f"latent{index}"
    if fixture.encoder:
        x = draw.draw(name, [frames, model.pixels, height, width], 0.5, 0.5, seed)
        z = model.encode(module, torch.from_numpy(x).to(torch.float64).transpose(0, 1)[None] * 2 - 1)
        if not raw:
            one, zero = model.raw(module, torch.ones_like(z)), model.raw(module, torch.zeros_like(z))
            z = (z - zero) / (one - zero)
        scale, shift, out = 0.5, 0.5, z[0].transpose(0, 1)
    else:
        scale, shift = 1.7, 0
        x = draw.draw(name, [frames, model.channels, height, width], scale, shift, seed)
        z = torch.from_numpy(x).to(torch.float64).transpose(0, 1)[None]
        y = model.decode(module, z if raw else model.raw(module, z))
        out = (y[0].transpose(0, 1) * 0.5 + 0.5).clamp(0, 1)
    clip = dict(draw=name, scale=scale, shift=shift, shape=list(x.shape), space="raw" if raw else "normalized")
    return clip | (dict(tile=fixture.tile) if fixture.tile else {}), out.numpy()


def thin(values):
    """Every n-th value, n odd and no divisor of an extent, so that all rows, columns and channels are met."""
    n = max(1, math.ceil(values.size / VALUES)) | 1
    while n > 1 and any(math.gcd(n, extent) > 1 for extent in values.shape if extent > 1):
        n += 2
    return n, values.reshape(-1)[::n]


def make(fixture, model, folder):
    start = time.time()
    torch.manual_seed(0)
    module = model.make(model.config | fixture.config).double().eval()
    weights = Weights(model, fixture, module, SEED)
    weights.fill(module)
    if fixture.tile:
        tile, stride = (n * module.spatial_compression_ratio for n in fixture.tile)
        module.enable_tiling(tile, tile, tile_sample_stride_height=stride, tile_sample_stride_width=stride)
    with torch.no_grad():
        calibrate(model, fixture, module, weights, lambda: run_clip(model, fixture, module, fixture.clips[0], SEED, 0))
        results = [run_clip(model, fixture, module, row, SEED, i) for i, row in enumerate(fixture.clips)]
    clips, expected = [], {}
    for i, (clip, values) in enumerate(results):
        every, kept = thin(values)
        unit = short(np.abs(kept).max() / 32700)
        expected[str(i)] = np.round(kept / unit).astype(np.int16)
        clamped = 0 if fixture.encoder else float(np.mean((values == 0) | (values == 1)))
        clips.append(clip | dict(result=list(values.shape), every=every, unit=unit))
        print(f"{fixture.name}/{i}: {values.shape}, every {every}: {kept.size}, spread {values.std():.3f}, clamped {clamped:.3f}")
        if not np.isfinite(values).all() or values.std() < 0.02 or clamped > 0.05:
            raise SystemExit(f"{fixture.name}: not a fixture that could fail")
    head = dict(family=model.family, variant=model.variant, encoder=fixture.encoder, heavy=fixture.heavy, storage=fixture.storage, seed=SEED)
    schemes = model.schemes if fixture.schemes else ()
    rows = []
    for name, (shape, scale, shift) in weights.rows.items():
        row = [name, shape, scale, shift]
        for _, rename in schemes:
            other, other_shape = rename(name, shape)
            row += [other, other_shape] if other_shape != shape else [other]
        rows.append(json.dumps(row, separators=(",", ":")))
    text = json.dumps(head | dict(schemes=["diffusers" if i == 0 else schemes[i - 1][0] for i in range(len(schemes) + 1)]))[:-1]
    if model.config_text and schemes:
        text += ",\n" + '"config": ' + json.dumps(model.config_text)
    text += ",\n" + '"clips": [\n' + ",\n".join(json.dumps(c) for c in clips) + "],\n" + '"tensors": [\n' + ",\n".join(rows) + "]}\n"
    (folder / f"{fixture.name}.json").write_text(text)
    save_file(expected, folder / f"{fixture.name}.safetensors")
    print(f"{fixture.name}: {len(rows)} tensors, {time.time() - start:.1f} s")


def check(fixture, model):
    """Lists the tensors that could have the wrong sign and be overlooked (of the first clip)."""
    module = model.make(model.config | fixture.config).double().eval()
    weights = Weights(model, fixture, module, SEED)
    stored = json.loads((HERE / f"{fixture.name}.json").read_text())
    weights.rows = {name: row for name, *row in (r[:4] for r in stored["tensors"])}
    weights.fill(module)
    state = module.state_dict()
    with torch.no_grad():
        every, want = thin(run_clip(model, fixture, module, fixture.clips[0], SEED, 0)[1])
        for name in weights.rows:
            if fixture.encoder and name.startswith(("decoder", "post_quant")):
                continue
            state[name].neg_()
            got = run_clip(model, fixture, module, fixture.clips[0], SEED, 0)[1].reshape(-1)[::every]
            state[name].neg_()
            error = np.abs(got - want).max() / np.abs(want).max()
            if not error > 2e-3:
                print(f"{fixture.name}: {name} negated: {error:.1e}", flush=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("names", nargs="*")
    parse.add_argument("--check", action="store_true")
    parse.add_argument("--full", metavar="MODEL", choices=sorted(MODELS))
    parse.add_argument("--out", type=pathlib.Path, default=HERE)
    parse.add_argument("--latent", default="3,8,8", help="frames, height, width")
    args = parse.parse_args()
    if args.full:
        model = MODELS[args.full]
        clip = tuple(int(n) for n in args.latent.split(","))
        make(Fixture(args.full + "-true-width", args.full, [clip], model.full, heavy=True), model, args.out)
        return
    for fixture in FIXTURES:
        if args.names and fixture.name not in args.names:
            continue
        if not args.check:
            make(fixture, MODELS[fixture.model], args.out)
        elif not fixture.heavy:
            check(fixture, MODELS[fixture.model])


if __name__ == "__main__":
    main()
