#!/usr/bin/env bash
# Installs what a workstation run needs into .venv. Says in one line what is missing and what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

stop() {
    echo "livermets: $1" >&2
    exit 1
}

# PYTHON decides where it is set. Else the Python of an earlier installation is kept, and a first one
# prefers 3.11, which the conda environments (envs/*.yaml) use.
supported='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
base='import sys; print("%s/bin/python%d.%d" % (sys.base_prefix, *sys.version_info[:2]))'
earlier=$(.venv/bin/python -c "$base" 2>/dev/null || true)
candidates=("$earlier" python3.11 python3.12 python3.13 python3 python)
[ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
python=""
for candidate in "${candidates[@]}"; do
    "$candidate" -c "$supported" 2>/dev/null && python=$candidate && break
done
[ -n "$python" ] || [ -z "${PYTHON:-}" ] ||
    stop "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13 with venv; set another, or none to have one looked for."
command -v cc >/dev/null || command -v gcc >/dev/null ||
    stop "no C compiler found, and pyradiomics must be built; install gcc (Debian: apt install gcc libc6-dev)."

if [ -z "$python" ]; then
    echo "No Python 3.11, 3.12 or 3.13 found: fetching 3.11 with uv"
    found=""
    for candidate in python3 python python3.14 python3.10; do
        "$candidate" -c 'import venv, ensurepip' 2>/dev/null && found=$candidate && break
    done
    [ -n "$found" ] || stop "no Python with venv found; install Python 3.11, 3.12 or 3.13 with venv (Debian: apt install python3 python3-venv)."
    "$found" -m venv .venv/uv
    .venv/uv/bin/pip install --quiet "$(grep -i '^uv==' envs/workstation.lock)" 2>/dev/null ||
        stop "uv could not be installed to fetch Python 3.11; install Python 3.11, 3.12 or 3.13 and run this again (or set PYTHON=/path/to/python3)."
    python=$(.venv/uv/bin/uv python install --quiet 3.11 2>/dev/null && .venv/uv/bin/uv python find 3.11 2>/dev/null) ||
        stop "no Python 3.11, 3.12 or 3.13 is here and 3.11 could not be downloaded; install one and run this again (or set PYTHON=/path/to/python3)."
fi

echo "Installing into .venv with $("$python" --version) (minutes; 2.4 GB, or 6.2 GB with CUDA)"
# What an interrupted installation left is kept, unless it is of another Python.
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
.venv/bin/python -c "import sys, pip; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null ||
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

# pyradiomics has to be built, after NumPy and setuptools, and on 3.12 and later with what
# pyradiomics_build/sitecustomize.py gives back.
echo "  pyradiomics, compiled here"
PYTHONPATH="$PWD/envs/pyradiomics_build" $pip install --no-deps --no-build-isolation pyradiomics==3.0.1 ||
    stop "pyradiomics 3.0.1 could not be built; see the compiler's message above (Debian: apt install gcc libc6-dev python$version-dev)."
.venv/bin/python -c "import radiomics, torch, nnunetv2.inference.predict_from_raw_data" ||
    stop "the installation does not import; run 'rm -rf .venv' and this again."
touch .venv/.installed
