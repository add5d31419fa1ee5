"""OpenCL C for AMD cards by clang, which is also the compiler of AMD's own driver, with libclc in place of that driver's library."""
import functools
import re
import subprocess

CLANG = "clang-19"
LIBRARY = "/usr/lib/clc/amdgcn--amdhsa.bc"
REMARKS = {"registers": ["VGPRs"], "spills": ["SGPRs Spill", "VGPRs Spill"], "scratch": ["ScratchSize [bytes/lane]"],
           "shared": ["LDS Size [bytes/block]"], "occupancy": ["Occupancy [waves/SIMD]"]}


@functools.cache
def version():
    text = subprocess.run([CLANG, "--version"], capture_output=True, text=True, check=True).stdout
    return "clang " + re.search(r"version (\S+)", text).group(1)


def build(device, text, options, _):
    """Columns of a row, and the assembly."""
    run = subprocess.run([CLANG, "-target", "amdgcn-amd-amdhsa", "-mcpu=" + device, "-x", "cl", "-O3", "-D__OPENCL_VERSION__=120", "-nogpulib",
                          "-Xclang", "-mlink-builtin-bitcode", "-Xclang", LIBRARY, "-Rpass-analysis=kernel-resource-usage", *options,
                          "-S", "-o", "-", text], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return {"compiler": version(), "status": "failed: " + "; ".join(re.findall(r"error: .*", run.stderr))[:300]}, ""
    remarks = {name.strip(): int(value) for name, value in re.findall(r"remark:\s*([^:]+): (\d+) ", run.stderr.replace("[-Rpass", " [-Rpass"))}
    row = {column: sum(remarks[name] for name in names) for column, names in REMARKS.items()}
    return row | {"compiler": version(), "subgroup": int(re.search(r"\.wavefront_size:\s*(\d+)", run.stdout).group(1)),
                  "code": int(re.search(r"codeLenInByte = (\d+)", run.stdout).group(1)),
                  "instructions": len(re.findall(r"^\t[a-z]\w*", run.stdout.split("s_endpgm")[0], re.M)) + 1}, run.stdout
