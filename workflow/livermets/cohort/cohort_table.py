"""Who is in the study, who is not and why: the table behind the flow diagram."""

import pandas as pd

COUNTS = ("n_components", "n_lesions", "n_dropped", "n_outside_liver")
FACTS = (*COUNTS, "liver_ml", "lesion_ml", "burden")
MEANS = ("parenchyma_hu", "lesion_hu")
NO_LESION = "no lesion large enough to characterise"


def list_cohort(sheet: pd.DataFrame, masks: list[dict], facts: list[dict]) -> pd.DataFrame:
    """One row per patient of the sheet, in its order.

    Parameters
    ----------
    sheet : the cohort sheet (patient, label, site and clinical columns)
    masks : each patient's mask record (`source`, `excluded`)
    facts : each patient's facts from splitting the lesions (volumes in ml, means in HU)

    Returns
    -------
    DataFrame: patient, label, included, stage and reason (where they left the study), the
    sheet's further columns, the facts, mask_source. A patient without a kept lesion is not
    included: there is nothing to classify.
    """
    rows = []
    for cells, mask, fact in zip(sheet.to_dict("records"), masks, facts, strict=True):
        out = mask.get("excluded") or {}
        if not out and not fact["n_lesions"]:
            out = {"stage": "lesions", "reason": NO_LESION}
        rows.append(
            {
                "patient": cells["patient"],
                "label": cells["label"],
                "included": not out,
                "stage": out.get("stage", ""),
                "reason": out.get("reason", ""),
                **{k: v for k, v in cells.items() if k not in ("patient", "label", "ct", "mask")},
                **{key: fact.get(key) for key in (*FACTS, *MEANS)},
                "mask_source": mask.get("source", ""),
            }
        )
    return pd.DataFrame(rows)


def cohort_of_features(features: pd.DataFrame, sheet: pd.DataFrame | None) -> pd.DataFrame:
    """The same table for a study that starts from features: every patient of them is included."""
    lesions = features.groupby("patient", sort=False).size()
    cohort = features.drop_duplicates("patient")[["patient", "label"]].reset_index(drop=True)
    cohort = cohort.assign(included=True, stage="", reason="")
    cohort["n_lesions"] = cohort["patient"].map(lesions)
    if sheet is not None:
        cohort = cohort.merge(sheet.drop(columns=["label", "ct", "mask"]), "left", "patient")
    return cohort
