"""The arms of a study: which are trained, compared, and trained once more, and how."""

from dataclasses import dataclass
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
from livermets.study.baselines import available_baselines, volume_column
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.cohort_files import CohortFiles
from livermets.study.fusion import FUSION_TITLES, fusion_arm, fusion_arms
from livermets.study.names import CLINICAL, DENSENET, SITE
from livermets.study.pooling import (
    ATTENTION,
    LESION_POOLING,
    pooled_arms,
    refuse_without_network,
    slice_arm,
)
from livermets.study.table_file import ending_of


@dataclass(frozen=True)
class ArmPlan(CohortFiles):
    """The arms that the configuration asks for and that the study has the columns for."""

    @property
    def embeddings(self) -> list[str]:
        """The table of embeddings of other networks as an input of a rule; empty without one."""
        return [self.config["embeddings"]] if self.config["embeddings"] else []

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

    @property
    def selects(self) -> bool:
        """Whether inner cross-validation selects one of several radiomics arms."""
        tuned = self.config["classification"]["tuning"]["iterations"]
        return len(self.classifier_arms) > 1 and tuned > 0

    @cached_property
    def arms(self) -> list[str]:
        """Every arm that this study fits."""
        deep = [DENSENET] if self.deep_learning else []
        arms = [
            *self.classifier_arms,
            *[SELECTED] * self.selects,
            *self.feature_set_arms,
            *self.baseline_arms,
            *deep,
            *self.slice_arms,
            *self.fusion_arms,
        ]
        return [*arms, *self._pooled_arms(arms)]

    @property
    def slice_arms(self) -> list[str]:
        """Arms of DenseNet-121 whose slices are pooled to lesions in another way than the mean."""
        refuse_without_network(self.config, self.deep_learning)
        return [slice_arm(pooling) for pooling in self.config["pooling"]["lesion"]]

    @property
    def radiomics_arm(self) -> str | None:
        """The arm that stands for radiomics: the selected one, or the only one; else None."""
        if self.selects:
            return SELECTED
        return self.classifier_arms[0] if len(self.classifier_arms) == 1 else None

    @property
    def fusion_arms(self) -> list[str]:
        """Arms that join radiomics and DenseNet-121."""
        return fusion_arms(self.config, self.deep_learning, self.radiomics_arm)

    def _pooled_arms(self, arms: list[str]) -> list[str]:
        """Arms whose lesions are pooled to patients in another way than by the mean."""
        named = self.config["pooling"]["arms"]
        if named is None:
            named = [arm for arm in (SELECTED, DENSENET) if arm in arms]
            named = named if SELECTED in arms else [*self.classifier_arms, *named]
        there = [*arms, *self.added_arms()]
        for arm in named:
            if arm not in there:
                raise BadInput(
                    f"config: `pooling.arms` names {arm!r}, and this study has no such arm; name "
                    f"some of {', '.join(there)}."
                )
        ways = self.config["pooling"]["patient"]
        by_volume = [way for way in ways if way != ATTENTION]
        if by_volume and not self.has_images and volume_column(self.table_columns) is None:
            raise BadInput(
                f"config: `pooling.patient` has {by_volume[0]}, and {self.config['features']} has "
                "no volume of the lesions; add the column volume_ml, or leave it out."
            )
        return pooled_arms(ways, named)

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
        left_out |= {*self.slice_arms, *self.fusion_arms}
        return [arm for arm in self.arms if arm not in left_out and not Arm.parse(arm).pooling]

    @staticmethod
    def added_tables(folder: str | Path = "results/predictions") -> dict[str, str]:
        """Find the prediction tables that the user put into the folder, by the arms they are of."""
        ours = {
            SELECTED,
            DENSENET,
            *map(slice_arm, LESION_POOLING),
            *map(fusion_arm, FUSION_TITLES),
            *classifier_arms(CLASSIFIERS, RESAMPLINGS),
        }
        ours |= {baseline_arm(name) for name in BASELINES}
        tables = sorted(path for path in Path(folder).glob("[!.]*") if ending_of(path))
        added = {path.name.removesuffix(ending_of(path)): str(path) for path in tables}
        return {
            arm: path
            for arm, path in added.items()
            if str(Arm.parse(arm).plain) not in ours and not Arm.parse(arm).pooling
        }

    def prediction_table(self, arm: str) -> str:
        """The prediction table of an arm, ours or one that the user put into the folder."""
        return self.added_tables().get(arm, f"results/predictions/{arm}.parquet")

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
    def attention_training(self) -> dict[str, Any]:
        """How attention over lesions is trained (`pooling.lesion_attention.AttentionSettings`)."""
        classification = self.config["classification"]
        return {
            "correlation": classification["max_correlation"],
            "folds": classification["tuning"]["folds"],
            "seed": self.config["seed"],
        }

    @property
    def feature_choice(self) -> dict[str, Any]:
        """Which features classifiers may learn from: feature sets, and the least ICC."""
        return {
            "sets": self.config["classification"]["feature_sets"],
            "min_icc": self.config["radiomics"]["min_icc"],
        }
