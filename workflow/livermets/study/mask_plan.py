"""The masks of a study: given, corrected or automatic, and how models segment."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from livermets.core.scan_ids import patient_of
from livermets.study.cohort_files import CohortFiles
from livermets.study.corrections import find_correction, find_sidecar
from livermets.study.reviews import excluded_by_readers, find_reviews


@dataclass(frozen=True)
class MaskPlan(CohortFiles):
    """Which masks each scan has, and which of them are to be made."""

    def correction(self, scan: str) -> list[str]:
        """The corrected mask and its note as inputs of a rule; empty where there is none."""
        return self._corrections[scan]

    @cached_property
    def _corrections(self) -> dict[str, list[str]]:
        folder = self.config["masks"]["corrections"]
        files = {}
        for scan in self.scans:
            mask, note = find_correction(folder, scan), find_sidecar(folder, scan)
            files[scan] = [str(path) for path in (mask, note) if path] if mask else []
        return files

    def reviews(self, scan: str) -> list[str]:
        """The readers' reviews of a scan as inputs of a rule; empty where there is none."""
        return [str(path) for path in self._reviews.get(scan, [])]

    @cached_property
    def scans_to_train_on(self) -> list[str]:
        """Scans whose masks a segmentation model may learn from: no reader excluded them."""
        return [scan for scan in self.scans if not excluded_by_readers(self.reviews(scan))]

    @cached_property
    def _reviews(self) -> dict[str, list[Path]]:
        return find_reviews(self.config["masks"]["reviews"])

    def label_for_readers(self, scan: str) -> str | None:
        """The class of a scan for its review page; None where readers must not know it."""
        return None if self.config["masks"]["blind_review"] else self.cell(scan, "label")

    @cached_property
    def _unmasked(self) -> list[str]:
        return [scan for scan in self.scans if not self.cell(scan, "mask")]

    @property
    def _compares_automatic(self) -> bool:
        return self.has_images and self.config["masks"]["compare_automatic"]

    @cached_property
    def segmented(self) -> list[str]:
        """Scans that a model has to segment: no mask was given, or both are compared."""
        return self.scans if self._compares_automatic else self._unmasked

    @cached_property
    def _segmented(self) -> frozenset[str]:
        return frozenset(self.segmented)

    def automatic_mask(self, scan: str) -> list[str]:
        """The automatic mask as an input of a rule; empty where no model segments the scan."""
        return [f"results/segmentation/{scan}.nii.gz"] if scan in self._segmented else []

    def lesion_probability(self, scan: str) -> list[str]:
        """The models' probability of lesion as an input of a rule; empty without a model."""
        image = f"results/segmentation/{scan}.lesion_probability.nii.gz"
        return [image] if scan in self._segmented else []

    @cached_property
    def segmentation_batches(self) -> list[list[str]]:
        """Scans that share a job of segmentation, and so the models in its memory."""
        size = self.config["segmentation"]["patients_per_job"]
        return [
            self.segmented[first : first + size] for first in range(0, len(self.segmented), size)
        ]

    def batch(self, number: str) -> list[str]:
        """Scans of one batch of segmentation; batches are counted from 1."""
        return self.segmentation_batches[int(number) - 1]

    def batch_folder(self, scan: str) -> str:
        """Where the masks of the scan's batch are written at first."""
        size = self.config["segmentation"]["patients_per_job"]
        return f"results/segmentation/batch-{self._places[scan] // size + 1}"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {scan: place for place, scan in enumerate(self.segmented)}

    @property
    def models_to_fetch(self) -> list[dict[str, Any]]:
        """Segmentation models to download; one that lies there already is a file like any other."""
        models = self.config["segmentation"]["models"]
        return [
            model
            for model in models
            if (model["url"] or model["package"]) and not Path(model["path"]).exists()
        ]

    def accepts_implausible(self, scan: str) -> bool:
        """Whether the scan's mask is taken although no liver looks like it."""
        return bool({scan, patient_of(scan)} & set(self.config["masks"]["accept_implausible"]))

    @property
    def compared_masks(self) -> list[str]:
        """Scans with an automatic mask and another one to compare it with."""
        return [scan for scan in self.segmented if self.cell(scan, "mask") or self.correction(scan)]

    @property
    def segmentation_jobs(self) -> str:
        """What a job of segmentation takes: `per_patient`, or `per_batch` of several patients."""
        several = self.config["segmentation"]["patients_per_job"] > 1
        return "per_batch" if several else "per_patient"

    @property
    def segmentation(self) -> dict[str, Any]:
        """How segmentation models are run."""
        keys = ("models", "device", "mirroring", "step_size", "keep_largest_liver")
        settings = {key: self.config["segmentation"][key] for key in keys}
        # what a model was trained on changes no mask, so it must not be a parameter of the rule
        settings["models"] = [
            {key: value for key, value in model.items() if key != "trained_on"}
            for model in settings["models"]
        ]
        return {**settings, "cache": "results/models/segmentation"}

    @property
    def segmentation_training(self) -> dict[str, Any]:
        """What the models were trained on, and the CTs that they segment, for the audit."""
        models = self.config["segmentation"]["models"]
        return {
            "cts": {scan: self.cell(scan, "ct") for scan in self.segmented},
            "trained_on": {model["name"]: model["trained_on"] for model in models},
        }

    @property
    def training_lists(self) -> list[str]:
        """The user's own lists of what segmentation models were trained on, as inputs of a rule."""
        models = self.config["segmentation"]["models"]
        entries = [entry for model in models for entry in model["trained_on"]]
        return [entry for entry in entries if entry.endswith(".txt") and Path(entry).exists()]

    @property
    def model_files(self) -> list[str]:
        """Files of the segmentation models."""
        return [model["path"] for model in self.config["segmentation"]["models"]]

    def uncorrected_source(self, scan: str) -> list[str]:
        """The given mask as an input of a rule, where no automatic one comes before it."""
        return [] if self.automatic_mask(scan) else self.source(scan, "mask")

    def uncorrected_cell(self, scan: str) -> str:
        """The cell `mask` as a parameter of a rule, so that its script can name a missing file.

        Empty where an automatic mask comes before the given one.
        """
        return "" if self.automatic_mask(scan) else self.cell(scan, "mask")

    @cached_property
    def scans_with_two_masks(self) -> list[str]:
        """List the scans with an uncorrected and a final mask; none unless both are compared."""
        if not self.config["masks"]["compare_uncorrected"]:
            return []
        return [scan for scan in self.scans if self._mask_count(scan) > 1]

    @property
    def scans_with_one_mask(self) -> list[str]:
        """List the scans that are not in `scans_with_two_masks`."""
        with_two = set(self.scans_with_two_masks)
        return [scan for scan in self.scans if scan not in with_two]

    def _mask_count(self, scan: str) -> int:
        masks = (self.automatic_mask(scan), self.cell(scan, "mask"), self.correction(scan))
        return sum(map(bool, masks))
