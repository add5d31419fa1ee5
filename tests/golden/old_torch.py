"""Lets a recent diffusers import and run on PyTorch 1.13 (Debian 12's). Import it before diffusers; does nothing to a recent PyTorch.

Only what the autoencoders run is given a meaning: scaled_dot_product_attention, by its formula. Everything else (distributed
computing, fp8, flexible attention) gets names that do nothing, since diffusers only mentions them.
"""
import importlib
import importlib.abc
import importlib.machinery
import math
import sys
import types

import torch
import torch.nn.utils.parametrizations


class Nothing:
    """As a decorator it leaves what it decorates as it is."""

    def __new__(cls, *args, **options):
        return args[0] if args and callable(args[0]) else object.__new__(cls)


def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if dropout_p or is_causal or enable_gqa:
        raise NotImplementedError("old_torch: scaled_dot_product_attention with dropout, is_causal or enable_gqa")
    scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return torch.softmax(scores, -1) @ v


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules of torch that are not there: any name taken from one is Nothing."""

    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.startswith("torch.") else None

    def create_module(self, spec):
        def member(name):
            if name.startswith("__"):
                raise AttributeError(name)
            return Nothing

        made = types.ModuleType(spec.name)
        made.__getattr__ = member
        return made

    def exec_module(self, module):
        pass


class LayerNorm(torch.nn.LayerNorm):
    def __init__(self, *args, bias=True, **options):
        if not bias:
            raise NotImplementedError("old_torch: LayerNorm without bias")
        super().__init__(*args, **options)


def install():
    if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
        return
    sys.meta_path.append(Finder())
    torch.nn.functional.scaled_dot_product_attention = attention
    torch.accelerator = types.SimpleNamespace(is_available=lambda: False)
    torch.compiler = types.SimpleNamespace(is_compiling=lambda: False, disable=lambda f=None, **options: f or (lambda g: g))
    torch.nn.utils.parametrizations.weight_norm = torch.nn.utils.weight_norm
    torch.nn.RMSNorm = Nothing
    torch.nn.LayerNorm = LayerNorm
    for name in ("float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64"):
        if not hasattr(torch, name):
            setattr(torch, name, name)
    importlib.import_module("torch.distributed.device_mesh")  # made by Finder, so that the attribute is there


install()
