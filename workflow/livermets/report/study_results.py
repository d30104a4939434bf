"""The results of a finished study, read once, from which the report is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.cohort.cohort_table import read_cohort
from livermets.core.errors import BadInput
from livermets.core.io import read_json
from livermets.evaluation.levels import headline_level
from livermets.report.paper_tables import read_table
from livermets.review.review_tables import ReviewTables, read_review_tables
from livermets.study.arms import Arm
from livermets.study.patient_labels import patient_groups
from livermets.study.schemes import schemes_of

_SPLITS = ("split", "patient", "role")
_METRICS = ("arm", "scheme", "level", "class", "metric", "value", "low", "high")


@dataclass(frozen=True)
class StudyResults:
    """The tables and files of a finished study; a part that the study does not have is None.

    Parameters
    ----------
    config : dict
        The whole configuration.
    cohort : DataFrame
        One row for each patient, as `read_cohort` gives it.
    splits : DataFrame
        split, patient, role.
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    figures : Path
        The folder that `draw_figures` wrote to.
    differences : DataFrame
        As `livermets.evaluation.paired_differences.compare_arms` returns it.
    confusion : DataFrame
        As `livermets.evaluation.confusion.confusion` returns it.
    importance : DataFrame
        The features by importance.
    subgroups : DataFrame
        As `livermets.evaluation.subgroups.measure_subgroups` returns it.
    by_size : DataFrame
        As `livermets.evaluation.by_size.measure_by_size` returns it.
    fits : tuple of DataFrame
        For each classifier arm, the hyperparameters and notes of its fit in each split.
    audit : dict
        The leakage audit.
    permuted_metrics : DataFrame
        Metrics of the classification of permuted labels.
    permutation_test : dict
        As `livermets.sensitivity.permutation_test.permutation_test` returns it.
    split_aucs : DataFrame
        As `livermets.evaluation.per_split.auc_per_split` returns it.
    features : Path
        The file of the features table, which has the settings of the extraction in its metadata.
    dictionary : DataFrame
        The table of `livermets.radiomics.dictionary`.
    icc : DataFrame
        The ICC of each feature in each split, where a minimum ICC selects features.
    icc_figure : Path
        The figure of these.
    mask_checks : dict of str to dict
        Id of the scan -> the result of `livermets.review.quality_checks.check_mask`.
    agreement : DataFrame
        Agreement of automatic and final masks, one row for each patient or scan.
    mask_comparison : Path
        The folder of the comparison of uncorrected and final masks.
    scans : DataFrame
        One row for each scan, as `read_cohort` gives it, where the sheet lists scans.
    heterogeneity : Path
        The folder of the tables of `livermets.heterogeneity`.
    training : DataFrame
        Losses of DenseNet-121 in each split and epoch.
    explanation : Path
        The folder of the tables of `livermets.explanation`.
    reviews : ReviewTables
        What readers decided about the masks.
    run_times : DataFrame
        As `livermets.report.run_times.stage_times` returns it.

    Raises
    ------
    BadInput
        If the splits or the metrics lack a column.
    """

    config: dict[str, Any]
    cohort: pd.DataFrame
    splits: pd.DataFrame
    metrics: pd.DataFrame
    figures: Path
    differences: pd.DataFrame | None = None
    confusion: pd.DataFrame | None = None
    importance: pd.DataFrame | None = None
    subgroups: pd.DataFrame | None = None
    by_size: pd.DataFrame | None = None
    fits: tuple[pd.DataFrame, ...] = ()
    audit: dict[str, Any] | None = None
    permuted_metrics: pd.DataFrame | None = None
    permutation_test: dict[str, Any] | None = None
    split_aucs: pd.DataFrame | None = None
    features: Path | None = None
    dictionary: pd.DataFrame | None = None
    icc: pd.DataFrame | None = None
    icc_figure: Path | None = None
    mask_checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    agreement: pd.DataFrame | None = None
    mask_comparison: Path | None = None
    scans: pd.DataFrame | None = None
    heterogeneity: Path | None = None
    training: pd.DataFrame | None = None
    explanation: Path | None = None
    reviews: ReviewTables | None = None
    run_times: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        _require(self.splits, _SPLITS, "splits")
        _require(self.metrics, _METRICS, "metrics")

    @classmethod
    def from_files(cls, config: dict[str, Any], files: Any) -> "StudyResults":
        """Read the results from the files that the rule `render_report` names.

        Parameters
        ----------
        config : dict
            The whole configuration.
        files : mapping of str to path or sequence of paths
            The rule's input, or a dict with the same names; a name that is absent or empty stands
            for a part that the study does not have. `tables` and `overlays` are not read.

        Returns
        -------
        StudyResults
            The results.
        """

        def table(name: str) -> pd.DataFrame | None:
            path = files.get(name)
            return read_table(path) if path else None

        def folder(name: str) -> Path | None:
            paths = files.get(name)
            return Path(paths[0]).parent if paths else None

        icc: Sequence[str] = files.get("robustness") or ()
        audit, features, dictionary, permutation = (
            files.get(name) for name in ("audit", "features", "dictionary", "permutation_test")
        )
        return cls(
            config=config,
            cohort=read_cohort(files["cohort"]),
            splits=read_table(files["splits"]),
            metrics=read_table(files["metrics"]),
            figures=Path(files["figures"][0]).parent,
            differences=table("differences"),
            confusion=table("confusion"),
            importance=table("importance"),
            subgroups=table("subgroups"),
            by_size=table("by_size"),
            fits=tuple(read_table(path) for path in files.get("chosen") or ()),
            audit=read_json(audit) if audit else None,
            permuted_metrics=table("shuffled"),
            permutation_test=read_json(permutation) if permutation else None,
            split_aucs=table("areas"),
            features=Path(features) if features else None,
            dictionary=read_dictionary(dictionary) if dictionary else None,
            icc=read_table(icc[0]) if icc else None,
            icc_figure=Path(icc[1]) if icc else None,
            mask_checks={Path(path).stem: read_json(path) for path in files.get("checks") or ()},
            agreement=table("agreement"),
            mask_comparison=folder("masks"),
            scans=next(map(read_cohort, files.get("scans") or ()), None),
            heterogeneity=folder("heterogeneity"),
            training=read_histories(files.get("training") or ()),
            explanation=folder("explanation"),
            reviews=read_review_tables(files["reviews"]) if files.get("reviews") else None,
            run_times=table("run_times"),
        )

    @property
    def classes(self) -> list[str]:
        """The names of the classes."""
        classes: list[str] = self.config["classes"]
        return classes

    @property
    def level(self) -> str:
        """The level of the main result: patient, or lesion where lesions carry the label."""
        return headline_level(self.metrics["level"])

    @property
    def patient_groups(self) -> list[str]:
        """The labels of patients: the classes, and several classes of patients who have them."""
        return patient_groups(self.included["label"], self.classes)

    @property
    def multiclass(self) -> bool:
        """Whether there are three or more classes."""
        return len(self.classes) > 2

    @property
    def from_features(self) -> bool:
        """Whether the study started from a feature table, so that it has no images."""
        return bool(self.config.get("features"))

    @property
    def youden(self) -> bool:
        """Whether the threshold of each arm is chosen by Youden's index."""
        return bool(self.config["evaluation"]["threshold"] == "youden")

    @property
    def arms(self) -> list[Arm]:
        """The evaluated arms."""
        return [Arm.parse(name) for name in self.metrics["arm"].unique()]

    @property
    def schemes(self) -> list[str]:
        """The schemes in the order of the splits."""
        return schemes_of(self.splits["split"].unique())

    @property
    def included(self) -> pd.DataFrame:
        """The patients who were analysed."""
        return self.cohort[self.cohort["included"]]


def read_histories(paths: Sequence[Path | str]) -> pd.DataFrame | None:
    """The losses of all trainings in one table; None where there is none."""
    return pd.concat(map(read_table, paths), ignore_index=True) if paths else None


def read_dictionary(path: Path | str) -> pd.DataFrame:
    """The radiomics dictionary with every cell as text."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def _require(table: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        raise BadInput(f"{name}: the column {', '.join(missing)} is missing. Run its rule again.")
