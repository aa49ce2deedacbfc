#!/usr/bin/env bash
# The board's runtime on an emulated processor (qemu-user), against the same on this machine: `make test-arm`.
# Nothing is installed on the host: Debian's arm64 Python and the index's aarch64 wheels go into a folder of their own.
# It proves that wheels import, operators exist and masks agree; an emulator says nothing of a board's speed.
#
# usage: draw.sh PYTHON BUILD_FOLDER BUNDLE SCENE.tif [CPU]
# CPU: n1 (default), a72 or a53, 64-bit ARM; zen1, x86-64 with AVX2 and without VNNI, by this machine's own Python
set -euo pipefail
PYTHON=$1 BUILD=$(mkdir -p "$2" && cd "$2" && pwd) BUNDLE=$3 SCENE=$4 CPU=${5:-n1}
HERE=$(cd "$(dirname "$0")" && pwd)
PINS=$HERE/../orbitfl_edge/requirements.txt
QEMU=$BUILD/qemu/usr/bin/qemu-aarch64-static ROOT=$BUILD/sysroot SITE=$BUILD/site
PACKAGES="libc6 libgcc-s1 libstdc++6 zlib1g libbz2-1.0 liblzma5 libssl3 libexpat1 libffi8 libcrypt1 libuuid1
    libpython3.11-minimal libpython3.11-stdlib python3.11-minimal"

skip() { echo "skipped: $1" >&2; exit 77; }

fetch_debian() { # The host's package lists stay as they are: an apt configuration and folders of its own.
    command -v apt-get >/dev/null || skip "apt-get is needed for Debian's arm64 packages"
    mkdir -p "$BUILD"/apt/{state/lists/partial,cache/archives/partial} "$BUILD/deb"
    : > "$BUILD/apt/status"
    cat > "$BUILD/apt/apt.conf" <<CONF
Dir::State "$BUILD/apt/state";
Dir::State::status "$BUILD/apt/status";
Dir::Cache "$BUILD/apt/cache";
APT::Architecture "arm64";
APT::Architectures { "arm64"; "amd64"; };
APT::Sandbox::User "";
CONF
    export APT_CONFIG="$BUILD/apt/apt.conf"
    apt-get update -qq || skip "Debian's package lists cannot be fetched"
    (cd "$BUILD/deb" && apt-get download -qq qemu-user-static:amd64 $(printf '%s:arm64 ' $PACKAGES)) ||
        skip "Debian's arm64 packages cannot be fetched"
    for package in "$BUILD"/deb/*_arm64.deb; do dpkg -x "$package" "$ROOT"; done
    dpkg -x "$BUILD"/deb/qemu-user-static_*.deb "$BUILD/qemu"
}

fetch_wheels() {
    rm -rf "$BUILD/wheels" "$SITE" "$BUILD/fetched.txt"
    local platforms=(--platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64)
    "$PYTHON" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
        "${platforms[@]}" -d "$BUILD/wheels" -r "$PINS"
    for wheel in "$BUILD"/wheels/*.whl; do "$PYTHON" -m zipfile -e "$wheel" "$SITE"; done
    cp "$PINS" "$BUILD/fetched.txt"
}

# onnxruntime reads /proc/cpuinfo; the x86-64 host's would crash it, and features beyond the emulated ones are illegal.
board() {
    local features="fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
    case $CPU in
        n1) MODEL=neoverse-n1 PART=0xd0c VARIANT=0x3 features="$features atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp" ;;
        a72) MODEL=cortex-a72 PART=0xd08 VARIANT=0x0 ;;
        a53) MODEL=cortex-a53 PART=0xd03 VARIANT=0x0 ;;
        *) echo "CPU is $CPU; choose n1, a72, a53 or zen1." >&2; exit 2 ;;
    esac
    BOARD=$BUILD/board-$CPU
    mkdir -p "$BOARD/proc"
    for part in usr lib etc; do [ -e "$BOARD/$part" ] || ln -s "$ROOT/$part" "$BOARD/$part"; done
    printf 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: %s\nCPU part\t: %s\nCPU revision\t: 1\n\n' \
        "$features" "$VARIANT" "$PART" > "$BOARD/proc/cpuinfo"
}

on_board() {
    if [ "$CPU" = zen1 ]; then
        PYTHONPATH=$BUNDLE/runtime PYTHONDONTWRITEBYTECODE=1 "$BUILD/qemu/usr/bin/qemu-x86_64-static" -cpu EPYC \
            "$PYTHON" -P -m orbitfl_edge "$@" 2> >(grep -v "TCG doesn't support requested feature" >&2)
    else
        PYTHONPATH=$SITE:$BUNDLE/runtime PYTHONDONTWRITEBYTECODE=1 "$QEMU" -cpu "$MODEL" -L "$BOARD" \
            "$ROOT/usr/bin/python3.11" -P -m orbitfl_edge "$@"
    fi
}

[ -x "$QEMU" ] && [ -x "$ROOT/usr/bin/python3.11" ] || fetch_debian
if [ "$CPU" != zen1 ]; then
    [ -d "$SITE/rasterio" ] && cmp -s "$PINS" "$BUILD/fetched.txt" || fetch_wheels
    board
fi
on_board verify --bundle "$BUNDLE" --threads 1
on_board segment "$SCENE" -o "$BUILD/mask-$CPU.tif" --bundle "$BUNDLE" --threads 1
PYTHONPATH=$BUNDLE/runtime PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -P -m orbitfl_edge segment "$SCENE" \
    -o "$BUILD/mask-host.tif" --bundle "$BUNDLE" --threads 1
"$PYTHON" "$HERE/compare_masks.py" "$BUILD/mask-host.tif" "$BUILD/mask-$CPU.tif" "$BUNDLE"
