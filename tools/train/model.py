"""The tiny video autoencoder (TAEHV) in PyTorch, with narrow widths; keys as in the full models."""
import torch
from torch import nn
from torch.nn import functional as F

LATENT = 16
WIDTHS = (64, 64, 32, 32)   # decoder, from the latent's size to the frame's
ENCODER = (24, 32, 48)      # encoder, from the frame's size to the latent's
TIME = (1, 2, 2)            # frames that each decoder level makes of one


def conv(a, b, bias=True, stride=1):
    return nn.Conv2d(a, b, 3, stride=stride, padding=1, bias=bias)


class Clamp(nn.Module):
    def forward(self, x, t):
        return 3 * torch.tanh(x / 3), t


class Conv(nn.Conv2d):
    def __init__(self, a, b, bias=True, stride=1):
        super().__init__(a, b, 3, stride=stride, padding=1, bias=bias)

    def forward(self, x, t):
        return super().forward(x), t


class ReLU(nn.Module):
    def forward(self, x, t):
        return F.relu(x), t


class Up(nn.Module):
    def forward(self, x, t):
        return F.interpolate(x, scale_factor=2, mode="nearest"), t


class Mem(nn.Module):
    """Residual block that sees its own input of the frame before; zeros before the first."""

    def __init__(self, c):
        super().__init__()
        self.conv = nn.Sequential(conv(2 * c, c), nn.ReLU(), conv(c, c), nn.ReLU(), conv(c, c))

    def forward(self, x, t):
        n, c, h, w = x.shape
        clips = x.view(n // t, t, c, h, w)
        past = F.pad(clips[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0)).reshape(n, c, h, w)
        return F.relu(self.conv(torch.cat([x, past], 1)) + x), t


class Grow(nn.Module):
    """One frame becomes s: channel group i is frame i."""

    def __init__(self, c, s):
        super().__init__()
        self.s = s
        self.conv = nn.Conv2d(c, c * s, 1, bias=False)

    def forward(self, x, t):
        y = self.conv(x)
        return y.reshape(y.shape[0] * self.s, -1, *y.shape[2:]), t * self.s


class Pool(nn.Module):
    """s frames become one."""

    def __init__(self, c, s):
        super().__init__()
        self.s = s
        self.conv = nn.Conv2d(c * s, c, 1, bias=False)

    def forward(self, x, t):
        return self.conv(x.reshape(x.shape[0] // self.s, -1, *x.shape[2:])), t // self.s


class Chain(nn.Sequential):
    """Layers over clips [N,T,C,H,W]."""

    def forward(self, clips):
        n, t = clips.shape[:2]
        x = clips.reshape(n * t, *clips.shape[2:])
        for layer in self:
            x, t = layer(x, t)
        return x.reshape(n, t, *x.shape[1:])


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        a, b, c = ENCODER
        self.encoder = Chain(Conv(3, a), ReLU(), Pool(a, 2), Conv(a, b, False, 2), Mem(b), Mem(b), Mem(b),
                             Pool(b, 2), Conv(b, c, False, 2), Mem(c), Mem(c), Mem(c),
                             Pool(c, 1), Conv(c, c, False, 2), Mem(c), Mem(c), Mem(c), Conv(c, LATENT))
        a, b, c, d = WIDTHS
        self.decoder = Chain(Clamp(), Conv(LATENT, a), ReLU(), Mem(a), Mem(a), Mem(a), Up(), Grow(a, TIME[0]), Conv(a, b, False),
                             Mem(b), Mem(b), Mem(b), Up(), Grow(b, TIME[1]), Conv(b, c, False),
                             Mem(c), Mem(c), Mem(c), Up(), Grow(c, TIME[2]), Conv(c, d, False), ReLU(), Conv(d, 3))

        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu" if layer.kernel_size == (3, 3) else "linear")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for layer in self.modules():
            if isinstance(layer, Mem):  # close to the identity at first
                layer.conv[4].weight.data.mul_(0.1)
        self.pass_colour()

    def pass_colour(self):
        """Starts three channels of every layer as the local mean colour, so that training starts from a blurred
        picture and not from grey: the deep plain ReLU stack finds that slowly by itself."""
        with torch.no_grad():
            for layer in [*self.encoder, *self.decoder]:
                if isinstance(layer, (Conv, Grow, Pool)):
                    conv = layer if isinstance(layer, Conv) else layer.conv
                    groups_in, groups_out = getattr(layer, "s", 1) if isinstance(layer, Pool) else 1, getattr(layer, "s", 1) if isinstance(layer, Grow) else 1
                    n_in, n_out = conv.in_channels // groups_in, conv.out_channels // groups_out
                    for c in range(3):
                        for o in range(groups_out):
                            conv.weight[o * n_out + c] = 0
                            for i in range(groups_in):
                                tap = conv.weight[o * n_out + c, i * n_in + c]
                                if conv.stride[0] == 2:
                                    tap[1:, 1:] = 0.25 / groups_in
                                else:
                                    tap[tap.shape[0] // 2, tap.shape[1] // 2] = 1.0 / groups_in

    def encode(self, frames):
        """[N,4(T-1)+1,3,H,W] in [0,1] to [N,T,16,H/8,W/8]: the first frame is shown four times."""
        return self.encoder(torch.cat([frames[:, :1].expand(-1, 3, -1, -1, -1), frames], 1))

    def decode(self, latents, clamp=True):
        """[N,T,16,h,w] to [N,4(T-1)+1,3,8h,8w]: the first three frames have no past and are dropped."""
        frames = self.decoder(latents)[:, 3:]
        return frames.clamp(0, 1) if clamp else frames
