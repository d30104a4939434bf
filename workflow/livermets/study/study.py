"""The study: what the workflow's rules ask of the configuration and the cohort sheet.

A `Study` is built once, when Snakemake reads the workflow, and never changes. It knows nothing of
Snakemake: rules ask it for names, and wrap what depends on wildcards in a function of their own.
Its parts: the patients' files (`cohort_files`), the masks (`mask_plan`), the arms (`arm_plan`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, patient_of, scan_id
from livermets.study.arm_plan import ArmPlan
from livermets.study.arms import SELECTED
from livermets.study.cohort_sheet import read_sheet
from livermets.study.config import load_config
from livermets.study.corrections import refuse_strangers
from livermets.study.explanation import lesion_arms, shap_arms
from livermets.study.fusion import inner_splits
from livermets.study.mask_plan import MaskPlan
from livermets.study.names import SCAN
from livermets.study.outputs import figure_names, table_names
from livermets.study.paths import WILDCARD, unusable_path
from livermets.study.patient_ids import refuse_empty_cohort, refuse_unknown_exclusions
from livermets.study.reviews import refuse_strange_reviews
from livermets.study.schemes import schemes_of, sites_to_test, split_names
from livermets.study.table_file import read_table_columns


@dataclass(frozen=True)
class Study(MaskPlan, ArmPlan):
    """A study: its checked configuration and its cohort sheet, and what the rules need of them."""

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
        if config["embeddings"]:
            read_table_columns(config["embeddings"], "features")  # is it there, and is it a table
        sheet, excluded = _without_excluded(rows, config["exclude"])
        if not config["features"]:  # the patients of a feature table are known once it is read
            _refuse_exclusions(config["exclude"], [*sheet, *excluded])
            refuse_empty_cohort(config["exclude"], sheet, "the cohort sheet")
        study = cls(config, sheet, tuple(columns), tuple(excluded.values()))
        study._check_models()
        study._check_weights()
        if study.has_images:
            known = [*sheet, *excluded]
            refuse_strangers(config["masks"]["corrections"], known)
            refuse_strange_reviews(config["masks"]["reviews"], known)
            study._check_accepted(known)
        return study

    def _check_accepted(self, known: list[str]) -> None:
        for listed in self.config["masks"]["accept_implausible"]:
            if listed not in {*known, *map(patient_of, known)}:
                raise BadInput(
                    f"config: `masks.accept_implausible` lists {listed!r}, who is not in the "
                    "cohort sheet; correct the id, or remove it."
                )

    def _check_weights(self) -> None:
        for path in self.densenet_weights:
            if not Path(path).is_file():
                raise BadInput(
                    f"config: `densenet.weights` names {path}, which does not exist; correct its "
                    "`path`, which counts from the study's folder."
                )

    def _check_models(self) -> None:
        models = self.config["segmentation"]["models"]
        if self._unmasked and not models:
            raise BadInput(
                f"patient {in_words(self._unmasked[0])} has no `mask` in the sheet and "
                "`segmentation.models` is empty; name a mask, or a model (config/README.md shows "
                "where to get one)."
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

    # Deep learning

    @property
    def densenet_weights(self) -> list[str]:
        """The file of weights that DenseNet-121 starts from; empty where it starts from scratch."""
        weights = self.config["densenet"]["weights"] if self.deep_learning else None
        return [weights["path"]] if weights else []

    @property
    def training_histories(self) -> list[str]:
        """The losses of DenseNet-121 by epoch, a file for each split; empty without it."""
        splits = self.splits if self.deep_learning else []
        return [f"results/models/densenet121/{split}/history.tsv" for split in splits]

    # Splits

    @cached_property
    def splits(self) -> list[str]:
        """Names of the splits."""
        sites = sites_to_test(
            (cells["site"], cells["label"]) for cells in self.cells_of_patients.values()
        )
        return split_names(**self.config["splits"], sites=sites)

    @property
    def inner_splits(self) -> list[str]:
        """Names of the inner folds from which the stacking of scores learns."""
        return inner_splits(self.splits, self.config["fusion"]["folds"])

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

    # Explanation

    @property
    def shap_arms(self) -> list[str]:
        """Radiomics arms that are explained by SHAP."""
        named = self.config["explanation"]["arms"]
        return shap_arms(named, self.arms, self.classifier_arms)

    @property
    def lesion_arms(self) -> list[str]:
        """Arms whose patients are scored without each lesion in turn."""
        return lesion_arms(self.shap_arms, self.arms)

    # Report

    @property
    def tables(self) -> list[str]:
        """Names of the tables of the report."""
        return table_names(self.config["classes"])

    @property
    def figures(self) -> list[str]:
        """Names of the figures of the report."""
        return figure_names(self.schemes, self.deep_learning)


def _without_excluded(
    rows: list[dict], exclude: Mapping[str, str]
) -> tuple[dict[str, dict], dict[str, dict]]:
    """The cells of each scan, and of each scan that is left out, alone or with its patient."""
    sheet: dict[str, dict] = {}
    excluded: dict[str, dict] = {}
    for row in rows:
        scan = scan_id(row["patient"], row.get(SCAN, ""))
        reason = exclude.get(row["patient"]) or exclude.get(scan)
        if reason:
            excluded[scan] = {**row, "reason": reason}
        else:
            sheet[scan] = {column: cell for column, cell in row.items() if column != "patient"}
    return sheet, excluded


def _refuse_exclusions(exclude: Mapping[str, str], scans: list[str]) -> None:
    """Refuse what `exclude` names, if it is neither a patient nor a scan of the sheet."""
    names = dict.fromkeys([*map(patient_of, scans), *scans])
    refuse_unknown_exclusions(exclude, list(names), "the cohort sheet")


def _refuse_patterns(config: Mapping[str, Any], added: Mapping[str, str]) -> None:
    """Refuse paths that Snakemake takes for patterns: the study's folder, and inputs of rules."""
    if braces := WILDCARD.search(str(Path.cwd())):
        raise BadInput(
            f"the path of the study's folder, {Path.cwd()}, holds {braces[0]}, which Snakemake "
            "takes for a wildcard; rename the folder."
        )
    named = [(f"masks.{key}", config["masks"][key]) for key in ("corrections", "reviews")]
    named += [(key, config[key]) for key in ("features", "embeddings") if config[key]]
    weights = (config["densenet"] or {}).get("weights")
    named += [("densenet.weights", weights["path"])] if weights else []
    named += [("segmentation.models", model["path"]) for model in config["segmentation"]["models"]]
    named += [("results/predictions", Path(path).name) for path in added.values()]
    for key, path in named:
        if problem := unusable_path(key, path):
            raise BadInput(problem)
