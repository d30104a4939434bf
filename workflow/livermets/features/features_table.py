"""The features table: one row per kept lesion, from our own radiomics or from a user's file.

Columns: patient, lesion, label; facts of lesion and patient (`FACTS`); clinical columns, prefixed
`clinical_`; radiomics features (float64, NaN where not computable); `radiomics_reason`, which says
why a feature is NaN.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from livermets.core.errors import BadInput, BadPatient
from livermets.core.io import read_json
from livermets.features.label_leaks import refuse_leaks, refuse_twins
from livermets.features.user_table import load_table
from livermets.study.baselines import CLINICAL

IDS = ("patient", "lesion", "label")
LESION_FACTS = ("volume_ml", "diameter_mm", "mean_hu")
PATIENT_FACTS = ("n_lesions", "burden", "liver_ml", "parenchyma_hu")
FACTS = (*LESION_FACTS, *PATIENT_FACTS)
REASON = "radiomics_reason"


def gather(
    cohort: pd.DataFrame,
    radiomics: Iterable[str | Path],
    lesions: Iterable[str | Path],
    clinical: Sequence[str] = (),
) -> pd.DataFrame:
    """The features table of the cohort's included patients, in its order, then by lesion.

    Its `attrs["radiomics"]`, which Parquet keeps, say what the radiomics were extracted with.

    Parameters
    ----------
    cohort : patient, label, included, `PATIENT_FACTS` and the clinical columns
    radiomics : each patient's Parquet of `livermets.radiomics.extraction`, named `{patient}.parquet`
    lesions : each patient's lesion table, named `{patient}.tsv`
    clinical : columns of the cohort that enter as `clinical_{name}`

    Raises
    ------
    BadPatient : features and lesion table disagree about which lesions were kept
    BadInput : no lesion in the whole cohort; features made with different settings; two patients
        with an identical lesion
    """
    tables, measured = ({Path(p).stem: Path(p) for p in paths} for paths in (radiomics, lesions))
    rows: list[pd.DataFrame] = []
    made_with: dict[str, str] = {}  # digest of the extraction -> a patient who has it
    for cells in cohort[cohort["included"].astype(str).str.lower() == "true"].to_dict("records"):
        patient = str(cells["patient"])
        table = pq.read_table(tables[patient])
        extraction = json.loads(table.schema.metadata[b"livermets"])
        made_with.setdefault(extraction["sha256"], patient)
        features = table.to_pandas(ignore_metadata=True)
        facts = pd.read_csv(measured[patient], sep="\t")
        facts = facts.loc[facts["kept"].astype(bool), ["lesion", *LESION_FACTS]]
        if sorted(facts["lesion"]) != sorted(features["lesion"]):
            raise BadPatient(
                patient,
                f"lesions {sorted(facts['lesion'])} were kept, but the radiomics are those of "
                f"{sorted(features['lesion'])}",
                f"Delete {tables[patient]} and run again",
            )
        known = {"patient": patient, "label": str(cells["label"])}
        known |= {name: cells[name] for name in PATIENT_FACTS}
        known |= {f"{CLINICAL}{name}": cells[name] for name in clinical}
        rows.append(facts.assign(**known).merge(features, on="lesion").sort_values("lesion"))
    if len(made_with) > 1:
        first, other = list(made_with.values())[:2]
        raise BadInput(
            f"the radiomics of patients {first} and {other} were extracted with different settings "
            "or versions: delete results/radiomics and run again"
        )
    if not sum(map(len, rows)):
        raise BadInput(
            "no included patient has a lesion, so there is nothing to classify: look at "
            "cohort.tsv and at lesions.min_diameter_mm"
        )
    table = pd.concat(rows, ignore_index=True).astype({"n_lesions": "int64"})
    head = [*IDS, *FACTS, *clinical_columns(table)]
    table = table[head + [name for name in table if name not in head]]
    refuse_twins(table, feature_columns(table))
    table.attrs["radiomics"] = extraction
    return table


def image_hashes(records: Iterable[str | Path]) -> dict[str, str]:
    """Patient -> sha256 of the voxels, from the records of CTs or masks, named `{patient}.json`.

    Those of patients who are out may have none. They stand in the metadata of the features table,
    so that it can be told from which images it came.
    """
    found = {Path(path).stem: read_json(path).get("sha256") for path in records}
    return {patient: digest for patient, digest in found.items() if digest}


def read_features(
    path: str | Path, columns: Mapping[str, str | None], classes: Sequence[str]
) -> pd.DataFrame:
    """A user's own features table, checked, with the columns named as ours and in file order.

    Parameters
    ----------
    path : CSV, TSV or Parquet, also with .gz; one row per lesion
    columns : what the file calls "patient", "lesion" and "label". Without a lesion column a
        patient's rows are numbered from 1.
    classes : the labels allowed, as text

    Columns that are neither ids nor `FACTS` nor `clinical_*` are features and must be numbers;
    missing values may stay. pyradiomics' `diagnostics_*` and an unnamed column of row numbers are
    left out, with a line in the log.

    Raises
    ------
    BadInput : names the column, patient or row (1 is the first below the header) and what to do
    """
    name = Path(path).name
    table = load_table(path, columns, text=(REASON,), text_prefix=CLINICAL)
    table["label"] = _labels(table["label"], [str(c) for c in classes], name, columns["label"])
    labels = table.groupby("patient", sort=False)["label"].unique()
    if len(torn := labels[labels.str.len() > 1]):
        raise BadInput(
            f"{name}: patient {torn.index[0]} has the labels {' and '.join(torn.iloc[0])}. "
            "Give each patient one label"
        )
    features = feature_columns(table)
    if not features:
        raise BadInput(
            f"{name} has no feature: besides ids, {', '.join(FACTS)} and {CLINICAL}* it needs one "
            "column of numbers or more. Add the features"
        )
    refuse_leaks(table, features, name)
    refuse_twins(table, features)
    if REASON in table:
        table[REASON] = table[REASON].astype(object).where(table[REASON].notna(), "").astype(str)
    extra = [c for c in table if c in FACTS or c in clinical_columns(table)]
    return table[[*IDS, *extra, *features, *(c for c in (REASON,) if c in table)]]


def feature_columns(table: pd.DataFrame, sets: Sequence[str] | None = None) -> list[str]:
    """The columns to learn from: numbers that are neither ids nor facts nor clinical.

    sets : only those of these feature sets (`{set}_...` and `{set}-{image}_...`); None is all
    """
    found = [
        name
        for name in table.select_dtypes(["number", "bool"]).columns
        if name not in (*IDS, *FACTS, REASON) and not name.startswith(CLINICAL)
    ]
    if sets is None:
        return found
    chosen = [name for name in found if name.partition("_")[0].partition("-")[0] in sets]
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


def steady_columns(
    columns: Sequence[str], unstable: Mapping[str, Sequence[str]] | None, split: str
) -> list[str]:
    """The columns without those that `unstable` names for the split; BadInput if none is left."""
    dropped = set((unstable or {}).get(split, ()))
    kept = [name for name in columns if name not in dropped]
    if not kept:
        raise BadInput(f"{split}: no feature reaches radiomics.min_icc: lower it.")
    return kept


def clinical_columns(table: pd.DataFrame) -> list[str]:
    """The clinical columns, numbers or not."""
    return [name for name in table.columns if name.startswith(CLINICAL)]


def _labels(labels: pd.Series, classes: list[str], name: str, column: str | None) -> pd.Series:
    """The labels as class names (1.0 is 1); refuses others, and classes nobody has."""
    labels = labels.where(labels.isin(classes), labels.str.replace(r"\.0+$", "", regex=True))
    found = sorted(labels.unique())
    wrong = labels[~labels.isin(classes)]
    spelt = {c.casefold(): c for c in classes}
    if len(wrong) and all(label.casefold() in spelt for label in wrong):
        raise BadInput(
            f"{name}: the label column {column} holds {wrong.iloc[0]!r} in row "
            f"{wrong.index[0] + 1}, where the class is {spelt[wrong.iloc[0].casefold()]!r}. Write "
            "the labels as `classes` does"
        )
    if len(wrong):
        raise BadInput(
            f"{name}: the label column {column} holds {', '.join(map(repr, found))}, but the "
            f"config's classes are {', '.join(map(repr, classes))} (first in row "
            f"{wrong.index[0] + 1}: {wrong.iloc[0]!r}). Set `classes: {json.dumps(found)}` and "
            "`positive` to one of them, or rename the labels in the table"
        )
    if absent := [c for c in classes if c not in found]:
        raise BadInput(
            f"{name}: no patient has the label {absent[0]!r}. Add patients of that class, or take "
            "it out of `classes`"
        )
    return labels
