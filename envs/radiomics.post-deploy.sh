#!/usr/bin/env bash
# pyradiomics has no wheel for this Python and needs NumPy to be there when it is built. Python 3.12
# and later would also need pyradiomics_build/sitecustomize.py, which is out of reach here: Snakemake
# runs a copy of this script beside the new environment. So radiomics.yaml stays with Python 3.11.
set -euo pipefail
python -m pip install --no-deps --no-build-isolation pyradiomics==3.0.1
