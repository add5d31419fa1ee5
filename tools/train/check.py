#!/usr/bin/env python3
"""Checks a demo folder: PSNR against the clip, the stored reference, and frame-by-frame decoding."""
import math
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tensors
from model import Autoencoder

folder = sys.argv[1] if len(sys.argv) > 1 else "tests/data/demo"
read = lambda name: {k: torch.from_numpy(np.array(v)) for k, v in tensors.load(os.path.join(folder, name)).items()}
model = Autoencoder()
model.load_state_dict({k: v.float() for k, v in read("weights.safetensors").items()})
with torch.no_grad():
    decoded = model.decode(read("latent.safetensors")["latent"].permute(0, 2, 1, 3, 4))[0]
clip = read("clip.safetensors")["frames"].float() / 255
reference = read("reference.safetensors")
quality = -10 * math.log10(float(((decoded - clip) ** 2).mean()))
error = float((decoded[reference["index"].long()] - reference["frames"]).abs().max())
print(f"PSNR {quality:.2f} dB (27 wanted), reference differs by {error:.1e} (1e-4 wanted)")
sys.exit(0 if quality >= 27 and error < 1e-4 else 1)
