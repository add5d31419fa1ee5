"""OpenCL C for Intel's cards by ocloc, the offline form of their driver's compiler."""
import functools
import glob
import os
import re
import subprocess
import tempfile

PLATFORMS = {"gen9": "skl", "xelp": "tgllp", "xehpg": "acm-g10", "xehpc": "pvc"}
# Bytes of a register; threads of an EU with 128 registers each; bytes of a subslice's (Xe core's) shared memory, and its EUs.
MACHINES = {"gen9": (32, 7, 65536, 8), "xelp": (32, 7, 131072, 16), "xehpg": (32, 8, 131072, 16), "xehpc": (64, 8, 131072, 8)}


@functools.cache
def version():
    query = "dpkg-query -W -f='${Version}' libigc1 2>/dev/null || echo unknown"
    return "IGC " + subprocess.run(query, shell=True, capture_output=True, text=True, check=True).stdout.split("-")[0]


def section(path, name):
    """The text of a section of a 64-bit ELF file."""
    with open(path, "rb") as file:
        data = file.read()

    def number(at, size):
        return int.from_bytes(data[at:at + size], "little")

    headers = [number(40, 8) + i * number(58, 2) for i in range(number(60, 2))]
    names = number(headers[number(62, 2)] + 24, 8)
    for header in headers:
        at = names + number(header, 4)
        if data[at:data.index(b"\0", at)].decode() == name:
            offset, size = number(header + 24, 8), number(header + 32, 8)
            return data[offset:offset + size]
    raise ValueError(f"{path} has no section {name}")


def yaml_number(text, key):
    """The sum of all numbers of a key: ocloc's file has one kernel."""
    return sum(int(value) for value in re.findall(rf"\b{key}: *(\d+)", text))


def head(text, key):
    found = re.search(rf"^//\.{key} (\d+)", text, re.M)
    return int(found.group(1)) if found else 0


def compile_once(device, text, options, kernel):
    """Columns of a row, and the assembly."""
    register, threads, shared, units = MACHINES[device]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(["ocloc", "compile", "-q", "-file", text, "-device", PLATFORMS[device], "-options", " ".join(options), "-output", "k",
                              "-out_dir", folder, "-output_no_suffix", "--format", "zebin"], capture_output=True, text=True, check=False,
                             env=os.environ | {"IGC_ShaderDumpEnable": "1", "IGC_DumpToCustomDir": folder})
        binary = os.path.join(folder, "k")
        if run.returncode != 0 or not os.path.exists(binary):
            return {"compiler": version(), "status": "failed: " + "; ".join(re.findall(r"error: .*", run.stdout + run.stderr))[:300]}, ""
        info = section(binary, ".ze_info").decode()
        code = len(section(binary, ".text." + kernel))
        subgroup = yaml_number(info, "simd_size")
        # The last of the compiler's tries at that width; each is dumped.
        tries = sorted(glob.glob(os.path.join(folder, f"*simd{subgroup}_*.asm")), key=os.path.getmtime)
        with open(tries[-1], encoding="utf-8", errors="replace") as file:
            assembly = file.read()
    local, registers = yaml_number(info, "slm_size"), yaml_number(info, "grf_count")
    memory = info[info.find("per_thread_memory_buffers"):info.find("kernels_misc_info")] if "per_thread_memory_buffers" in info else ""
    private = head(assembly, "private memory size") // subgroup or (yaml_number(memory, " size") if "is_simt_thread" in memory else 0)
    lanes = int(re.search(r"required_work_group_size: *\[ *(\d+)", info).group(1))
    held, threads = -(-lanes // subgroup), threads * 128 // registers  # threads of a workgroup, of an EU
    return {"compiler": version(), "subgroup": subgroup, "registers": registers, "code": code, "spills": -(-head(assembly, "spill size") // register),
            "scratch": private, "shared": local, "instructions": head(assembly, "instCount"),
            "occupancy": min(threads, (shared // local) * held // units if local else threads)}, assembly


def kept(row):
    return row.get("spills", 0) + row.get("scratch", 0)


def build(device, text, options, kernel):
    """Columns of a row, and the assembly. What does not fit into registers is built once more with twice as many, as backends/opencl/kernel.c does."""
    row, assembly = compile_once(device, text, options, kernel)
    if kept(row):
        roomy = compile_once(device, text, options + ["-cl-intel-256-GRF-per-thread"], kernel)
        if "status" not in roomy[0] and kept(roomy[0]) < kept(row):
            row, assembly = roomy
    return row, assembly
