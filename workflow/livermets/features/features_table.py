"""The features table: one row per kept lesion, from our own radiomics or from a user's file.

Columns: patient, scan (where the cohort sheet lists scans), lesion, label; facts of lesion and
patient (`FACTS`); clinical columns, prefixed `clinical_`; radiomics features (float64, NaN where
not computable); `radiomics_reason`, which says why a feature is NaN.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from livermets.core.errors import BadInput, BadPatient
from livermets.core.io import read_json_files
from livermets.core.scan_ids import id_columns, patient_of
from livermets.study.clinical_columns import clinical_columns
from livermets.study.names import CLINICAL, EMBEDDINGS, RADIOMICS, SCAN, lesion_key

IDS = ("patient", SCAN, "lesion", "label")
LESION_FACTS = ("volume_ml", "diameter_mm", "mean_hu")
PATIENT_FACTS = ("n_lesions", "burden", "liver_ml", "parenchyma_hu")
FACTS = (*LESION_FACTS, *PATIENT_FACTS)
REASON = "radiomics_reason"


def assemble_features(
    cohort: pd.DataFrame,
    radiomics: Iterable[str | Path],
    lesions: Iterable[str | Path],
    labels: Mapping[str, str],
    clinical: Sequence[str] = (),
) -> pd.DataFrame:
    """The features table of the cohort's included patients, in its order, then by scan and lesion.

    Parameters
    ----------
    cohort : data frame
        As `livermets.cohort.cohort_table.read_cohort` returns it: patient, included,
        `PATIENT_FACTS` and the clinical columns.
    radiomics : iterable of path
        Parquet of `livermets.radiomics.extraction` of each scan, named `{scan}.parquet`.
    lesions : iterable of path
        Lesion table of each scan, named `{scan}.tsv`. That of an excluded scan has no row.
    labels : mapping
        Class of each scan, by its id: that of its lesions.
    clinical : sequence of str
        Columns of the cohort that enter as `clinical_{name}`.

    Returns
    -------
    data frame
        Its `attrs["radiomics"]`, which Parquet keeps, say what the radiomics were extracted with.

    Raises
    ------
    BadPatient
        Features and lesion table disagree about which lesions were kept.
    BadInput
        No lesion in the whole cohort; features made with different settings.
    """
    lesion_files = {Path(path).stem: Path(path) for path in lesions}
    files_of: dict[str, list[Path]] = defaultdict(list)
    for path in map(Path, radiomics):
        files_of[patient_of(path.stem)].append(path)
    tables: list[pd.DataFrame] = []
    owner: dict[str, str] = {}  # digest of the extraction -> a patient who has it
    for cells in cohort[cohort["included"]].to_dict("records"):
        patient = str(cells["patient"])
        columns = {name: cells[name] for name in PATIENT_FACTS}
        columns |= {f"{CLINICAL}{name}": cells[name] for name in clinical}
        for path in files_of[patient]:
            features, extraction = _kept_lesions(path.stem, path, lesion_files[path.stem])
            owner.setdefault(extraction["sha256"], patient)
            if len(features):
                label = labels[path.stem]
                tables.append(features.assign(**id_columns(path.stem), label=label, **columns))
    if len(owner) > 1:
        first, second = list(owner.values())[:2]
        raise BadInput(
            f"the radiomics of patients {first} and {second} were extracted with different "
            "settings or versions: delete results/radiomics and run again"
        )
    if not tables:
        raise BadInput(
            "no included patient has a lesion, so there is nothing to classify: look at "
            "cohort.tsv and at lesions.min_diameter_mm"
        )
    table = pd.concat(tables, ignore_index=True).astype({"n_lesions": "int64"})
    head = [*lesion_key(table), "label", *FACTS, *clinical_columns(table)]
    table = table[head + [name for name in table if name not in head]]
    table.attrs["radiomics"] = extraction
    return table


def _kept_lesions(scan: str, radiomics: Path, lesions: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One scan's kept lesions with `LESION_FACTS` and features, and how they were extracted."""
    table = pq.read_table(radiomics)
    extraction = json.loads(table.schema.metadata[b"livermets"])
    features = table.to_pandas(ignore_metadata=True)
    measured = pd.read_csv(lesions, sep="\t")
    measured = measured.loc[measured["kept"].astype(bool), ["lesion", *LESION_FACTS]]
    if sorted(measured["lesion"]) != sorted(features["lesion"]):
        raise BadPatient(
            scan,
            f"lesions {sorted(measured['lesion'])} were kept, but the radiomics are those of "
            f"{sorted(features['lesion'])}",
            f"Delete {radiomics} and run again",
        )
    return measured.merge(features, on="lesion").sort_values("lesion"), extraction


def image_hashes(records: Iterable[str | Path]) -> dict[str, str]:
    """The sha256 of each scan's voxels, from records of CTs or masks named `{scan}.json`.

    Scans that are out may have none. The hashes stand in the metadata of the features table, so
    that one can tell from which images it comes.
    """
    hashes = {scan: record.get("sha256") for scan, record in read_json_files(records).items()}
    return {scan: digest for scan, digest in hashes.items() if digest}


def feature_columns(table: pd.DataFrame, sets: Sequence[str] | None = None) -> list[str]:
    """The columns to learn from: numbers that are neither ids nor facts nor clinical.

    Parameters
    ----------
    table : data frame
        The features table.
    sets : sequence of str, optional
        Feature sets to take (`{set}_...` and `{set}-{image}_...`); by default all. `radiomics`
        takes all but embeddings of other networks.

    Returns
    -------
    list of str
        Names in the order of the table.

    Raises
    ------
    BadInput
        The table has no column of these sets.
    """
    features = [
        name
        for name in table.select_dtypes(["number", "bool"]).columns
        if name not in (*IDS, *FACTS, REASON) and not name.startswith(CLINICAL)
    ]
    if sets is None:
        return features
    set_of = {name: name.partition("_")[0].partition("-")[0] for name in features}
    all_but_embeddings = RADIOMICS in sets
    chosen = [
        name
        for name in features
        if set_of[name] in sets or (all_but_embeddings and set_of[name] != EMBEDDINGS)
    ]
    if not chosen:
        raise BadInput(
            f"the features table has no column of the feature sets {', '.join(sets)}: name sets of "
            "radiomics.sets in classification.feature_sets"
        )
    return chosen


def without_other_sets(table: pd.DataFrame, sets: Sequence[str] | None = None) -> pd.DataFrame:
    """The table without the features of other sets; ids, facts and clinical columns stay."""
    chosen = feature_columns(table, sets)
    return table.drop(columns=[c for c in feature_columns(table) if c not in chosen])


def stable_columns(
    columns: Sequence[str], unstable: Mapping[str, Sequence[str]] | None, split: str
) -> list[str]:
    """The columns without those that `unstable` names for the split; BadInput if none is left."""
    dropped = set((unstable or {}).get(split, ()))
    stable = [name for name in columns if name not in dropped]
    if not stable:
        raise BadInput(f"{split}: no feature reaches radiomics.min_icc: lower it.")
    return stable
