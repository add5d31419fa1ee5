#!/usr/bin/env python3
"""Wan 2.1's decoder, ours in turn with peers on the same machine: one table, ratios first. decode.sh finds and builds the peers.

Weights of true width are drawn as the golden fixture's; so is each latent. In each round every contender decodes once (ours after a
run that warms up in the same process; the peers live from round to round, after one such run). Medians count. Frames are compared
with ours on the first device. Exit code 1 if a peer on the same device is faster or frames differ.
"""
import argparse
import collections
import dataclasses
import datetime
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

import numpy as np

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"
sys.path.insert(0, str(GOLDEN))
import draw
import names

CPU = ("host", "opencl")  # of our devices, those whose peers run on the CPU without a driver
ALLOWED = {"F32": 1e-3, "F16": 1e-2}  # difference of frames in [0, 1], by what the peer multiplies in; ggml's Vulkan turns to fp16


@dataclasses.dataclass
class Peer:
    name: str
    command: list  # what precedes THREADS WEIGHTS LATENT T,H,W FRAMES
    dtype: str
    devices: tuple  # of ours, those that it should be slower than
    failure: str = ""
    what: str = ""
    process: subprocess.Popen = None
    log: object = None
    frames: np.ndarray = None


class Failed(Exception):
    pass


def save_tensors(path, tensors):
    """tensors: (name, fp32 array) each."""
    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = dict(dtype="F32", shape=list(values.shape), data_offsets=[at, at + values.nbytes])
        at += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            values.tofile(file)


def load_frames(path):
    """[3,T,H,W] of what tessera decode writes."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        row = json.loads(file.read(size))["frames"]
        file.seek(row["data_offsets"][0], os.SEEK_CUR)
        return np.fromfile(file, np.float32, int(np.prod(row["shape"]))).reshape(row["shape"]).swapaxes(0, 1)


def draw_weights(path):
    fixture = json.loads((GOLDEN / "wan21-true-width.json").read_text())
    if not path.exists():
        tensors = {names.wan(n, s)[0]: draw.draw(n, s, scale, shift, fixture["seed"]) for n, s, scale, shift, *_ in fixture["tensors"]}
        save_tensors(path.with_suffix(".part"), tensors)
        path.with_suffix(".part").rename(path)
    return fixture["clips"][0], fixture["seed"]


def draw_latent(clip, seed, shape, folder):
    """As the fixture's, [T,16,H,W], stored as [1,16,T,H,W] for us and bare for peers."""
    t, h, w = shape
    latent = draw.draw(clip["draw"], [t, 16, h, w], clip["scale"], clip["shift"], seed).swapaxes(0, 1).copy()
    save_tensors(folder / "latent.safetensors", {"latent": latent[None]})
    latent.tofile(folder / "latent.f32")


def tail(log):
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def answer(peer):
    line = peer.process.stdout.readline().decode().strip()
    if not line:
        raise Failed(f"it ended with status {peer.process.wait()}: {tail(peer.log)}")
    return line


def run_peer(peer):
    peer.process.stdin.write(b"run\n")
    peer.process.stdin.flush()
    return float(answer(peer))


def start(peer, threads, weights, shape, folder):
    """Begins the process, lets it warm up, and takes its frames."""
    t, h, w = shape
    to = folder / f"{peer.name}.f32"
    command = peer.command + [str(threads), weights, folder / "latent.f32", f"{t},{h},{w}", to]
    peer.log = open(folder / f"{peer.name}.log", "w+b")
    peer.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=peer.log)
    peer.what = answer(peer)
    run_peer(peer)
    peer.frames = np.fromfile(to, np.float32).reshape(3, 4 * t - 3, 8 * h, 8 * w)


def stop(peer):
    if peer.process:
        peer.process.stdin.close()
        try:
            peer.process.wait(60)
        except subprocess.TimeoutExpired:
            peer.process.kill()
            peer.process.wait()
        peer.process.stdout.close()
        peer.process = None
    if peer.log:
        peer.log.close()


def attempt(peer, action, *arguments):
    """What the action gives; None, and the peer is out, if it fails."""
    try:
        return None if peer.failure else action(peer, *arguments)
    except (Failed, OSError, ValueError) as error:
        peer.failure = " ".join(str(error).split())
        return None


def tessera(args, words, device, weights, folder, *arguments):
    command = [args.tessera, *words, "--quiet", "--device", device, "--model", weights, folder / "latent.safetensors", *arguments]
    got = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if got.returncode:
        raise SystemExit(f"{' '.join(words)} on {device}: {got.stderr.decode().strip()}")


def run_ours(args, device, weights, folder):
    tessera(args, ("bench", "decode"), device, weights, folder, "--runs", "1", "--json", folder / "run.json")
    return json.loads((folder / "run.json").read_text())[0]


def contest(args, peers, weights, shape, folder):
    """Rows of one shape: each of our devices beside each peer."""
    frames, ours, theirs = {}, collections.defaultdict(list), collections.defaultdict(list)
    for device in args.devices:
        tessera(args, ("decode",), device, weights, folder, "-o", folder / "frames.safetensors")
        frames[device] = load_frames(folder / "frames.safetensors")
    for peer in peers:
        attempt(peer, start, args.threads, weights, shape, folder)
    for _ in range(args.rounds):
        for device in args.devices:
            ours[device].append(run_ours(args, device, weights, folder))
        for peer in peers:
            theirs[peer.name].append(attempt(peer, run_peer))
    for peer in peers:
        stop(peer)
    return [row(shape, device, ours[device], frames, peer, theirs[peer.name]) for device in args.devices for peer in peers]


def row(shape, device, ours, frames, peer, theirs):
    seconds = statistics.median(r["seconds_median"] for r in ours)
    row = dict(
        latent=list(shape), device=device, device_name=ours[0]["device_name"], seconds=seconds, all_seconds=[r["seconds_median"] for r in ours],
        gflops=ours[0]["gflops"], gflops_per_second=ours[0]["gflops"] / seconds, share_of_peak=statistics.median(r["share_of_peak"] for r in ours),
        peer=peer.name, peer_what=peer.what, peer_dtype=peer.dtype, counts=device in peer.devices, failure=peer.failure,
    )
    if peer.failure:
        return row
    other = statistics.median(theirs)
    difference = float(np.abs(frames[device] - peer.frames).max())
    wrong = not difference <= ALLOWED["F16" if "vulkan" in peer.devices else peer.dtype]
    return row | dict(ratio=other / seconds, peer_seconds=other, all_peer_seconds=theirs, difference=difference, wrong=wrong)


def print_row(r):
    frames = "{}x{}x{}".format(*r["latent"])
    if r["failure"]:
        print(f"    -       {frames:9} {r['device']:7} {r['peer']:13} left out: {r['failure']}")
        return
    goal = "> 1" if r["counts"] else "  -"
    print(f"{r['ratio']:7.2f}  {goal} {frames:9} {r['device']:7} {r['peer']:13} {r['seconds']:9.3f} {r['peer_seconds']:9.3f} "
          f"{r['gflops_per_second']:9.1f} {r['share_of_peak']:6.2f}  {r['difference']:.1e}{'  WRONG' if r['wrong'] else ''}", flush=True)


def numbers(text):
    shape = tuple(int(n) for n in text.split(","))
    if len(shape) != 3 or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; expected T,H,W, each 1 or more")
    return shape


def find_peers(args):
    peers = [Peer("diffusers", [args.python, pathlib.Path(__file__).with_name("decode_diffusers.py")], "F32", CPU)]
    if args.sdcpp:
        peers += [Peer(f"sdcpp-{dtype.lower()}", [args.sdcpp, "CPU", dtype], dtype, CPU) for dtype in ("F32", "F16")]
    if args.sdcpp_vulkan:
        peers += [Peer(f"sdcpp-vk-{dtype.lower()}", [args.sdcpp_vulkan, "Vulkan0", dtype], dtype, ("vulkan",)) for dtype in ("F32", "F16")]
    return [p for p in peers if not args.peer or p.name in args.peer]


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("tessera", type=pathlib.Path)
    parse.add_argument("--latent", type=numbers, action="append", metavar="T,H,W", help="default: 3,8,8 and 3,16,24")
    parse.add_argument("--devices", type=lambda text: text.split(","), default=["host", "opencl", "vulkan"], help="of ours; default: host,opencl,vulkan")
    parse.add_argument("--peer", action="append", metavar="NAME", help="only this one; repeatable")
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of the peers; default: all")
    parse.add_argument("--python", default=sys.executable, help="that has PyTorch and diffusers")
    parse.add_argument("--sdcpp", type=pathlib.Path, help="sdcpp_decode")
    parse.add_argument("--sdcpp-vulkan", type=pathlib.Path, help="sdcpp_decode with ggml's Vulkan")
    parse.add_argument("--weights", type=pathlib.Path, help="kept here; default: drawn anew")
    parse.add_argument("--json", type=pathlib.Path, help="every row and time, with date and versions")
    args = parse.parse_args()
    peers, rows = find_peers(args), []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        weights = args.weights or folder / "weights.safetensors"
        clip, seed = draw_weights(weights)
        print("  ratio goal latent    ours    peer               ours s    peer s   GFLOP/s  peak   difference", flush=True)
        for shape in args.latent or [(3, 8, 8), (3, 16, 24)]:
            draw_latent(clip, seed, shape, folder)
            some = contest(args, peers, weights, shape, folder)
            for r in some:
                print_row(r)
            rows += some
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for peer in peers:
        print(f"{peer.name}: {peer.what or peer.failure}")
    if args.json:
        args.json.write_text(json.dumps(dict(date=date, rounds=args.rounds, threads=args.threads, rows=rows), indent=1) + "\n")
    low = [r for r in rows if not r["failure"] and (r["wrong"] or (r["counts"] and r["ratio"] <= 1))]
    ran = [r for r in rows if r["counts"] and not r["failure"]]
    print("no peer on the same device ran" if not ran else "not every ratio reaches its goal" if low else "every ratio reaches its goal")
    return 1 if low or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
