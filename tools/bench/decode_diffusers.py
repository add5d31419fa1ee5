#!/usr/bin/env python3
"""Times diffusers' Wan 2.1 decoder on PyTorch's CPU, in fp32, for decode.py: decode_diffusers.py THREADS WEIGHTS LATENT T,H,W FRAMES

WEIGHTS: safetensors with the original names. LATENT: fp32 [16,T,H,W], normalized. FRAMES: written, fp32 [3,4T-3,8H,8W] in [0,1].
First it says what it is; then for each line on standard input it decodes once and says the seconds.
"""
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "golden"))
import torch
import old_torch  # noqa: F401 (before diffusers)
import diffusers
from safetensors.torch import load_file

import names


def load(path):
    """The decoder with these weights; the encoder, which the file lacks, is not run."""
    module = diffusers.AutoencoderKLWan(base_dim=96).eval()
    stored = load_file(path)
    state = {n: stored[names.wan(n, None)[0]] for n in module.state_dict() if n.startswith(("decoder.", "post_quant_conv."))}
    if len(state) != len(stored):
        raise SystemExit(f"{path} has {len(stored)} tensors; diffusers' decoder has {len(state)}")
    module.load_state_dict(state, strict=False)
    return module


def main():
    threads, weights, latent, shape, frames = sys.argv[1:]
    torch.set_num_threads(int(threads))
    module = load(weights)
    z = torch.from_numpy(np.fromfile(latent, np.float32).reshape(1, 16, *(int(n) for n in shape.split(","))))
    mean, std = (torch.tensor(v).reshape(1, -1, 1, 1, 1) for v in (module.config.latents_mean, module.config.latents_std))
    print(f"diffusers {diffusers.__version__}, PyTorch {torch.__version__}, F32, {torch.get_num_threads()} threads", flush=True)
    for i, _ in enumerate(sys.stdin):
        start = time.perf_counter()
        with torch.inference_mode():
            y = module.decode(z * std + mean, return_dict=False)[0]
            y = (y[0] * 0.5 + 0.5).clamp(0, 1)
        seconds = time.perf_counter() - start
        if i == 0:
            y.numpy().tofile(frames)
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
