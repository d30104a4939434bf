# Builds the study from the configuration and the cohort sheet, and holds what several rule files
# need: wildcards, resources, input functions. No science in here.
import csv
import os
import sys
import time

from livermets.cohort.sample_size import describe_cohort
from livermets.core.code_digest import add_code_digests
from livermets.core.errors import BadInput
from livermets.core.failures import where_to_look, write_failures
from livermets.core.jobs import refusals
from livermets.core.run_watch import watch_run
from livermets.study.arms import BASELINES, RESAMPLINGS
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.config_file import refuse_double_keys
from livermets.study.outputs import FIGURE_FILES
from livermets.study.study import Study

# Threads that wait for each other sleep: those of PyTorch's OpenMP spin otherwise, and a training
# takes two to three times the CPU time where other jobs have the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A job's threads are asked for by name; the linear algebra below NumPy would take every core
# of the machine in every job.
for threads_of_library in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
):
    os.environ.setdefault(threads_of_library, "1")

try:
    for config_file in workflow.configfiles:
        refuse_double_keys(config_file)
    study = Study.load(config)
except BadInput as problem:
    # A person made this mistake: the message alone, a traceback would hide it.
    print(f"livermets: {problem}", file=sys.stderr)
    sys.exit(1)
config.update(study.config)

if workflow.is_main_process:
    # A cohort too small for its features should be known before anything is computed.
    sentence = describe_cohort(
        cells["label"] for cells in study.cells_of_patients.values()
    )
    if sentence:
        print(f"livermets: {sentence}", file=sys.stderr)

STARTED = time.time()
if workflow.is_main_process:
    # One job for each lesion is added once the lesions of a CT are known.
    per_lesion = study.has_images and config["radiomics"]["fan_out"] == "lesion"
    watch = watch_run("list_kept_lesions" if per_lesion else "")


onsuccess:
    listed = where_to_look("results", write_failures("results", watch.failed))
    if listed:
        print("\nThe results:", *listed, sep="\n", file=sys.stderr)


# What a person has to put right stands last on the terminal, each message once.
onerror:
    listed = where_to_look("results", write_failures("results", watch.failed))
    if listed:
        print("\nWhat is there so far:", *listed, sep="\n", file=sys.stderr)
    problems = refusals("results/logs", STARTED)
    if problems:
        print("\nThe study stopped. To be put right:", file=sys.stderr)
        print(*(f"* {problem}" for problem in problems), sep="\n", file=sys.stderr)


wildcard_constraints:
    scan="[A-Za-z0-9][A-Za-z0-9_-]*(@[A-Za-z0-9][A-Za-z0-9_-]*)?",
    lesion=r"\d+",
    split=r"[A-Za-z0-9_-]+",
    model="|".join(CLASSIFIERS),
    resampling="|".join(RESAMPLINGS),
    feature_sets="[a-z][a-z0-9_]*",
    baseline="|".join(BASELINES),


def by_scan(method, *arguments):
    """An input or params function: what `method` of the study says of the wildcard's scan."""
    return lambda wildcards: method(wildcards.scan, *arguments)


def to_train_on(pattern):
    """An input or params function: reviews are read when a training is asked for, not before."""
    return lambda wildcards: expand(pattern, scan=study.scans_to_train_on)


def scaled(amount):
    """Memory (MB) or time (min) that grows with each retry: a CT larger than the others should
    not end a study."""
    return lambda wildcards, attempt: amount * attempt


def gpus(device):
    """GPUs a job asks for: none where the config says cpu, so that such jobs run in parallel."""
    return 0 if device == "cpu" else 1


def prediction_tables(wildcards):
    """An input function: every prediction table that the report shows, the user's own included."""
    fitted = expand("results/predictions/{arm}.parquet", arm=study.arms)
    return fitted + list(study.added_tables().values())


def cohort_of_site(wildcards):
    """An input function: the cohort table, which holds the sites, for the baseline of the site."""
    return ["results/cohort.tsv"] if wildcards.baseline == "site" else []


def kept_lesions(wildcards):
    """An input function: the features of every lesion that was kept, once they are labelled."""
    listed = checkpoints.list_kept_lesions.get(scan=wildcards.scan).output[0]
    with open(listed) as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return expand(
        "results/radiomics/{scan}/{lesion}.parquet",
        scan=wildcards.scan,
        lesion=[row["lesion"] for row in rows if row["kept"] == "True"],
    )
