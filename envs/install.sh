#!/usr/bin/env bash
# Installs what a workstation run needs into .venv. Says in one line what is missing and what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

stop() {
    echo "livermets: $1" >&2
    exit 1
}

# pyradiomics 3.0.1 builds on Python 3.11 and not on 3.12 or later.
python=""
for candidate in "${PYTHON:-}" python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' \
        2>/dev/null && python=$candidate && break
done
command -v cc >/dev/null || command -v gcc >/dev/null ||
    stop "no C compiler found, and pyradiomics must be built; install gcc (Debian: apt install gcc libc6-dev)."

if [ -z "$python" ]; then
    echo "Python 3.11 not found: fetching one with uv"
    found=""
    for candidate in python3 python python3.13 python3.12 python3.10; do
        "$candidate" -c 'import venv, ensurepip' 2>/dev/null && found=$candidate && break
    done
    [ -n "$found" ] || stop "no Python with venv found; install Python 3.11 with venv (Debian: apt install python3.11 python3.11-venv)."
    "$found" -m venv .venv/uv
    .venv/uv/bin/pip install --quiet "$(grep -i '^uv==' envs/workstation.lock)" 2>/dev/null ||
        stop "uv could not be installed to fetch Python 3.11; install Python 3.11 and run this again (or set PYTHON=/path/to/python3.11)."
    python=$(.venv/uv/bin/uv python install --quiet 3.11 2>/dev/null && .venv/uv/bin/uv python find 3.11 2>/dev/null) ||
        stop "Python 3.11 is not here and could not be downloaded; install it and run this again (or set PYTHON=/path/to/python3.11)."
fi

echo "Installing into .venv with $("$python" --version) (minutes, 1.5 GB)"
# What an interrupted installation left is kept, unless it is of another Python.
.venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null ||
    "$python" -m venv --clear .venv
echo "  packages"
pip="$PWD/.venv/bin/python -m pip --disable-pip-version-check --quiet"
$pip install "$(grep -i '^uv==' envs/workstation.lock)"
.venv/bin/uv pip install --quiet --no-deps --python .venv/bin/python -r envs/workstation.lock

# PyTorch: the CUDA build where there is an NVIDIA driver, else the small CPU build.
echo "  PyTorch"
torch=$(grep -i '^torch==' envs/workstation.in)
if command -v nvidia-smi >/dev/null; then
    $pip install "$torch"
else
    $pip install --no-deps "$torch+cpu" 2>/dev/null ||
        $pip install --no-deps "$torch+cpu" --index-url https://download.pytorch.org/whl/cpu 2>/dev/null ||
        $pip install "$torch"
fi

# pyradiomics has to be built, after NumPy and setuptools.
echo "  pyradiomics, compiled here"
$pip install --no-deps --no-build-isolation pyradiomics==3.0.1 ||
    stop "pyradiomics 3.0.1 could not be built; see the compiler's message above (Debian: apt install gcc libc6-dev python3.11-dev)."
.venv/bin/python -c "import radiomics, torch, nnunetv2.inference.predict_from_raw_data" ||
    stop "the installation does not import; run 'rm -rf .venv' and this again."
touch .venv/.installed
