# Two commands: `make demo` (install, then the study on phantoms) and `make test`.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
BIN := .venv/bin
CORES ?= $(shell nproc 2>/dev/null || echo 2)
export PYTHONNOUSERSITE = 1

.PHONY: demo study-lidc test test-unit test-slow test-slurm check types lock install demo-model bench-radiomics bench-dryrun bench-draft bench-statistics bench-densenet bench-segmentation bench-openvino bench-masks bench-totalsegmentator bench-coverage bench-arms readme screenshots cohort config docs clean-demo help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: .venv/.installed ## install everything into .venv

.venv/.installed: envs/workstation.lock envs/install.sh envs/pyradiomics_build/sitecustomize.py
	@bash envs/install.sh

demo: install ## the whole study on the demo cohort of CT phantoms
	@$(BIN)/snakemake --cores $(CORES) --directory tests/demo --quiet host reason
	@echo "The report: tests/demo/results/report.html"

# The crops are data for tests (see docs/lidc.md); STUDY is the folder that both studies are written to.
study-lidc: export OMP_NUM_THREADS = 1
study-lidc: export PYTHONPATH = $(CURDIR)/workflow:$(CURDIR)/benchmarks
study-lidc: install ## the study on 540 real lesions of LIDC-IDRI, and on those of 5 to 10 mm
	@$(BIN)/python benchmarks/study_lidc.py --cores $(CORES) $(ARGS) "$(or $(STUDY),lidc-study)"

# Jobs and workers share the cores: without this the linear algebra of each would take all of them.
test test-unit test-slow test-slurm: export OMP_NUM_THREADS = 1
test test-unit test-slow test-slurm: export OPENBLAS_NUM_THREADS = 1
PYTEST := $(BIN)/python -m pytest --durations=15 -n 2 --dist loadfile $(ARGS)

test: install ## every fast test; ARGS="-p randomly" in another order
	@$(PYTEST) -m "not slow and not slurm"

test-unit: install ## the tests of single modules: no Snakemake, no training of networks
	@$(PYTEST) -m "not slow and not slurm and not training" \
	  --ignore tests/workflow --ignore tests/real_data

test-slow: install ## the tests that take long
	@$(PYTEST) -m "slow and not slurm"

test-slurm: install ## the tests on a SLURM cluster; one of one node is started (root, slurm-wlm, munge)
	@$(BIN)/python -m pytest --durations=15 -n 0 -rs -m slurm tests/workflow/test_slurm.py

check: install ## style and lint
	@$(BIN)/ruff check workflow tests benchmarks docs
	@$(BIN)/ruff format --check workflow tests benchmarks docs
	@$(BIN)/numpydoc lint $$(git ls-files "workflow/livermets/*.py")
	@$(BIN)/codespell *.md .github benchmarks config docs envs profiles resources tests workflow Snakefile Makefile
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/snakemake --lint --directory tests/demo
	@PYTHONPATH=workflow $(BIN)/lint-imports

types: install ## mypy
	@$(BIN)/mypy

# PyTorch and the CUDA packages it names are left out: install.sh takes the build for the machine.
lock: install ## resolve envs/workstation.in anew: one pin a package, for Python 3.11 to 3.13
	@$(BIN)/uv pip compile -q --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	  --no-header --no-annotate envs/workstation.in \
	  | grep -vE '^(torch|torchvision|triton|cuda-.*|nvidia-.*|openvino-telemetry)==' >envs/workstation.lock.new
	@mv envs/workstation.lock.new envs/workstation.lock

demo-model: install ## train the demo's segmentation model anew (writes resources/demo/model.zip)
	@$(BIN)/snakemake --cores $(CORES) --directory tests/demo/training segmentation_model
	@cp tests/demo/training/results/segmentation_model.zip resources/demo/model.zip
	@sha256sum resources/demo/model.zip

# The package and the tests' helpers are not installed; benchmarks import both.
bench-%: export PYTHONPATH = $(CURDIR)/workflow:$(CURDIR)/tests

bench-radiomics: install ## our radiomics against pyradiomics, Nyxus and MIRP (PEERS=a Python that has them; FULL=1: every lesion)
	@$(BIN)/python benchmarks/bench_radiomics.py $(if $(PEERS),--peers $(PEERS)) $(if $(FULL),--full) $(ARGS)

bench-dryrun: install ## how long Snakemake plans 1,000 patients, and finds nothing to do in a finished study
	@$(BIN)/python benchmarks/bench_dryrun.py $(ARGS)

bench-draft: install ## memory and time of `make cohort` for each header, with 20,000 and 100,000 of them
	@$(BIN)/python benchmarks/bench_draft.py $(ARGS)

bench-arms: install ## how long all arms take, from a features table of the paper's size to its metrics
	@$(BIN)/python benchmarks/bench_arms.py $(ARGS)

bench-statistics: install ## our intervals against a loop over scikit-learn
	@$(BIN)/python benchmarks/bench_statistics.py $(ARGS)

bench-coverage: install ## how often the intervals hold the truth, in simulated studies (20 minutes)
	@$(BIN)/python benchmarks/bench_coverage.py $(ARGS)

bench-densenet: install ## training and inference from files of slices against the bare network
	@$(BIN)/python benchmarks/bench_densenet.py $(ARGS)

bench-segmentation: install ## our segmentation against nnU-Net's own command, on CHAOS set 3
	@$(BIN)/python benchmarks/bench_segmentation.py $(ARGS)

bench-openvino: install ## a network's patch on a CPU by OpenVINO and by PyTorch
	@$(BIN)/python benchmarks/bench_openvino.py

bench-totalsegmentator: install ## our labels against TotalSegmentator's (PEERS=a Python that has it, CT=a CT as NIfTI)
	@$(BIN)/python benchmarks/bench_totalsegmentator.py --peers $(PEERS) --ct $(CT) $(ARGS)

bench-masks: install ## masks of two real CTs by the model of config/recipes/leuven.yaml: Dice and seconds
	@$(BIN)/python benchmarks/bench_masks.py $(ARGS)

readme: ## the demo's numbers and pictures into README.md
	@dot -Tsvg docs/images/workflow.dot -o docs/images/workflow.svg
	@$(BIN)/python docs/update_readme.py

screenshots: export PYTHONPATH = $(CURDIR)/workflow:$(CURDIR)/tests
screenshots: install ## pictures of the pages in RESULTS (tests/demo/results) as desk and phone show them; needs Chromium
	@$(BIN)/python docs/generators/screenshots.py "$(or $(RESULTS),tests/demo/results)" $(ARGS)

config: install ## write config/config.yaml from the schema
	@$(BIN)/python docs/generators/config_file.py

docs: install ## build the documentation into docs/_build, offline; warnings and dead links are errors
	@$(BIN)/python -m sphinx -W --keep-going -q -j auto -b html docs docs/_build/html
	@echo "The documentation: docs/_build/html/index.html"

cohort: install ## draft the cohort sheet of STUDY (my-study) from the folder tree DICOM, or again from its config/series.tsv
	@PYTHONPATH=workflow $(BIN)/python -m livermets.imaging.draft_cohort "$(or $(STUDY),my-study)" $(if $(DICOM),"$(DICOM)")

clean-demo: ## forget the demo's results
	@rm -rf tests/demo/results tests/demo/phantoms tests/demo/.snakemake
