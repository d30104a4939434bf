"""The study: what the workflow's rules ask of the configuration and the cohort sheet.

A `Study` is built once, when Snakemake reads the workflow, and never changes. It knows nothing of
Snakemake: rules ask it for names, and wrap what depends on wildcards in a function of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from livermets.core.errors import BadInput
from livermets.study.arms import (
    BASELINES,
    RESAMPLINGS,
    SELECTED,
    Arm,
    baseline_arm,
    classifier_arms,
)
from livermets.study.baselines import available_baselines
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.cohort_sheet import (
    listed_paths,
    read_sheet,
    refuse_unknown_exclusions,
)
from livermets.study.config import load_config
from livermets.study.corrections import find_correction, find_sidecar, refuse_strangers
from livermets.study.names import CLINICAL, DENSENET, SITE
from livermets.study.outputs import figure_names, table_names
from livermets.study.paths import WILDCARD, unusable_path
from livermets.study.schemes import schemes_of, sites_to_test, split_names
from livermets.study.table_file import ending_of, read_table_columns

VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr")  # endings of a CT that is no DICOM


@dataclass(frozen=True)
class Study:
    """A study: its checked configuration and its cohort sheet, and what the rules need of them.

    Parameters
    ----------
    config : mapping
        The whole configuration, checked, with its defaults (`load_config`).
    sheet : mapping of str to dict
        Patient -> column -> cell of the cohort sheet, without the patients whom `exclude` leaves
        out; empty where there is no sheet.
    table_columns : tuple of str
        Columns of the feature table that the study starts from; empty where it has images.
    excluded : tuple of dict
        Patients with images whom `exclude` leaves out: the cells of the sheet, and reason.
    """

    config: Mapping[str, Any]
    sheet: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    table_columns: tuple[str, ...] = ()
    excluded: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def load(cls, given: Mapping[str, Any]) -> "Study":
        """Build the study of a configuration, with the files that it names.

        Raises
        ------
        BadInput
            For a mistake in the configuration, the sheet or the table's header, with its remedy.
        """
        config = load_config(dict(given))
        _refuse_patterns(config, cls.added_tables())
        rows: list[dict] = []
        if config["patients"]:
            rows = read_sheet(config["patients"], config).to_dict("records")
        columns = read_table_columns(config["features"], "features") if config["features"] else []
        out = config["exclude"]
        if not config["features"]:  # the patients of a feature table are known once it is read
            refuse_unknown_exclusions(out, [row["patient"] for row in rows])
        excluded = [row | {"reason": out[row["patient"]]} for row in rows if row["patient"] in out]
        sheet = {row.pop("patient"): {**row} for row in rows if row["patient"] not in out}
        study = cls(config, sheet, tuple(columns), tuple(excluded))
        study._check_models()
        if study.has_images:
            known = [*study.patients, *(row["patient"] for row in excluded)]
            refuse_strangers(config["masks"]["corrections"], known)
            study._check_accepted(known)
        return study

    def _check_accepted(self, known: list[str]) -> None:
        for patient in self.config["masks"]["accept_implausible"]:
            if patient not in known:
                raise BadInput(
                    f"config: `masks.accept_implausible` lists {patient!r}, who is not in the "
                    "cohort sheet; correct the id, or remove it."
                )

    def _check_models(self) -> None:
        models = self.config["segmentation"]["models"]
        if self._unmasked and not models:
            raise BadInput(
                f"patient {self._unmasked[0]} has no `mask` in the sheet and `segmentation.models` "
                "is empty; name a mask, or a model (config/README.md shows where to get one)."
            )
        if self._compares_automatic and not models:
            raise BadInput(
                "config: `masks.compare_automatic` needs a model; name one, or set it to false."
            )
        for model in models if self.segmented else []:
            if not Path(model["path"]).exists() and not (model["url"] or model["package"]):
                raise BadInput(
                    f"config: segmentation model {model['name']}: {model['path']} does not exist; "
                    "correct its `path`, or fetch the model (config/README.md says where from)."
                )

    # Patients and their files

    @property
    def has_images(self) -> bool:
        """Whether the study starts from images; otherwise it starts from a feature table."""
        return self.config["features"] is None

    @property
    def patients(self) -> list[str]:
        """Patients with images, in the order of the sheet."""
        return list(self.sheet) if self.has_images else []

    def cell(self, patient: str, column: str) -> str:
        """One cell of the cohort sheet."""
        text: str = self.sheet[patient][column]
        return text

    @property
    def sheet_columns(self) -> dict[str, list[str]]:
        """The cohort sheet by columns, as a rule's parameter; empty where there is no sheet."""
        rows = [
            {"patient": patient, **{key: cells[key] for key in cells if key != "n_slices"}}
            for patient, cells in self.sheet.items()
        ]
        return {column: [row[column] for row in rows] for column in rows[0]} if rows else {}

    def source(self, patient: str, column: str) -> list[str]:
        """The files or folders that the sheet names in `column`, as an input of a rule.

        A path that is not there is left out, so that the rule's script can name the patient and
        say what to do; phantoms are not there until their rule has made them.
        """
        return [
            path
            for path in self.listed(patient, column)
            if path.startswith("phantoms/") or Path(path).exists()
        ]

    def listed(self, patient: str, column: str) -> list[str]:
        """List the paths that the sheet names in `column`, whether they are there or not.

        A CT may be several folders; a mask is one file.
        """
        cell = self.cell(patient, column)
        return listed_paths(cell) if column == "ct" else [cell] if cell else []

    def came_as_dicom(self, patient: str) -> bool:
        """Whether the CT is a DICOM series, so that a mask can be laid over it as DICOM-SEG."""
        return not self.cell(patient, "ct").lower().endswith(VOLUMES)

    # Masks

    def correction(self, patient: str) -> list[str]:
        """The corrected mask and its note as inputs of a rule; empty where there is none."""
        return self._corrections[patient]

    @cached_property
    def _corrections(self) -> dict[str, list[str]]:
        folder = self.config["masks"]["corrections"]
        files = {}
        for patient in self.patients:
            mask, note = find_correction(folder, patient), find_sidecar(folder, patient)
            files[patient] = [str(path) for path in (mask, note) if path] if mask else []
        return files

    @cached_property
    def _unmasked(self) -> list[str]:
        return [patient for patient in self.patients if not self.cell(patient, "mask")]

    @property
    def _compares_automatic(self) -> bool:
        return self.has_images and self.config["masks"]["compare_automatic"]

    @cached_property
    def segmented(self) -> list[str]:
        """Patients whom a model has to segment: no mask was given, or both are compared."""
        return self.patients if self._compares_automatic else self._unmasked

    @cached_property
    def _segmented(self) -> frozenset[str]:
        return frozenset(self.segmented)

    def automatic_mask(self, patient: str) -> list[str]:
        """The automatic mask as an input of a rule; empty where no model segments the patient."""
        return [f"results/segmentation/{patient}.nii.gz"] if patient in self._segmented else []

    def lesion_probability(self, patient: str) -> list[str]:
        """The models' probability of lesion as an input of a rule; empty without a model."""
        image = f"results/segmentation/{patient}.lesion_probability.nii.gz"
        return [image] if patient in self._segmented else []

    @cached_property
    def segmentation_batches(self) -> list[list[str]]:
        """Patients who share a job of segmentation, and so the models in its memory."""
        size = self.config["segmentation"]["patients_per_job"]
        return [
            self.segmented[first : first + size] for first in range(0, len(self.segmented), size)
        ]

    def batch(self, number: str) -> list[str]:
        """Patients of one batch of segmentation; batches are counted from 1."""
        return self.segmentation_batches[int(number) - 1]

    def batch_folder(self, patient: str) -> str:
        """Where the masks of the patient's batch are written at first."""
        size = self.config["segmentation"]["patients_per_job"]
        return f"results/segmentation/batch-{self._places[patient] // size + 1}"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {patient: place for place, patient in enumerate(self.segmented)}

    @property
    def models_to_fetch(self) -> list[dict[str, Any]]:
        """Segmentation models to download; one that lies there already is a file like any other."""
        models = self.config["segmentation"]["models"]
        return [
            model
            for model in models
            if (model["url"] or model["package"]) and not Path(model["path"]).exists()
        ]

    def accepts_implausible(self, patient: str) -> bool:
        """Whether the patient's mask is taken although no liver looks like it."""
        return patient in self.config["masks"]["accept_implausible"]

    @property
    def compared_masks(self) -> list[str]:
        """Patients with an automatic mask and another one to compare it with."""
        return [
            patient
            for patient in self.segmented
            if self.cell(patient, "mask") or self.correction(patient)
        ]

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
            "cts": {patient: self.cell(patient, "ct") for patient in self.segmented},
            "trained_on": {m["name"]: m["trained_on"] for m in models if m["trained_on"]},
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

    def uncorrected_source(self, patient: str) -> list[str]:
        """The given mask as an input of a rule, where no automatic one comes before it."""
        return [] if self.automatic_mask(patient) else self.source(patient, "mask")

    def uncorrected_cell(self, patient: str) -> str:
        """The cell `mask` as a parameter of a rule, so that its script can name a missing file.

        Empty where an automatic mask comes before the given one.
        """
        return "" if self.automatic_mask(patient) else self.cell(patient, "mask")

    @cached_property
    def patients_with_two_masks(self) -> list[str]:
        """List the patients with an uncorrected and a final mask; none unless both are compared."""
        if not self.config["masks"]["compare_uncorrected"]:
            return []
        return [patient for patient in self.patients if self._mask_count(patient) > 1]

    @property
    def patients_with_one_mask(self) -> list[str]:
        """List the patients who are not in `patients_with_two_masks`."""
        with_two = set(self.patients_with_two_masks)
        return [patient for patient in self.patients if patient not in with_two]

    def _mask_count(self, patient: str) -> int:
        masks = (self.automatic_mask(patient), self.cell(patient, "mask"), self.correction(patient))
        return sum(map(bool, masks))

    # Radiomics

    @cached_property
    def extraction(self) -> dict[str, Any]:
        """Arguments of `radiomics.extraction.LesionExtractor`."""
        radiomics = self.config["radiomics"]
        return {
            "settings": radiomics["settings"],
            "feature_classes": radiomics["feature_classes"],
            "sets": {
                name: {**chosen, "seed": self.config["seed"]} if chosen.get("shuffle") else chosen
                for name, chosen in radiomics["feature_sets"].items()
            },
        }

    @cached_property
    def regions(self) -> frozenset[str]:
        """Regions beside the lesion that features are taken from: ring, liver."""
        sets = self.config["radiomics"]["feature_sets"].values()
        return frozenset(chosen["region"] for chosen in sets if chosen.get("region"))

    @property
    def icc(self) -> list[str]:
        """The table of ICC as an input of a rule; empty where no feature is left out for it."""
        filtered = self.has_images and self.config["radiomics"]["min_icc"]
        return ["results/icc.parquet"] if filtered else []

    # Splits

    @cached_property
    def splits(self) -> list[str]:
        """Names of the splits."""
        sites = sites_to_test((cells["site"], cells["label"]) for cells in self.sheet.values())
        return split_names(**self.config["splits"], sites=sites)

    @property
    def schemes(self) -> list[str]:
        """Names of the schemes, each once."""
        return schemes_of(self.splits)

    @property
    def permutes_labels(self) -> bool:
        """Whether the classification is carried out once more with permuted labels."""
        return "permuted_labels" in self.config["controls"]

    @property
    def tests_by_permutation(self) -> bool:
        """Whether the selected arm is trained on many permutations of the labels."""
        return "permutation_test" in self.config["controls"] and SELECTED in self.arms

    @property
    def permuted_splits(self) -> list[str]:
        """Splits of permuted labels: given splits and sites may lack a class there."""
        splits = self.config["splits"]
        return split_names(splits["holdout"], splits["cv"])

    # Arms

    @property
    def task(self) -> dict[str, Any]:
        """The classes and the one whose probability a score is."""
        return {"classes": self.config["classes"], "positive": self.config["positive"]}

    @property
    def deep_learning(self) -> bool:
        """Whether DenseNet-121 is trained: it is configured, and there are images to train on."""
        return self.has_images and self.config["densenet"] is not None

    @cached_property
    def classifier_arms(self) -> list[str]:
        """Radiomics classifiers, with every way of resampling they take."""
        classification = self.config["classification"]
        return classifier_arms(classification["models"], classification["resampling"])

    @property
    def feature_set_arms(self) -> list[str]:
        """Some classifiers once more for each choice of feature sets that is compared."""
        classification = self.config["classification"]
        return [
            str(Arm(model, "none", feature_sets))
            for model in classification["compare_models"]
            for feature_sets in classification["compare_feature_sets"]
        ]

    @property
    def baseline_arms(self) -> list[str]:
        """Baselines that are asked for and that there are columns for."""
        columns = tuple(name for name in self.table_columns if name != SITE)  # of the sheet alone
        if self.has_images:
            clinical = [CLINICAL + name for name in self.config["clinical"]]
            columns = ("volume_ml", "burden", *clinical)
        if len({cells["site"] for cells in self.sheet.values()} - {""}) > 1:
            columns = (*columns, SITE)
        asked = [*self.config["classification"]["baselines"]]
        asked += ["volume"] * ("volume_only" in self.config["controls"])
        possible = available_baselines(columns)
        return [baseline_arm(name) for name in dict.fromkeys(asked) if name in possible]

    @cached_property
    def arms(self) -> list[str]:
        """Every arm that this study fits."""
        tuned = self.config["classification"]["tuning"]["iterations"]
        selected = [SELECTED] if len(self.classifier_arms) > 1 and tuned else []
        deep = [DENSENET] if self.deep_learning else []
        return [
            *self.classifier_arms,
            *selected,
            *self.feature_set_arms,
            *self.baseline_arms,
            *deep,
        ]

    @property
    def primary_comparison(self) -> list[str] | None:
        """Arm and reference of the comparison that was named before the study.

        By default the arm that inner cross-validation selects, with lesion volume alone; None
        where the study has not both.

        Raises
        ------
        BadInput
            The configuration names an arm that the study does not have.
        """
        named = self.config["evaluation"]["primary_comparison"]
        arms = [*self.arms, *self.added_arms()]
        if named is None:
            default = [SELECTED, baseline_arm("volume")]
            return default if set(default) <= set(arms) else None
        for key in ("arm", "reference"):
            if named[key] not in arms:
                raise BadInput(
                    f"config: `evaluation.primary_comparison.{key}` is {named[key]!r}, and this "
                    f"study has no such arm; name one of {', '.join(arms)}."
                )
        return [named["arm"], named["reference"]]

    @property
    def subgroup_arms(self) -> list[str]:
        """Arms that are measured in subgroups: few, and named before the results are seen.

        They are the two arms of the primary comparison and DenseNet. Without a primary comparison
        the selected arm, or the classifier of a study that has a single one, and lesion volume.
        """
        arms = self.primary_comparison
        if arms is None:
            single = self.classifier_arms if len(self.classifier_arms) == 1 else []
            arms = [SELECTED, *single, baseline_arm("volume")]
        deep = [DENSENET] * self.deep_learning
        there = {*self.arms, *self.added_arms()}
        return [arm for arm in dict.fromkeys([*arms, *deep]) if arm in there]

    @property
    def rerun_arms(self) -> list[str]:
        """Arms that sensitivity analyses fit once more on another features table."""
        left_out = {DENSENET, *self.feature_set_arms}
        return [arm for arm in self.arms if arm not in left_out]

    @staticmethod
    def added_tables(folder: str | Path = "results/predictions") -> dict[str, str]:
        """Find the prediction tables that the user put into the folder, by the arms they are of."""
        ours = {SELECTED, DENSENET, *classifier_arms(CLASSIFIERS, RESAMPLINGS)}
        ours |= {baseline_arm(name) for name in BASELINES}
        tables = sorted(path for path in Path(folder).glob("[!.]*") if ending_of(path))
        added = {path.name.removesuffix(ending_of(path)): str(path) for path in tables}
        return {arm: path for arm, path in added.items() if str(Arm.parse(arm).plain) not in ours}

    @classmethod
    def added_arms(cls, folder: str | Path = "results/predictions") -> list[str]:
        """List the arms whose prediction tables the user put into the folder by hand."""
        return sorted(cls.added_tables(folder))

    @property
    def permuted_arms(self) -> list[str]:
        """Arms that are fitted once more with permuted labels."""
        return self.rerun_arms + [DENSENET] * self.deep_learning

    def compared_sets(self, feature_sets: str) -> list[str]:
        """Feature sets that an entry of `classification.compare_feature_sets` learns from."""
        sets: list[str] = self.config["classification"]["compare_feature_sets"][feature_sets]
        return sets

    def baseline_training(self, baseline: str) -> dict[str, Any]:
        """How a baseline is trained; one of them is a radiomics arm and is tuned as those are."""
        if baseline == "radiomics_clinical":
            return self.training
        keys = ("seed", "youden", "threshold_level", "weigh")
        return {key: self.training[key] for key in keys}

    @property
    def training(self) -> dict[str, Any]:
        """How classifiers are trained."""
        classification = self.config["classification"]
        return {
            "correlation": classification["max_correlation"],
            "max_features": classification["max_features"],
            "tuning": classification["tuning"],
            "seed": self.config["seed"],
            "youden": self.config["evaluation"]["threshold"] == "youden",
            "threshold_level": self.config["evaluation"]["threshold_level"],
            "weigh": classification["weigh"],
        }

    @property
    def feature_choice(self) -> dict[str, Any]:
        """Which features classifiers may learn from: feature sets, and the least ICC."""
        return {
            "sets": self.config["classification"]["feature_sets"],
            "min_icc": self.config["radiomics"]["min_icc"],
        }

    # Report

    @property
    def tables(self) -> list[str]:
        """Names of the tables of the report."""
        return table_names(self.config["classes"])

    @property
    def figures(self) -> list[str]:
        """Names of the figures of the report."""
        return figure_names(self.schemes, self.deep_learning)


def _refuse_patterns(config: Mapping[str, Any], added: Mapping[str, str]) -> None:
    """Refuse paths that Snakemake takes for patterns: the study's folder, and inputs of rules."""
    if braces := WILDCARD.search(str(Path.cwd())):
        raise BadInput(
            f"the path of the study's folder, {Path.cwd()}, holds {braces[0]}, which Snakemake "
            "takes for a wildcard; rename the folder."
        )
    named = [("masks.corrections", config["masks"]["corrections"])]
    named += [("features", config["features"])] if config["features"] else []
    named += [("segmentation.models", model["path"]) for model in config["segmentation"]["models"]]
    named += [("results/predictions", Path(path).name) for path in added.values()]
    for key, path in named:
        if problem := unusable_path(key, path):
            raise BadInput(problem)
