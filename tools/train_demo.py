#!/usr/bin/env python3
"""Trains the small autoencoder of the demo and writes tests/data/demo. Needs PyTorch, numpy, Pillow.

  python3 tools/train_demo.py --steps 3000 --out tests/data/demo      (resumes from --checkpoint)
"""
import argparse
import math
import os
import sys
import time

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "train"))
import clips
import tensors
from model import Autoencoder

HELD_OUT = dict(seed=9_000_018, height=128, width=192, frames=33, shapes=5, word="Tessera")


def render_set(count, size, frames, seed):
    return np.stack([clips.render(seed + i, size, size, frames) for i in range(count)])


def batch(data, r, n, size, frames):
    out = np.empty((n, frames, 3, size, size), np.uint8)
    for i in range(n):
        clip = data[r.integers(len(data))]
        t, y, x = (int(r.integers(0, clip.shape[k] - m + 1)) for k, m in ((0, frames), (2, size), (3, size)))
        crop = clip[t:t + frames, :, y:y + size, x:x + size]
        out[i] = crop[..., ::-1] if r.random() < 0.5 else crop
    return torch.from_numpy(out).float() / 255


def psnr(a, b):
    return -10 * math.log10(float(((a - b) ** 2).mean()))


def half(model):
    """A copy of the weights as they will be stored."""
    return {k: v.detach().half() for k, v in model.state_dict().items()}


def held_out():
    return torch.from_numpy(clips.render(**HELD_OUT)).float()[None] / 255


def write(model, out, step):
    stored = half(model)
    final = Autoencoder()
    final.load_state_dict({k: v.float() for k, v in stored.items()})
    final.eval()
    with torch.no_grad():
        frames = held_out()
        latent = final.encode(frames)
        decoded = final.decode(latent)
    quality = psnr(decoded, frames)
    os.makedirs(out, exist_ok=True)
    index = np.array(list(range(9)) + list(range(29, 33)), np.int32)
    tensors.save(os.path.join(out, "weights.safetensors"), {k: v.numpy() for k, v in stored.items()})
    tensors.save(os.path.join(out, "latent.safetensors"), {"latent": latent.permute(0, 2, 1, 3, 4).contiguous().numpy()})
    tensors.save(os.path.join(out, "clip.safetensors"), {"frames": (frames[0] * 255).round().byte().numpy()})
    tensors.save(os.path.join(out, "reference.safetensors"), {"index": index, "frames": decoded[0, index.tolist()].contiguous().numpy()})
    with open(os.path.join(out, "README.md"), "w") as f:
        f.write("# The demo: a small video autoencoder and a clip it never saw\n\n"
                "Made by `tools/train_demo.py` (PyTorch on a CPU) from clips that the script renders itself.\n\n"
                f"- weights.safetensors: encoder and decoder, fp16, {sum(v.numel() for v in stored.values())} parameters, {step} steps\n"
                "- latent.safetensors: `latent` [1,16,9,16,24], of the held-out clip\n"
                "- clip.safetensors: `frames` u8 [33,3,128,192], the clip itself\n"
                "- reference.safetensors: what PyTorch decodes in fp32: `frames`, and `index`, which frames these are\n\n"
                f"Clip seed {HELD_OUT['seed']}; decoded frames against the clip: {quality:.2f} dB PSNR.\n")
    return quality


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=3000)
    p.add_argument("--out", default="tests/data/demo")
    p.add_argument("--checkpoint", default="train_demo.pt")
    p.add_argument("--device", default="cpu")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--minutes", type=float, default=0, help="stop after so long; the rate falls with time then")
    p.add_argument("--save-every", type=int, default=200)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    r = np.random.default_rng(a.seed)
    model, average = Autoencoder().to(a.device), Autoencoder().to(a.device)
    average.load_state_dict(model.state_dict())
    opt = torch.optim.AdamW(model.parameters(), lr=a.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    step = 0
    if os.path.exists(a.checkpoint):
        state = torch.load(a.checkpoint, map_location=a.device)
        model.load_state_dict(state["model"]), average.load_state_dict(state["average"]), opt.load_state_dict(state["opt"])
        step = state["step"]
    start = time.time()
    data = render_set(300, 96, 12, a.seed * 100_000)
    print(f"rendered {len(data)} clips in {time.time() - start:.0f} s", flush=True)
    start, first = time.time(), step
    done = 0.0
    while done < 1:
        done = (time.time() - start) / 60 / a.minutes if a.minutes else (step + 1 - first) / max(1, a.steps - first)
        rate = a.rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * min(done, 1))) + 1e-5
        for group in opt.param_groups:
            group["lr"] = rate
        frames = batch(data, r, a.batch, 64, 5 if step % 3 else 9).to(a.device)
        latent = model.encode(frames)
        decoded = model.decode(latent + 0.01 * torch.randn_like(latent), clamp=False)
        loss = ((decoded - frames) ** 2).mean() * 4 + (decoded - frames).abs().mean() + 1e-3 * torch.relu(latent.abs() - 3).mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        keep = min(0.995, step / (step + 20))
        with torch.no_grad():
            for m, n in zip(average.parameters(), model.parameters()):
                m.lerp_(n, 1 - keep)
        step += 1
        if step % 20 == 0:
            print(f"step {step}  loss {loss.item():.4f}  psnr {psnr(decoded.detach().clamp(0, 1), frames):.2f}  {time.time() - start:.0f} s", flush=True)
        if step % a.save_every == 0 or done >= 1:
            torch.save(dict(model=model.state_dict(), average=average.state_dict(), opt=opt.state_dict(), step=step), a.checkpoint)
            print(f"step {step}  held-out {write(average.cpu(), a.out, step):.2f} dB", flush=True)
            average.to(a.device)



if __name__ == "__main__":
    main()
