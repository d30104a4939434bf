# Loads and checks the configuration and the cohort sheet, and holds what several rules need:
# wildcards, input functions. No science in here.
import csv
import os
import sys
import time
from pathlib import Path

import pandas as pd

from livermets.study import arms, baselines, outputs, schemes
from livermets.study.arms import Arm
from livermets.core.code_digest import add_code_digests
from livermets.masks.corrections import find_correction, find_sidecar
from livermets.core.errors import BadInput
from livermets.core.jobs import refusals
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.config import load_config, load_patients, table_columns

# A job's threads are asked for by name; the linear algebra below NumPy would take every core
# of the machine in every job.
for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")


STARTED = time.time()


# What a person has to put right stands last on the terminal, each message once.
onerror:
    problems = refusals("results/logs", STARTED)
    if problems:
        print("\nThe study stopped. To be put right:", file=sys.stderr)
        print(*(f"* {problem}" for problem in problems), sep="\n", file=sys.stderr)


def refuse(problem):
    """End with the message alone: a person made this mistake, a traceback would hide it."""
    print(f"livermets: {problem}", file=sys.stderr)
    sys.exit(1)


try:
    config.update(load_config(config))
    SHEET = load_patients(config["patients"], config) if config["patients"] else None
    TABLE_COLUMNS = table_columns(config["features"]) if config["features"] else []
except BadInput as problem:
    refuse(problem)

FROM_FEATURES = config["features"] is not None
UNMASKED = [] if FROM_FEATURES else list(SHEET.loc[SHEET["mask"] == "", "patient"])
if UNMASKED and not config["segmentation"]["models"]:
    refuse(
        f"patient {UNMASKED[0]} has no `mask` in the sheet and `segmentation.models` is "
        "empty; name a mask, or a model (config/README.md shows where to get one)."
    )
COMPARED = config["segmentation"]["compare"] and not FROM_FEATURES
if COMPARED and not config["segmentation"]["models"]:
    refuse(
        "config: `segmentation.compare` needs a model; name one, or set it to false."
    )
for model in config["segmentation"]["models"] if UNMASKED or COMPARED else []:
    if not Path(model["path"]).exists() and not model["url"]:
        refuse(
            f"config: segmentation model {model['name']}: {model['path']} does not exist; "
            "correct its `path`, or fetch the model (config/README.md says where from)."
        )
PATIENTS = [] if FROM_FEATURES else list(SHEET["patient"])
SITES = [] if SHEET is None else list(SHEET["site"])
SPLITS = schemes.split_names(**config["splits"], sites=SITES)
# the classifiers, with every way of resampling they take
RADIOMICS = arms.classifier_arms(
    config["classification"]["models"], config["classification"]["resampling"]
)
# some of them once more for each choice of feature sets that is to be compared
COMPARED_SETS = config["classification"]["compare_sets"]
SETS_ARMS = [
    f"{arm}@{learns_from}"
    for arm in arms.classifier_arms(
        config["classification"]["compare_models"], ["none"]
    )
    for learns_from in COMPARED_SETS
]
CLASSES = {"classes": config["classes"], "positive": config["positive"]}
# patient -> column -> cell; a look-up in the table itself takes a millisecond, a plan thousands
CELLS = {} if SHEET is None else SHEET.set_index("patient").to_dict("index")


wildcard_constraints:
    patient="[A-Za-z0-9][A-Za-z0-9_-]*",
    lesion=r"\d+",
    split=r"[A-Za-z0-9_-]+",
    model="|".join(CLASSIFIERS),
    resampling="|".join(arms.RESAMPLINGS),
    learns_from="[a-z][a-z0-9_]*",
    baseline="|".join(arms.BASELINES),


def cell(column):
    """An input or params function: this patient's cell of the cohort sheet."""

    def lookup(wildcards):
        return CELLS[wildcards.patient][column]

    return lookup


def source(column):
    """An input function: the file or folder named in the sheet.

    A path that is not there is left out, so that the rule's script can name the patient and
    say what to do; phantoms are not there until their rule has made them.
    """

    def lookup(wildcards):
        path = cell(column)(wildcards)
        return (
            [path]
            if path and (path.startswith("phantoms/") or Path(path).exists())
            else []
        )

    return lookup


def correction(wildcards):
    """An input function: the reader's corrected mask and what is said of it, if there is one."""
    where = config["corrections"], wildcards.patient
    found = [find_correction(*where), find_sidecar(*where)]
    return [str(path) for path in found if path] if found[0] else []


def has_other_mask(patient):
    """Whether there is a corrected or a given mask to compare an automatic one with."""
    given = CELLS[patient]["mask"]
    return bool(given or find_correction(config["corrections"], patient))


def has_two_masks(patient):
    """Whether the final mask took the place of another: the model's, or the one that was given."""
    corrected = find_correction(config["corrections"], patient)
    given = SHEET.set_index("patient").at[patient, "mask"]
    return sum(map(bool, (needs_segmentation(patient), given, corrected))) > 1


def needs_segmentation(patient):
    """Whether a model has to segment this patient: no mask was given, or both are compared."""
    return patient in UNMASKED or config["segmentation"]["compare"]


def automatic_mask(wildcards):
    """An input function: the automatic mask, where there is one."""
    segmented = needs_segmentation(wildcards.patient)
    return [f"results/segmentation/{wildcards.patient}.nii.gz"] if segmented else []


def readable_masks(wildcards):
    """An input function: what a reader can open; as DICOM too where the CT came as DICOM."""
    volumes = (".nii", ".nii.gz", ".nrrd", ".nhdr")
    sheet = zip(SHEET["patient"], SHEET["ct"])
    dicom = [patient for patient, ct in sheet if not ct.lower().endswith(volumes)]
    masks = expand("results/review/{patient}.seg.nrrd", patient=PATIENTS)
    return masks + expand("results/review/{patient}.seg.dcm", patient=dicom)


def scaled(amount):
    """Memory (MB) or time (min) that grows with each retry: a CT larger than the others should
    not end a study."""
    return lambda wildcards, attempt: amount * attempt


def gpus(device):
    """GPUs a job asks for: none where the config says cpu, so that such jobs run in parallel."""
    return 0 if device == "cpu" else 1


def kept_lesions(patient):
    """Ids of the lesions that were kept, once the lesions are split."""
    table = checkpoints.split_lesions.get(patient=patient).output.table
    with open(table) as handle:
        return [
            r["lesion"]
            for r in csv.DictReader(handle, delimiter="\t")
            if r["kept"] == "True"
        ]


def own_arms():
    """Every arm this study fits: classifiers, the baselines it has columns for, DenseNet."""
    chosen = config["classification"]
    found = list(RADIOMICS)
    if len(RADIOMICS) > 1 and chosen["tuning"]["iterations"]:
        found.append(arms.SELECTED)
    if FROM_FEATURES:
        columns = TABLE_COLUMNS
    else:
        columns = [
            "volume_ml",
            "burden",
            *(f"clinical_{name}" for name in config["clinical"]),
        ]
    possible = baselines.available_baselines(columns)
    wanted = chosen["baselines"] + ["volume"] * ("volume_only" in config["controls"])
    found += SETS_ARMS
    found += [
        arms.baseline_arm(name) for name in dict.fromkeys(wanted) if name in possible
    ]
    if config["densenet"] and not FROM_FEATURES:
        found.append("densenet121")
    return found


def added_arms():
    """Prediction tables the user put beside ours: any name that no rule of ours could make."""
    known = arms.classifier_arms(CLASSIFIERS, arms.RESAMPLINGS)
    known += [arms.SELECTED, "densenet121"]
    known += [arms.baseline_arm(name) for name in arms.BASELINES]
    present = {path.stem for path in Path("results/predictions").glob("*.parquet")}
    return sorted(arm for arm in present if str(Arm.parse(arm).plain) not in known)


def prediction_tables(wildcards):
    """An input function: every prediction table the report shows."""
    return expand("results/predictions/{arm}.parquet", arm=own_arms() + added_arms())
