"""Facts of the images for the methods section: acquisition, segmentation, correction, lesions."""

from typing import Any

from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import (
    counted,
    enumerate_words,
    median_range,
    present,
    with_counts,
)

CONNECTIVITY = {6: "faces", 18: "faces or edges", 26: "faces, edges or corners"}
DIAMETERS = {
    "axial": "longest diameter within one axial slice",
    "feret": "longest diameter in three dimensions",
    "sphere": "diameter of the sphere of equal volume",
}
STATED = {
    "manufacturer": "scanner manufacturer",
    "kvp": "tube voltage",
    "kernel": "reconstruction kernel",
    "phase": "contrast phase",
    "contrast": "contrast agent",
    "slice_thickness_mm": "slice thickness",
}  # what a record of a CT states -> words


def acquisition_facts(run: RunFiles) -> dict[str, Any]:
    """Collect how the CTs were acquired, and what their files do not state."""
    records = list(run.records("ct").values())
    facts: dict[str, Any] = {"known": bool(records)}
    if not records:
        return facts
    counts = {key: len(present(records, key)) for key in STATED}
    pixels = [max(spacing[:2]) for spacing in present(records, "spacing_mm")]
    limits = run.config["imaging"]["inclusion"]
    return facts | {
        "scans": counted(len(records), "CT"),
        "manufacturers": with_counts(present(records, "manufacturer")),
        "voltages": with_counts(f"{kvp:g} kVp" for kvp in present(records, "kvp")),
        "kernels": with_counts(present(records, "kernel")),
        "phases": with_counts(present(records, "phase")),
        "thickness": _range(present(records, "slice_thickness_mm")),
        "step": _range(present(records, "slice_step_mm")),
        "pixel": _range(pixels, digits=2),
        "unstated": [
            f"{words} in {len(records) - counts[key]} of {len(records)}"
            for key, words in STATED.items()
            if counts[key] < len(records)
        ],
        "clipped": sum(record.get("clipped_voxels", 0) > 0 for record in records),
        "tilt": run.config["imaging"]["resample_tilt"],
        "criteria": _criteria(limits),
        "unknown": limits["unknown"],
    }


def _range(values: list[float], digits: int = 1) -> str:
    return median_range(values, "mm", digits) if values else ""


def _criteria(limits: dict[str, Any]) -> list[str]:
    texts = {
        "max_slice_thickness_mm": "a slice thickness of {} mm at most",
        "max_slice_step_mm": "a distance of slices of {} mm at most",
        "kernels": "one of the kernels {}",
        "phases": "one of the contrast phases {}",
    }
    shown = {key: value for key in texts if (value := limits[key]) is not None}
    return [
        texts[key].format(enumerate_words(value) if isinstance(value, list) else value)
        for key, value in shown.items()
    ]


def mask_facts(run: RunFiles) -> dict[str, Any]:
    """Collect the origin of the masks, the models, and how far corrections went."""
    records = list(run.records("masks").values())
    sources = [record["source"] for record in records]
    count = {name: sources.count(name) for name in ("automatic", "corrected", "given")}
    agreement = run.table("agreement.tsv")
    compared = agreement is not None and not agreement.empty
    chain = run.config["segmentation"]
    used = run.has("agreement.tsv") and compared or count["automatic"] or count["corrected"]
    return {
        "known": bool(records),
        **count,
        "given_type": run.config["masks"]["given_type"],
        "models": chain["models"] if used else [],
        "mirroring": chain["mirroring"],
        "step_size": chain["step_size"],
        "largest_liver": chain["keep_largest_liver"],
        "blind": run.config["masks"]["blind_review"],
        "compared": len(agreement) if agreement is not None and compared else 0,
        **{
            name: median_range(agreement[name].dropna().tolist(), digits=2)
            if agreement is not None and compared and agreement[name].notna().any()
            else ""
            for name in ("dice_liver", "dice_lesion")
        },
    }


def lesion_facts(run: RunFiles) -> dict[str, Any]:
    """Collect how lesions were told apart and measured, and how many were dropped."""
    records = list(run.records("lesions").values())
    settings = run.config["lesions"]
    totals = {
        name: sum(int(record.get(name) or 0) for record in records)
        for name in ("n_components", "n_lesions", "n_dropped", "n_outside_liver", "n_deleted")
    }
    return {
        "known": bool(records),
        **totals,
        "n_dropped": totals["n_dropped"] - totals["n_deleted"],
        "neighbours": CONNECTIVITY[settings["connectivity"]],
        "connectivity": settings["connectivity"],
        "diameter": DIAMETERS[settings["diameter"]],
        "min_mm": f"{settings['min_diameter_mm']:g}",
        "touch": settings["must_touch_liver"],
        "fill": settings["fill_holes"],
    }
