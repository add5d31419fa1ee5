"""Tensor names of diffusers to those of each model's original files."""
import re


def rewrite(name, rules):
    for pattern, text in rules:
        name = re.sub(pattern, text, name)
    return name


WAN_BLOCK = [
    (r"\.norm1\.gamma$", ".residual.0.gamma"),
    (r"\.conv1\.(weight|bias)$", r".residual.2.\1"),
    (r"\.norm2\.gamma$", ".residual.3.gamma"),
    (r"\.conv2\.(weight|bias)$", r".residual.6.\1"),
    (r"\.conv_shortcut\.", ".shortcut."),
]
WAN_ENDS = [
    (r"^quant_conv\.", "conv1."),
    (r"^post_quant_conv\.", "conv2."),
    (r"\.mid_block\.resnets\.0\.", ".middle.0."),
    (r"\.mid_block\.attentions\.0\.", ".middle.1."),
    (r"\.mid_block\.resnets\.1\.", ".middle.2."),
    (r"^(\w+)\.norm_out\.gamma$", r"\1.head.0.gamma"),
    (r"^(\w+)\.conv_out\.", r"\1.head.2."),
]


def wan(name, shape):
    """Blocks of all levels are counted through."""
    level = lambda m: f"decoder.upsamples.{4 * int(m[1]) + int(m[2])}."
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.resnets\.(\d)\.", level, name)
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.upsamplers\.(0)\.", lambda m: f"decoder.upsamples.{4 * int(m[1]) + 3}.", name)
    name = re.sub(r"^encoder\.down_blocks\.", "encoder.downsamples.", name)
    name = rewrite(name, WAN_BLOCK + WAN_ENDS)
    return re.sub(r"^(\w+)\.conv_in\.", r"\1.conv1.", name), shape


def wan22(name, shape):
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.resnets\.(\d)\.", r"decoder.upsamples.\1.upsamples.\2.", name)
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.upsampler\.", r"decoder.upsamples.\1.upsamples.3.", name)
    name = re.sub(r"^encoder\.down_blocks\.(\d)\.resnets\.(\d)\.", r"encoder.downsamples.\1.downsamples.\2.", name)
    name = re.sub(r"^encoder\.down_blocks\.(\d)\.downsampler\.", r"encoder.downsamples.\1.downsamples.2.", name)
    return re.sub(r"^(\w+)\.conv_in\.", r"\1.conv1.", rewrite(name, WAN_BLOCK + WAN_ENDS)), shape


LTX_ENDS = [
    (r"^latents_mean$", "per_channel_statistics.mean-of-means"),
    (r"^latents_std$", "per_channel_statistics.std-of-means"),
    (r"\.resnets\.", ".res_blocks."),
    (r"\.norm3\.", ".norm3.norm."),
    (r"\.conv_shortcut\.conv\.", ".conv_shortcut."),
    (r"^decoder\.time_embedder\.", "decoder.last_time_embedder."),
    (r"^decoder\.scale_shift_table$", "decoder.last_scale_shift_table"),
]


def ltx_first(name, shape):
    """0.9.0: its middle levels have a block of another width before the up-sampling."""
    parts = {"mid_block": 0, "up_blocks.0": 1, "up_blocks.1.upsamplers.0": 2, "up_blocks.1": 3, "up_blocks.2.conv_in": 4}
    parts |= {"up_blocks.2.upsamplers.0": 5, "up_blocks.2": 6, "up_blocks.3.conv_in": 7, "up_blocks.3.upsamplers.0": 8, "up_blocks.3": 9}
    for part in sorted(parts, key=len, reverse=True):
        if name.startswith(f"decoder.{part}."):
            name = f"decoder.up_blocks.{parts[part]}.{name[len(part) + 9:]}"
            break
    return "vae." + rewrite(name, LTX_ENDS), shape


def ltx(name, shape):
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"decoder.UP.{2 * int(m[1]) + 1}.", name)
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.", lambda m: f"decoder.UP.{2 * int(m[1]) + 2}.", name)
    name = re.sub(r"^decoder\.mid_block\.", "decoder.UP.0.", name)
    return "vae." + rewrite(name.replace(".UP.", ".up_blocks."), LTX_ENDS), shape


LDM = [
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.mid_block\.attentions\.0\.", ".mid.attn_1."),
    (r"\.attn_1\.group_norm\.", ".attn_1.norm."),
    (r"\.attn_1\.to_([qkv])\.", r".attn_1.\1."),
    (r"\.attn_1\.to_out\.0\.", ".attn_1.proj_out."),
    (r"\.up\.(\d)\.resnets\.", r".up.\1.block."),
    (r"\.upsamplers\.0\.", ".upsample."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.conv_norm_out\.", ".norm_out."),
]
SVD = [
    (r"\.spatial_res_block\.", "."),
    (r"\.temporal_res_block\.norm1\.", ".time_stack.in_layers.0."),
    (r"\.temporal_res_block\.conv1\.", ".time_stack.in_layers.2."),
    (r"\.temporal_res_block\.norm2\.", ".time_stack.out_layers.0."),
    (r"\.temporal_res_block\.conv2\.", ".time_stack.out_layers.3."),
    (r"\.time_mixer\.mix_factor$", ".mix_factor"),
    (r"\.time_conv_out\.", ".conv_out.time_mix_conv."),
]


def ldm(name, shape):
    """CompVis' names, with levels counted from the output; linear layers of the attention are 1x1 convolutions."""
    name = re.sub(r"\.up_blocks\.(\d)\.", lambda m: f".up.{3 - int(m[1])}.", name)
    name = rewrite(name, LDM + SVD)
    return name, shape + [1, 1] if ".attn_1." in name and len(shape) == 2 else shape


def ldm_prefixed(name, shape):
    name, shape = ldm(name, shape)
    return "first_stage_model." + name, shape


def kl_old(name, shape):
    """Of diffusers before 0.17."""
    rules = [(r"\.to_q\.", ".query."), (r"\.to_k\.", ".key."), (r"\.to_v\.", ".value."), (r"\.to_out\.0\.", ".proj_attn.")]
    return rewrite(name, rules), shape


def flux2(name, shape):
    name, shape = ldm(name, shape)
    return re.sub(r"^post_quant_conv\.", "decoder.post_quant_conv.", name), shape


def hunyuan15(name, shape):
    """As CompVis', but levels are counted from the latent."""
    name = re.sub(r"\.up_blocks\.(\d)\.", r".up.\1.", name)
    return rewrite(name, LDM), shape


def mochi(name, shape):
    name = rewrite(name, [
        (r"^decoder\.conv_in\.", "blocks.0.0."),
        (r"^decoder\.block_out\.resnets\.", "blocks.4."),
        (r"^decoder\.proj_out\.", "output_proj."),
        (r"\.norm1\.norm_layer\.", ".stack.0."),
        (r"\.conv1\.conv\.", ".stack.2."),
        (r"\.norm2\.norm_layer\.", ".stack.3."),
        (r"\.conv2\.conv\.", ".stack.5."),
    ])
    name = re.sub(r"^decoder\.block_in\.resnets\.(\d)\.", lambda m: f"blocks.0.{int(m[1]) + 1}.", name)
    name = re.sub(r"^decoder\.up_blocks\.(\d)\.resnets\.", lambda m: f"blocks.{int(m[1]) + 1}.blocks.", name)
    return re.sub(r"^decoder\.up_blocks\.(\d)\.", lambda m: f"blocks.{int(m[1]) + 1}.", name), shape


def taesd(name, shape):
    return re.sub(r"^decoder\.layers\.(\d+)\.", lambda m: f"{int(m[1]) + 1}.", name), shape


def taesd_prefixed(name, shape):
    return "taesd_decoder." + taesd(name, shape)[0], shape
