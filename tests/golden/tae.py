"""TAEHV, its wide and its super form, stated anew from the layers that decoders.md lists; tensor names are the original's."""
import torch
from torch import nn
from torch.nn import functional as F


def put(root, name, module):
    """Makes root.a.b.c be module."""
    *way, last = name.split(".")
    for part in way:
        if part not in root._modules:
            root.add_module(part, nn.Module())
        root = root._modules[part]
    root.add_module(last, module)


def before(x):
    """Each frame's channels, then those of the frame before it; zeros before the first."""
    return torch.cat([x, torch.cat([torch.zeros_like(x[:1]), x[:-1]])], 1)


class Tae(nn.Module):
    """widths: of the decoder's three levels and its last layer; grow, shrink: frames made of one by each level, frames joined to one."""

    def __init__(self, z, widths, grow, patch, form="plain", narrow=8, shrink=(2, 2, 1), slope=0.0):
        super().__init__()
        self.form, self.grow, self.shrink, self.patch, self.slope = form, grow, shrink, patch, slope
        self.parts = {}
        pixels = 3 * patch * patch
        if form == "super":
            self.add("decoder.0", z, widths[0], 1, False)
            for level, n in enumerate((1, 8, 15)):
                c, after = widths[level : level + 2]
                for b in range(n, n + 3):
                    self.add(f"decoder.{b}.conv.0", 2 * c, 2 * c, 7, False, groups=2 * c)
                    self.add(f"decoder.{b}.conv.1", 2 * c, 4 * c, 1)
                    self.add(f"decoder.{b}.conv.3", 4 * c, c, 1, False)
                self.add(f"decoder.{n + 3}", c, 4 * after, 3)
                self.add(f"decoder.{n + 6}.conv", after, after * grow[level], 1, False)
        else:
            self.add("decoder.1", z, widths[0], 3)
            for level, n in enumerate((3, 9, 15)):
                c, after = widths[level : level + 2]
                self.add_blocks("decoder", n, c)
                self.add(f"decoder.{n + 4}.conv", c, c * grow[level], 1, False)
                self.add(f"decoder.{n + 5}", c, after, 3, False)
        self.add("decoder.22", widths[3], pixels, 3)
        self.add("encoder.0", pixels, narrow, 3)
        for level, n in enumerate((2, 7, 12)):
            self.add(f"encoder.{n}.conv", narrow * shrink[level], narrow, 1, False)
            self.add(f"encoder.{n + 1}", narrow, narrow, 3, False, stride=2)
            self.add_blocks("encoder", n + 2, narrow)
        self.add("encoder.17", narrow, z, 3)

    def add(self, name, cin, cout, taps, bias=True, stride=1, groups=1):
        conv = nn.Conv2d(cin, cout, taps, stride, taps // 2, groups=groups, bias=bias)
        put(self, name, conv)
        self.parts[name] = conv

    def add_blocks(self, part, first, c):
        for n in range(first, first + 3):
            if part == "decoder" and self.form == "wide":
                for i, (cin, taps, groups) in enumerate([(2 * c, 1, 1), (c, 3, max(1, c // 4)), (c, 1, 1), (c, 3, max(1, c // 4))]):
                    self.add(f"{part}.{n}.conv.{2 * i}", cin, c, taps, groups=groups)
            else:
                for i in range(3):
                    self.add(f"{part}.{n}.conv.{2 * i}", 2 * c if i == 0 else c, c, 3)

    def act(self, x):
        return torch.where(x > 0, x, self.slope * x)

    def blocks(self, part, first, x):
        for n in range(first, first + 3):
            layers = [self.parts[name] for name in self.parts if name.startswith(f"{part}.{n}.conv.")]
            y = before(x)
            for i, layer in enumerate(layers):
                y = layer(y if i == 0 else self.act(y))
            x = self.act(y + x)
        return x

    def split(self, name, x, s):
        """Group i of the channels that the layer makes of a frame is frame i of s."""
        y = self.parts[name](x)
        return y.reshape(len(x), s, -1, *y.shape[2:]).flatten(0, 1)

    def decode(self, x):
        if self.form == "super":
            x = self.parts["decoder.0"](x)
            for level, n in enumerate((1, 8, 15)):
                for b in range(n, n + 3):
                    wide, mix, back = (self.parts[f"decoder.{b}.conv.{i}"] for i in (0, 1, 3))
                    x = back(self.act(mix(wide(before(x))))) + x
                x = F.pixel_shuffle(self.act(self.parts[f"decoder.{n + 3}"](x)), 2)
                x = self.split(f"decoder.{n + 6}.conv", x, self.grow[level])
        else:
            x = self.act(self.parts["decoder.1"](3 * torch.tanh(x / 3)))
            for level, n in enumerate((3, 9, 15)):
                x = self.blocks("decoder", n, x).repeat_interleave(2, 2).repeat_interleave(2, 3)
                x = self.parts[f"decoder.{n + 5}"](self.split(f"decoder.{n + 4}.conv", x, self.grow[level]))
            x = self.act(x)
        x = F.pixel_shuffle(self.parts["decoder.22"](x), self.patch)
        return x[self.grow[0] * self.grow[1] * self.grow[2] - 1 :]

    def encode(self, x):
        whole = self.shrink[0] * self.shrink[1] * self.shrink[2]
        x = F.pixel_unshuffle(torch.cat([x, x[-1:].repeat(-len(x) % whole, 1, 1, 1)]), self.patch)
        x = self.act(self.parts["encoder.0"](x))
        for level, n in enumerate((2, 7, 12)):
            s = self.shrink[level]
            x = self.parts[f"encoder.{n}.conv"](x.reshape(len(x) // s, -1, *x.shape[2:]))
            x = self.blocks("encoder", n + 2, self.parts[f"encoder.{n + 1}"](x))
        return self.parts["encoder.17"](x)


def decode(m, z):
    """[1,C,T,h,w] to [1,3,T,H,W] in [-1,1]."""
    return (m.decode(z[0].transpose(0, 1)).clamp(0, 1) * 2 - 1).transpose(0, 1)[None]


def encode(m, x):
    return m.encode(x[0].transpose(0, 1) * 0.5 + 0.5).transpose(0, 1)[None]
