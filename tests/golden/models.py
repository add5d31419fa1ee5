"""The models that fixtures are made of: how diffusers builds each, narrow and at its true width, and how its pipelines call it."""
import dataclasses
import itertools
import math
import typing

import torch

import draw
import names
import tae


@dataclasses.dataclass
class Model:
    family: str  # as tsr_decoder_info.family
    make: typing.Callable  # (config) -> module with a diffusers-like state dict
    config: dict  # narrow
    full: dict  # true width: what differs
    channels: int  # of the latent
    raw: typing.Callable  # (module, normalised latent [1,C,T,h,w]) -> raw one
    decode: typing.Callable  # (module, raw latent) -> [1,3,T,H,W] in [-1, 1]
    last: str  # the layer whose results are the frames
    keep: tuple = ("decoder.",)  # tensors that the decoder's file has
    schemes: tuple = ()  # of original names: (name, function)
    variant: str = None
    config_text: dict = None  # "config" of the original file's metadata
    scales: tuple = ()  # (pattern, scale, shift): what differs from the formula
    encode: typing.Callable = None  # (module, frames in [-1, 1]) -> raw latent
    time: int = 1  # frames of each latent after the first
    pixels: int = 3  # channels of frames
    last_encoder: str = "encoder.conv_out"
    last_spread: float = 0.35  # wanted standard deviation of what the last layer makes
    last_shift: float = 0.0


def diffusers(name):
    import old_torch  # noqa: F401
    import diffusers as library

    return lambda config: getattr(library, name)(**config)


def mean_std(m, z):
    shape = (1, -1, 1, 1, 1)
    mean, std = (torch.tensor(v, dtype=z.dtype).reshape(shape) for v in (m.config.latents_mean, m.config.latents_std))
    return z * std + mean


def stored_mean_std(m, z):
    return z * m.latents_std.to(z).reshape(1, -1, 1, 1, 1) + m.latents_mean.to(z).reshape(1, -1, 1, 1, 1)


def scaled(m, z):
    return z / m.config.scaling_factor + (getattr(m.config, "shift_factor", None) or 0)


def plain(m, z):
    return m.decode(z, return_dict=False)[0]


def whole(m, z):
    m.use_framewise_decoding = False
    return plain(m, z)


def each(m, z):
    """Images: frame by frame."""
    return torch.stack([plain(m, z[:, :, t]) for t in range(z.shape[2])], 2)


def each_clip(m, z):
    """Images that are clips of one frame."""
    return torch.cat([plain(m, z[:, :, t : t + 1]) for t in range(z.shape[2])], 2)


def means(m, x):
    return m.encode(x).latent_dist.mode()


def each_means(m, x):
    return torch.cat([means(m, x[:, :, t : t + 1]) for t in range(x.shape[2])], 2)


def chunk(m, z):
    """SVD: frames are the batch."""
    return m.decode(z[0].transpose(0, 1), num_frames=z.shape[2], return_dict=False)[0].transpose(0, 1)[None]


def chunks(n):
    return lambda m, z: torch.cat([chunk(m, part) for part in z.split(n, 2)], 2)


def batch_mean_std(m, z):
    """FLUX.2: of patches."""
    std = torch.sqrt(m.bn.running_var + m.config.batch_norm_eps)
    return z * std.reshape(1, -1, 1, 1, 1) + m.bn.running_mean.reshape(1, -1, 1, 1, 1)


def unpatched(m, z):
    """FLUX.2: channels of a patch count 2x2 latents innermost."""
    b, c, t, h, w = z.shape
    z = z.reshape(b, c // 4, 2, 2, t, h, w).permute(0, 1, 4, 5, 2, 6, 3)
    return each(m, z.reshape(b, c // 4, t, 2 * h, 2 * w))


def conditioned(m, z):
    return m.decode(z, torch.tensor([0.05], dtype=z.dtype), return_dict=False)[0]


def noisy_mean_std(m, z):
    """Noise of the decoder's seed 0 on each latent, as Lightricks' pipeline adds it: before the statistics."""
    n = [torch.from_numpy(draw.normal(t << 20, z[0, :, t].numel())).reshape(z[0, :, t].shape) for t in range(z.shape[2])]
    return stored_mean_std(m, 0.975 * z + 0.025 * torch.stack(n, 1)[None])


def noisy(m, z):
    """The same within layers: the n-th of them that has noise draws it from seed n."""
    seeds, randn = itertools.count(1), torch.randn
    torch.randn = lambda shape, **_: torch.from_numpy(draw.normal(next(seeds), math.prod(shape))).reshape(shape)
    try:
        return conditioned(m, z)
    finally:
        torch.randn = randn


WAN = dict(base_dim=8)
WAN22 = dict(
    base_dim=8, decoder_base_dim=16, z_dim=48, is_residual=True, in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16,
    latents_mean=[
        -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542, 0.2813, 0.0891, 0.1570, -0.0098, 0.0375, -0.1825,
        -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502, -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230,
        -0.0313, -0.1649, 0.0117, 0.0723, -0.2839, -0.2083, -0.0520, 0.3748, 0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667,
    ],
    latents_std=[
        0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901, 0.6885, 0.6165, 0.8454, 0.4978,
        0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659, 0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093,
        0.5709, 0.6065, 0.6415, 0.4944, 0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
    ],
)  # fmt: skip
LTX = dict(block_out_channels=(8, 16, 16, 16), decoder_causal=False, spatial_compression_ratio=32, temporal_compression_ratio=8)
LTX090 = LTX | dict(decoder_block_out_channels=(8, 16, 32, 32))
LTX091 = LTX | dict(
    decoder_block_out_channels=(16, 32, 64), decoder_layers_per_block=(5, 6, 7, 8), decoder_spatio_temporal_scaling=(True,) * 3,
    decoder_inject_noise=(True, True, True, False), upsample_residual=(True,) * 3, upsample_factor=(2, 2, 2), timestep_conditioning=True,
)  # fmt: skip
LTX095 = LTX091 | dict(decoder_layers_per_block=(5, 5, 5, 5), decoder_inject_noise=(False,) * 4)
LTX20 = LTX | dict(decoder_block_out_channels=(16, 32, 64), decoder_spatial_padding_mode="reflect")
LTX23 = LTX | dict(
    decoder_block_out_channels=(16, 32, 32, 64), decoder_layers_per_block=(4, 6, 4, 2, 2), decoder_spatio_temporal_scaling=(True,) * 4,
    decoder_inject_noise=(False,) * 5, upsample_type=("spatiotemporal", "spatiotemporal", "temporal", "spatial"),
    upsample_residual=(False,) * 4, upsample_factor=(2, 2, 1, 2), decoder_spatial_padding_mode="zeros",
)  # fmt: skip
IMAGE = dict(
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(64, 64, 96, 96), layers_per_block=2,
)  # fmt: skip
SIXTEEN = IMAGE | dict(latent_channels=16, use_quant_conv=False, use_post_quant_conv=False)
SVD = dict(down_block_types=("DownEncoderBlock2D",) * 4, block_out_channels=(32, 32, 64, 64), layers_per_block=2)
TRUE_IMAGE = dict(block_out_channels=(128, 256, 512, 512))
STATISTICS = ((r"^latents_mean$", 0.5, 0), (r"^latents_std$", 0.3, 1))
# Noise is not compared: the decoder is told to have none, and in diffusers it has no weight.
CONDITIONED = STATISTICS + ((r"timestep_scale_multiplier$", 0, 1000), (r"per_channel_scale", 0.3, 0), (r"scale_shift_table$", 0.2, 0))


def blocks(*rows):
    return [[name, dict(zip(words[::2], words[1::2]))] for name, *words in rows]


def ltx_text(decoder_blocks, **more):
    return {"vae": {"_class_name": "CausalVideoAutoencoder", "latent_channels": 128, "decoder_blocks": decoder_blocks, "causal_decoder": False} | more}


RES = ("res_x", "num_layers")
TEXT090 = ltx_text(
    blocks((*RES, 4), ("compress_all",), ("res_x_y", "multiplier", 2), (*RES, 3), ("compress_all",), ("res_x_y", "multiplier", 2), (*RES, 3),
           ("compress_all",), (*RES, 3), (*RES, 4)), timestep_conditioning=False)  # fmt: skip
UP = ("compress_all", "residual", True, "multiplier", 2)
TEXT091 = ltx_text(
    blocks((*RES, 5, "inject_noise", True), UP, (*RES, 6, "inject_noise", True), UP, (*RES, 7, "inject_noise", True), UP,
           (*RES, 8, "inject_noise", False)), timestep_conditioning=True)  # fmt: skip
FIVE = (*RES, 5, "inject_noise", False)
TEXT095 = ltx_text(blocks(FIVE, UP, FIVE, UP, FIVE, UP, FIVE), timestep_conditioning=True, spatial_padding_mode="zeros")
TEXT20 = ltx_text(blocks(FIVE, UP, FIVE, UP, FIVE, UP, FIVE), timestep_conditioning=False, spatial_padding_mode="reflect")
TEXT23 = ltx_text(
    blocks((*RES, 4), ("compress_space", "multiplier", 2), (*RES, 6), ("compress_time", "multiplier", 2), (*RES, 4),
           ("compress_all", "multiplier", 1), (*RES, 2), ("compress_all", "multiplier", 2), (*RES, 2)),
    timestep_conditioning=False, spatial_padding_mode="zeros")  # fmt: skip

WAN_KEEP = ("decoder.", "post_quant_conv.")
LTX_KEEP = ("decoder.", "latents_")


def ltx_model(kind, config, full, text, decode, original, scales, variant=None, raw=stored_mean_std):
    return Model(
        "ltx", diffusers(kind), config, full, 128, raw, decode, "decoder.conv_out", LTX_KEEP, (("original", original),),
        config_text=text, scales=scales, time=8, variant=variant,
    )  # fmt: skip


def tiny(family, z, widths, grow, patch, **more):
    full = dict(widths=(512, 256, 128, 64) if more.get("form") == "super" else (256, 128, 64, 64), narrow=64)
    return Model(
        family, lambda config: tae.Tae(**config), dict(z=z, widths=widths, grow=grow, patch=patch) | more, full, z, lambda m, z: z, tae.decode,
        "decoder.22", schemes=(), last_spread=0.17, last_shift=0.5, encode=tae.encode, last_encoder="encoder.17",
        time=grow[0] * grow[1] * grow[2],
    )  # fmt: skip


MODELS = {
    "wan21": Model(
        "wan2.1", diffusers("AutoencoderKLWan"), WAN, dict(base_dim=96), 16, mean_std, plain, "decoder.conv_out", WAN_KEEP,
        (("original", names.wan),), time=4, encode=means,
    ),
    "qwen": Model(
        "wan2.1", diffusers("AutoencoderKLQwenImage"), WAN, dict(base_dim=96), 16, mean_std, plain, "decoder.conv_out", WAN_KEEP, time=4,
    ),
    "wan22": Model(
        "wan2.2", diffusers("AutoencoderKLWan"), WAN22, dict(base_dim=160, decoder_base_dim=256), 48, mean_std, plain, "decoder.conv_out",
        WAN_KEEP, (("original", names.wan22),), time=4, encode=means,
    ),
    "qwen21": Model(
        "qwen-image-2.1", diffusers("AutoencoderKLQwenImage21"), dict(base_dim=4, decoder_base_dim=6), dict(base_dim=96, decoder_base_dim=144),
        64, mean_std, each_clip, "decoder.conv_out", WAN_KEEP, (("original", names.wan22),), encode=each_means, pixels=4,
    ),
    "ltx090": ltx_model(
        "AutoencoderKLLTXVideo", LTX090, dict(decoder_block_out_channels=(128, 256, 512, 512)), TEXT090, plain, names.ltx_first, STATISTICS,
    ),
    "ltx091": ltx_model(
        "AutoencoderKLLTXVideo", LTX091, dict(decoder_block_out_channels=(256, 512, 1024)), TEXT091, noisy, names.ltx, CONDITIONED,
        raw=noisy_mean_std,
    ),
    "ltx095": ltx_model(
        "AutoencoderKLLTXVideo", LTX095, dict(decoder_block_out_channels=(256, 512, 1024)), TEXT095, conditioned, names.ltx, CONDITIONED, "noiseless",
    ),
    "ltx20": ltx_model(
        "AutoencoderKLLTX2Video", LTX20, dict(decoder_block_out_channels=(256, 512, 1024)), TEXT20, plain, names.ltx, STATISTICS,
    ),
    "ltx20-causal": ltx_model(
        "AutoencoderKLLTX2Video", LTX20 | dict(decoder_causal=True, decoder_spatial_padding_mode="replicate"),
        dict(decoder_block_out_channels=(256, 512, 1024)), TEXT20, plain, names.ltx, STATISTICS, "causal,replicate",
    ),
    "ltx23": ltx_model(
        "AutoencoderKLLTX2Video", LTX23, dict(decoder_block_out_channels=(256, 512, 512, 1024)), TEXT23, plain, names.ltx, STATISTICS,
    ),
    "hunyuan": Model(
        "hunyuan", diffusers("AutoencoderKLHunyuanVideo"), dict(block_out_channels=(32, 32, 64, 64)), TRUE_IMAGE, 16, scaled, whole,
        "decoder.conv_out", WAN_KEEP, (("original", names.ldm),), time=4,
    ),
    "hunyuan15": Model(
        "hunyuan1.5", diffusers("AutoencoderKLHunyuanVideo15"), dict(block_out_channels=(8, 16, 32, 64, 64)),
        dict(block_out_channels=(128, 256, 512, 1024, 1024)), 32, scaled, plain, "decoder.conv_out", (*WAN_KEEP,),
        (("original", names.hunyuan15),), time=4,
    ),
    "cogvideox": Model(
        "cogvideox", diffusers("AutoencoderKLCogVideoX"), dict(block_out_channels=(32, 64, 64, 64)), dict(block_out_channels=(128, 256, 256, 512)),
        16, scaled, plain, "decoder.conv_out", schemes=(("original", names.ldm),), time=4, variant="cogvideox-2b", last_spread=0.3,
    ),
    "mochi": Model(
        "mochi", diffusers("AutoencoderKLMochi"),
        dict(encoder_block_out_channels=(32, 32, 32, 32), decoder_block_out_channels=(32, 64, 64, 96)),
        dict(encoder_block_out_channels=(64, 128, 256, 384), decoder_block_out_channels=(128, 256, 512, 768)),
        12, mean_std, plain, "decoder.proj_out", schemes=(("original", names.mochi),), time=6,
    ),
    "svd": Model(
        "svd", diffusers("AutoencoderKLTemporalDecoder"), SVD, TRUE_IMAGE, 4, scaled, chunk, "decoder.time_conv_out",
        schemes=(("original", names.ldm_prefixed),), scales=((r"mix_factor$", 1, 0),),
    ),
    "svd-chunks": Model(
        "svd", diffusers("AutoencoderKLTemporalDecoder"), SVD, TRUE_IMAGE, 4, scaled, chunks(2), "decoder.time_conv_out",
        scales=((r"mix_factor$", 1, 0),), variant="chunks-of-2",
    ),
    "kl": Model(
        "kl", diffusers("AutoencoderKL"), IMAGE, TRUE_IMAGE, 4, scaled, each, "decoder.conv_out", WAN_KEEP,
        (("original", names.ldm_prefixed), ("old", names.kl_old)), variant="sd1",
    ),
    "kl16": Model(
        "kl", diffusers("AutoencoderKL"), SIXTEEN | dict(scaling_factor=0.3611, shift_factor=0.1159), TRUE_IMAGE, 16, scaled, each,
        "decoder.conv_out", WAN_KEEP, (("original", names.ldm),), variant="flux",
    ),
    "flux2": Model(
        "kl", diffusers("AutoencoderKLFlux2"), IMAGE | dict(latent_channels=32, decoder_block_out_channels=(32, 32, 64, 64)),
        TRUE_IMAGE | dict(decoder_block_out_channels=(96, 192, 384, 384)), 128, batch_mean_std, unpatched, "decoder.conv_out",
        (*WAN_KEEP, "bn.running_"), (("original", names.flux2),), scales=((r"running_mean$", 0.3, 0), (r"running_var$", 0.4, 1)),
    ),
    "taesd": Model(
        "taesd", diffusers("AutoencoderTiny"), dict(encoder_block_out_channels=(16,) * 4, decoder_block_out_channels=(16,) * 4),
        dict(encoder_block_out_channels=(64,) * 4, decoder_block_out_channels=(64,) * 4), 4, lambda m, z: z, each, "decoder.layers.18",
        schemes=(("original", names.taesd), ("comfyui", names.taesd_prefixed)), last_spread=0.17, last_shift=0.5,
        encode=lambda m, x: torch.stack([m.encode(x[:, :, t]).latents for t in range(x.shape[2])], 2), last_encoder="encoder.layers.14",
    ),
    "taew2_1": tiny("taehv", 16, (8, 12, 6, 8), (1, 2, 2), 1),
    "taew2_2": tiny("taehv", 48, (12, 8, 8, 6), (1, 2, 2), 2),
    "taeltx": tiny("taehv", 128, (8, 6, 8, 8), (2, 2, 2), 4, shrink=(2, 2, 2)),
    "taeltx-wide": tiny("taehv", 128, (12, 8, 8, 8), (2, 2, 2), 4, shrink=(2, 2, 2), form="wide"),
    "taew2_2-super": tiny("taehv_super", 48, (12, 8, 6, 8), (1, 2, 2), 2, form="super"),
}  # fmt: skip
