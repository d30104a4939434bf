#!/usr/bin/env bash
# pyradiomics has no wheel for this Python and needs NumPy to be there when it is built.
set -euo pipefail
python -m pip install --no-deps --no-build-isolation pyradiomics==3.0.1
