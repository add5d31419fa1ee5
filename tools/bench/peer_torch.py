#!/usr/bin/env python3
"""PyTorch's attention as a peer of tessera bench: reads orders on standard input, answers lines.

tessera-peer-torch sdpa|flex|flash|cudnn|flex-gpu INDEX, with the problem's file (tools/tessera/bench_problem.h) as
descriptor 3; the same orders and answers as peer_ggml.c. sdpa: scaled_dot_product_attention on the CPU, whatever kernel
PyTorch takes; flash, cudnn: the same on a CUDA device with that kernel alone; flex, flex-gpu: FlexAttention, compiled.
A problem may end with "window" and, for three axes each, grid, window, stride, dilation and causality: NATTEN's
neighbourhood on a grid of tokens, which FlexAttention alone can do.
TESSERA_BENCH_PYTHON names the Python to run this with, where it is not python3."""
import mmap
import os
import sys
import time

PROBLEM_FD = 3
GPU_KINDS = {"flash": "FLASH_ATTENTION", "cudnn": "CUDNN_ATTENTION", "flex-gpu": None}


def axis_sees(q, kv, extent, size, stride, dilation, causal):
    """Does place q of an axis see place kv? (Hassani et al., Generalized Neighborhood Attention, 2025.)"""
    residue = q % dilation
    place = q // dilation
    length = extent // dilation + (residue < extent % dilation)
    leader = (place // stride * stride + (stride - 1 if causal else stride // 2)).clamp(max=length - 1)
    start = leader - (size - 1 if causal else size // 2)
    if not causal:
        start = start.minimum(length - size)
    start = start.clamp(min=0)
    end = place + 1 if causal else start + size
    return (kv % dilation == residue) & (kv // dilation >= start) & (kv // dilation < end)


def window_mask(numbers):
    grid, size, stride, dilation, causal = (numbers[i:i + 3] for i in range(0, 15, 3))

    def place(token):
        return token // (grid[1] * grid[2]), token // grid[2] % grid[1], token % grid[2]

    def mask(b, h, q, kv):
        seen = None
        for axis, (x, y) in enumerate(zip(place(q), place(kv))):
            if grid[axis] == 1:
                continue
            one = axis_sees(x, y, grid[axis], size[axis], stride[axis], dilation[axis], causal[axis])
            seen = one if seen is None else seen & one
        return seen

    return mask


class Peer:
    def __init__(self, kind, index):
        import torch
        self.torch, self.kind = torch, kind
        if kind in GPU_KINDS:
            if not torch.cuda.is_available():
                raise RuntimeError("PyTorch finds no CUDA device here")
            self.device = torch.device("cuda", index if index < torch.cuda.device_count() else 0)
            name = torch.cuda.get_device_name(self.device)
        else:
            threads = len(os.sched_getaffinity(0))
            torch.set_num_threads(threads)
            self.device = torch.device("cpu")
            name = f"CPU, {threads} threads"
        self.greeting = f"{torch.__version__}\t{name}"
        self.step = None

    def load(self, shape, dtype):
        torch = self.torch
        batch, heads, queries, keys, dim = shape
        small, large = batch * heads * queries * dim, batch * heads * keys * dim
        self.file = mmap.mmap(PROBLEM_FD, (2 * small + 2 * large) * 4)
        values = torch.frombuffer(self.file, dtype=torch.float32, count=2 * small + 2 * large)
        parts = values.split([small, large, large, small])
        lengths = (queries, keys, keys)
        self.into = parts[3]
        return [part.view(batch, heads, n, dim).clone().to(self.device, dtype) for part, n in zip(parts, lengths)]

    def prepare(self, shape, name, causal, window):
        torch = self.torch
        dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[name]
        queries, keys = shape[2], shape[3]
        q, k, v = self.load(shape, dtype)
        if self.kind.startswith("flex"):
            from torch.nn.attention.flex_attention import create_block_mask, flex_attention
            mask = window_mask(window) if window else (lambda b, h, i, j: j <= i + (keys - queries)) if causal else None
            blocks = create_block_mask(mask, None, None, queries, keys, device=self.device) if mask else None
            compiled = torch.compile(flex_attention, dynamic=False)
            self.step = lambda: compiled(q, k, v, block_mask=blocks)
        elif window:
            raise RuntimeError("scaled_dot_product_attention has no windows")
        else:
            mask = None
            if causal and queries != keys:
                mask = torch.ones(queries, keys, dtype=torch.bool, device=self.device).tril(keys - queries)
            sdpa = torch.nn.functional.scaled_dot_product_attention
            plain = lambda: sdpa(q, k, v, attn_mask=mask, is_causal=causal and mask is None)
            if GPU_KINDS.get(self.kind):
                from torch.nn.attention import SDPBackend, sdpa_kernel
                backend = getattr(SDPBackend, GPU_KINDS[self.kind])

                def pinned():
                    with sdpa_kernel(backend):
                        return plain()
                self.step = pinned
            else:
                self.step = plain
        return name

    def wait(self):
        if self.device.type == "cuda":
            self.torch.cuda.synchronize(self.device)

    def run(self):
        with self.torch.no_grad():
            self.wait()
            start = time.perf_counter()
            self.out = self.step()
            self.wait()
            return time.perf_counter() - start

    def output(self):
        self.into.copy_(self.out.float().cpu().flatten())


def answer(peer, line):
    words = line.split()
    if words[:1] == ["problem"] and len(words) in (8, 24):
        window = [int(w) for w in words[9:]] if len(words) == 24 else None
        start = time.perf_counter()
        name = peer.prepare([int(w) for w in words[1:6]], words[6], words[7] != "0", window)
        return f"ok {name} {time.perf_counter() - start:.9f}"
    if words == ["run"] and peer.step:
        return f"ok {peer.run():.9f}"
    if words == ["output"] and peer.step:
        peer.output()
        return "ok"
    return "error the order is not understood"


def one_line(error):
    return " ".join(str(error).split())[:180] or type(error).__name__


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("sdpa", "flex", *GPU_KINDS):
        sys.exit("usage: tessera-peer-torch sdpa|flex|flash|cudnn|flex-gpu INDEX; it is started by tessera bench attention --peer")
    # What libraries print goes to standard error, apart from the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        peer = Peer(sys.argv[1], int(sys.argv[2]))
    except Exception as error:  # a missing module, or whatever its import meets
        print("error", one_line(error), file=answers)
        sys.exit(1)
    print("ok", peer.greeting, file=answers)
    for line in sys.stdin:
        try:
            print(answer(peer, line), file=answers)
        except Exception as error:
            peer.step = None
            print("error", one_line(error), file=answers)


if __name__ == "__main__":
    main()
