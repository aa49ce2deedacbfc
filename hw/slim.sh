#!/usr/bin/env bash
# The runtime's packages in a folder, without what it never loads: 149 MB where pip leaves 237.
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
rm -rf google bin numpy/{distutils,f2py,fft,polynomial} numpy/_core/{include,lib,_simd*,_*_tests*} rasterio/_example*
# The runtime reads GeoTIFF alone.
rm -rf rasterio/gdal_data/{bag,ecw,grib2,nitf,ozi,pci,pds4}_*
find . -name tests -type d -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' -o -name '*.h' \) -delete
find . -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} +
cd - >/dev/null
# Auditwheel has moved the headers of the libraries in *.libs, and strip breaks some of them. SQLite's is worth the try:
# five sixths of it are for debuggers.
for library in "$FOLDER"/rasterio.libs/libsqlite3*; do
    strip --strip-debug -o "$library.lean" "$library"
    if "$PYTHON" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$library.lean" 2>/dev/null; then
        mv "$library.lean" "$library"
    else
        rm "$library.lean"
    fi
done
PYTHONPATH=$FOLDER "$PYTHON" -c '
import numpy.random, numpy.typing, onnxruntime, rasterio.features, rasterio.shutil, rasterio.warp
rasterio.warp.transform("EPSG:32632", "EPSG:4326", [5e5], [5e6])'
echo "$FOLDER: $(size) bytes of $whole_byte"
