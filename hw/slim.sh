#!/usr/bin/env bash
# The runtime's packages in a folder, without what it never loads: 156 MB where pip leaves 237.
# Run it on a machine of the board's architecture; then copy the folder and start with PYTHONPATH=FOLDER:water/runtime.
#
# usage: slim.sh PYTHON FOLDER
# PYTHON: of the board's version (3.11). FOLDER: new. `strip` (binutils) is needed.
set -euo pipefail
[ $# = 2 ] || { echo "usage: slim.sh PYTHON FOLDER" >&2; exit 2; }
PYTHON=$1 FOLDER=$2
HERE=$(cd "$(dirname "$0")" && pwd)
[ ! -e "$FOLDER" ] || { echo "slim.sh: $FOLDER exists; give a folder that does not." >&2; exit 2; }
command -v "$PYTHON" >/dev/null || { echo "slim.sh: $PYTHON was not found; give the board's Python." >&2; exit 2; }
command -v strip >/dev/null || { echo "slim.sh: strip was not found; install binutils." >&2; exit 2; }

mkdir -p "$FOLDER" && FOLDER=$(cd "$FOLDER" && pwd)
trap 'rm -rf "$FOLDER"' ERR INT TERM

size() { du -sb "$FOLDER" | cut -f1; }

"$PYTHON" -m pip install -q --disable-pip-version-check --no-deps --no-compile --target "$FOLDER" \
    -r "$HERE/orbitfl_edge/requirements.txt"
whole_byte=$(size)
cd "$FOLDER"
# Python's module of onnxruntime holds the whole of it; the library beside is for other languages.
rm -rf onnxruntime/capi/libonnxruntime.so* onnxruntime/{backend,datasets,quantization,tools,transformers}
# Protocol buffers are read by the tools of onnxruntime alone.
rm -rf google bin numpy/{distutils,f2py,fft,polynomial} numpy/_core/{include,lib,_simd*}
find . -name tests -type d -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' -o -name '*.h' \) -delete
# Not the libraries in *.libs: auditwheel has moved their headers, and strip would break them.
find . -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} +
cd - >/dev/null
PYTHONPATH=$FOLDER "$PYTHON" -c 'import numpy.random, numpy.typing, onnxruntime, rasterio.features, rasterio.shutil, rasterio.warp'
echo "$FOLDER: $(size) bytes of $whole_byte"
