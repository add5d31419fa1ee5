#!/bin/sh
# One Vulkan device of the lab: vulkan.sh DEVICE, for lab.sh, which sets build, out, quick and require.
# vulkan.sh --list [DEVICE]...: the devices, or those of them that are named.
set -eu
all="vega10 navi10 navi21 navi31 gfx1201 turing ampere ga102 adreno740"
if [ "$1" = --list ]; then
    shift
    for device in ${@:-$all}; do
        case " $all " in *" $device "*) echo "$device" ;; esac
    done
    exit 0
fi

device=$1
# How matrices lie in registers would be asked of the device, which runs nothing here (engine/matrix/layout.h).
case $device in
navi31) export TESSERA_MATRIX_LAYOUT=rdna3 radv_cooperative_matrix2_nv=true ;; # RADV has it for those who ask
gfx1201) export TESSERA_MATRIX_LAYOUT=rdna4 radv_cooperative_matrix2_nv=true ;;
turing | ampere | ga102) export TESSERA_MATRIX_LAYOUT=nvidia ;;
esac
# The kernel driver's part is played by Mesa's drm-shim: the user-space driver finds a card, and compiles for it; nothing is run.
case $device in
vega10 | navi10 | navi21 | navi31 | gfx1201) shim=amdgpu icd=radeon && export AMDGPU_GPU_ID="$device" ;;
turing) chipset=160 && export TESSERA_LAB_CARD="NVIDIA GeForce RTX 2080 (NVK TU104)" ;;
ampere) chipset=170 && export TESSERA_LAB_CARD="NVIDIA A100 (NVK GA100)" ;;
ga102) chipset=172 && export TESSERA_LAB_CARD="NVIDIA GeForce RTX 3080 (NVK GA102)" ;;
adreno740) shim=freedreno icd=freedreno && export FD_GPU_ID=740 ;;
esac
[ -z "${chipset-}" ] || { shim=nouveau icd=nouveau && export NOUVEAU_CHIPSET="$chipset" NVK_I_WANT_A_BROKEN_VULKAN_DRIVER=1; }
shim=$(ls /usr/lib/*/lib${shim}_noop_drm_shim.so 2>/dev/null | head -n 1)
icd=/usr/share/vulkan/icd.d/${icd}_icd.json
if [ -z "$shim" ] || [ ! -f "$icd" ]; then
    echo "$device: skipped: mesa-drm-shim or $icd is not here"
    [ -z "$require" ]
    exit
fi

mkdir -p "$out/$device"
export TESSERA_LAB="$out/$device" VK_DRIVER_FILES="$icd" VK_ADD_LAYER_PATH="$build/lab" VK_INSTANCE_LAYERS=VK_LAYER_TESSERA_lab
export MESA_SHADER_CACHE_DISABLE=1 XDG_CACHE_HOME="$out/$device" ACO_DEBUG=perfinfo
# Failures are rows of the table; also a program that a driver ended.
code=0
# shellcheck disable=SC2086
LD_PRELOAD="$shim" timeout 900 "$build/lab/tessera-lab-variants" $quick --recipes tools/recipes vulkan \
    >"$out/$device/variants.jsonl" 2>"$out/$device/log" || code=$?
if ! tail -n 1 "$out/$device/variants.jsonl" | grep -q '"variant": "all"'; then
    echo "{\"variant\": \"all\", \"error\": \"the program ended with code $code behind the variant before this line\"}" >>"$out/$device/variants.jsonl"
    tail -n 5 "$out/$device/log" "$(ls -t "$out/$device"/*-0.txt | head -n 1)" # and what the driver said last
fi
# The peer's shader for the same work, through the same instrument.
if [ -x "$build/tessera-peer-ggml" ]; then
    truncate -s 64M "$out/$device/problem"
    for d in 64 128; do
        printf 'problem 1 8 4096 4096 %d f16 0\nrun\n' "$d" |
            TESSERA_LAB_LABEL="$(printf 'flash f16 d%d\tggml\tpeer' "$d")" LD_PRELOAD="$shim" timeout 300 "$build/tessera-peer-ggml" vulkan 0 \
                3<>"$out/$device/problem" >>"$out/$device/log" 2>&1 || echo "$device: ggml did not run"
    done
    rm "$out/$device/problem"
fi
python3 -B tools/lab/vulkan.py "$device" "$out/$device" "$out/$device/variants.jsonl" >"$out/$device.rows.jsonl"
echo "$device: $(wc -l <"$out/$device.rows.jsonl") kernels"
