"""Configuration: the keys a user gave, checked, and defaults for the rest."""

import difflib

from livermets.core.errors import BadInput
from livermets.study.arms import REFERENCE_SETS
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.config_schema import check_schema, load_schema, with_defaults
from livermets.study.model_cache import model_cache_path
from livermets.study.names import EMBEDDINGS, RADIOMICS, WITH_EMBEDDINGS
from livermets.study.patient_labels import BETWEEN

# Keys of a segmentation model that one kind alone reads
KEYS_OF_KIND = {
    "nnunet": (
        *("orientation", "preprocessing", "mirroring", "step_size"),
        *("folds", "checkpoint", "configuration"),
    ),
    "leuven": ("min_probability",),
}
LEUVEN_LABELS = {"liver": 1, "lesion": 2}


def load_config(given: dict) -> dict:
    """The whole configuration: what the user gave, checked, and the defaults for the rest.

    Raises
    ------
    BadInput
        For an unknown key (with the nearest known one), a value of the wrong kind, or keys
        that do not go together.
    """
    schema = load_schema("config")
    check_schema(given, schema)
    config: dict = with_defaults(given, schema)
    config["exclude"] = {str(patient): why for patient, why in config["exclude"].items()}
    _check_source(config)
    _check_label_of(config)
    _check_splits(config)
    _check_slices(config)
    for key in ("models", "compare_models"):
        config["classification"][key] = _classifiers(config["classification"][key], key)
    _check_feature_sets(config)
    _plan_embeddings(config)
    _check_model_keys(config["segmentation"]["models"], schema)
    _name_model_files(config)
    return config


def _check_source(config: dict) -> None:
    """Refuse a positive class that is none, and a study without a sheet and without features."""
    if config["positive"] not in config["classes"]:
        raise BadInput(
            f"config: `positive: {config['positive']}` is not one of `classes` "
            f"({', '.join(config['classes'])}); set it to one of them."
        )
    if config["patients"] is None and config["features"] is None:
        raise BadInput("config: neither `patients` nor `features` is given; name a cohort sheet.")


def _check_label_of(config: dict) -> None:
    """Refuse labels of lesions where only patients have one, and what needs one of patients."""
    for name in config["classes"]:
        if BETWEEN in name:
            raise BadInput(
                f"config: the class {name!r} of `classes` holds {BETWEEN!r}, which stands between "
                "the classes of a patient with several; rename the class."
            )
    if config["label_of"] == "patient":
        return
    if config["features"] is not None and config["patients"] is not None:
        raise BadInput(
            "config: `label_of: lesion` takes the labels from the feature table, and the cohort "
            "sheet has one label for each patient; set `patients: null`, and write what the sheet "
            "knows into the table as columns `clinical_...`."
        )
    asked = {
        "controls": [name for name in config["controls"] if name != "volume_only"],
        "heterogeneity": config["heterogeneity"] is not None,
        "pooling.patient": config["pooling"]["patient"],
        "evaluation.threshold_level": config["evaluation"]["threshold_level"] == "patient",
        "splits.site": config["splits"]["site"] is not None,
    }
    for key, used in asked.items():
        if used:
            raise BadInput(
                f"config: `{key}` needs one label for each patient, and with `label_of: lesion` a "
                "patient may have several; leave the key out."
            )


def _check_splits(config: dict) -> None:
    """Refuse splits that nothing can be divided by."""
    if not any(config["splits"].values()):
        known = ", ".join(f"`{key}`" for key in config["splits"])
        raise BadInput(f"config: `splits` has none of {known}; give at least one.")
    for key, column in (("given", "split"), ("site", "site")):
        if config["splits"][key] and config["patients"] is None:
            raise BadInput(
                f"config: `splits.{key}` needs the column `{column}` of a cohort sheet; name the "
                "sheet in `patients`, or leave the key out."
            )
    if "permuted_labels" in config["controls"] and not (
        config["splits"]["holdout"] or config["splits"]["cv"]
    ):
        raise BadInput(
            "config: the control `permuted_labels` divides the patients anew; give `splits.cv` or "
            "`splits.holdout`, or leave it out."
        )


def _check_slices(config: dict) -> None:
    """Refuse a margin around the lesion together with a fixed side of the image."""
    if config["slices"]["margin_mm"] is not None and config["slices"]["side_mm"] is not None:
        raise BadInput(
            "config: `slices.margin_mm` and `slices.side_mm` exclude each other: the margin is "
            "what a lesion leaves free; set one of them to null."
        )


def _check_model_keys(models: list[dict], schema: dict) -> None:
    """Refuse keys of a segmentation model that its kind does not read or cannot work with."""
    segmentation = schema["properties"]["segmentation"]["properties"]
    known = segmentation["models"]["items"]["properties"]
    has_liver = False
    for model in models:
        title, kind = f"config: the segmentation model {model['name']}", model["kind"]
        others = [key for other, keys in KEYS_OF_KIND.items() if other != kind for key in keys]
        if unread := [key for key in others if model[key] != known[key]["default"]]:
            raise BadInput(
                f"{title} is of the kind {kind}, which does not read `{unread[0]}`; remove this "
                "key, or correct `kind`."
            )
        if kind == "leuven" and not model["labels"].items() <= LEUVEN_LABELS.items():
            raise BadInput(
                f"{title} is of the kind leuven, whose labels are liver: 1 and lesion: 2; correct "
                "its `labels` (one of the two may be left out)."
            )
        if model["url"] and model["package"]:
            raise BadInput(f"{title} has a `url` and a `package`; remove one of them.")
        has_liver |= "liver" in model["labels"] and not model["only_locates"]
        if kind == "leuven" and not has_liver:
            raise BadInput(
                f"{title} looks for lesions in the liver, which no model before it gives; add "
                "liver: 1 to its `labels`, or name a model of the liver before it."
            )


def _name_model_files(config: dict) -> None:
    """Give each segmentation model the path of its file; refuse one that has no file at all."""
    for model in config["segmentation"]["models"]:
        if not any(model[key] for key in ("path", "url", "package")):
            raise BadInput(
                f"config: the segmentation model {model['name']} has no `path`, `url` or "
                "`package`; name the file, or where to download it."
            )
        model["path"] = model["path"] or str(model_cache_path(model["sha256"]))
    names = [model["name"] for model in config["segmentation"]["models"]]
    if len(set(names)) < len(names):
        raise BadInput("config: two `segmentation.models` have one name; give each its own.")


def _classifiers(chosen: str | list[str], key: str) -> list[str]:
    """The classifiers by name; `all` is every one of the registry."""
    if isinstance(chosen, str):
        return list(CLASSIFIERS)
    for name in chosen:
        if name not in CLASSIFIERS:
            near = difflib.get_close_matches(name, CLASSIFIERS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(CLASSIFIERS)}."
            raise BadInput(f"config: `classification.{key}`: there is no {name!r}; {hint}")
    return chosen


def _check_feature_sets(config: dict) -> None:
    """Refuse feature sets that are not measured; controls are learned from only where named."""
    chosen, sets = config["classification"], config["radiomics"]["feature_sets"]
    compared = chosen["compare_feature_sets"]
    if compared and REFERENCE_SETS not in compared:
        raise BadInput(
            "config: `classification.compare_feature_sets` compares its entries with one called "
            f"`{REFERENCE_SETS}`; add it, e.g. `{REFERENCE_SETS}: [{REFERENCE_SETS}]`."
        )
    if config["features"] and config["radiomics"]["min_icc"]:
        raise BadInput(
            "config: `radiomics.min_icc` measures lesions again under perturbations, and a feature "
            "table has no images; set it to null."
        )
    if config["features"]:
        return  # a person's own table: what its columns are called is looked at when it is read
    named = {"feature_sets": chosen["feature_sets"] or []}
    named |= {f"compare_feature_sets.{name}": parts for name, parts in compared.items()}
    for key, parts in named.items():
        for name in parts:
            if name not in sets and not (name == EMBEDDINGS and config["embeddings"]):
                raise BadInput(
                    f"config: `classification.{key}` names the feature set `{name}`, and "
                    f"`radiomics.feature_sets` has {', '.join(sets)}; add it there, or leave it "
                    "out."
                )
    regions = {own.get("region", "lesion") for own in sets.values()}
    if config["radiomics"]["min_icc"] and regions == {"liver"}:
        raise BadInput(
            "config: `radiomics.min_icc` perturbs lesions and rings, and `radiomics.feature_sets` "
            "has the liver alone; add a set of the lesion, or set it to null."
        )
    plain = [name for name, own in sets.items() if not own.get("shuffle")]
    if chosen["feature_sets"] is None and 0 < len(plain) < len(sets):
        chosen["feature_sets"] = plain


def _plan_embeddings(config: dict) -> None:
    """Say which arms learn from embeddings of other networks: by default some of their own."""
    if not config["embeddings"]:
        return
    chosen, sets = config["classification"], list(config["radiomics"]["feature_sets"])
    if EMBEDDINGS in sets:
        raise BadInput(
            f"config: `radiomics.feature_sets` has a set called `{EMBEDDINGS}`, which is the name "
            "of the table in `embeddings`; give the set another name."
        )
    radiomics = [RADIOMICS] if config["features"] else sets
    if chosen["feature_sets"] is None:  # all other arms go without embeddings
        chosen["feature_sets"] = radiomics
    own = [name for name in chosen["feature_sets"] if name != EMBEDDINGS] or radiomics
    if not chosen["compare_feature_sets"]:
        chosen["compare_feature_sets"] = {
            REFERENCE_SETS: own,
            EMBEDDINGS: [EMBEDDINGS],
            WITH_EMBEDDINGS: [*own, EMBEDDINGS],
        }
    named = (chosen["feature_sets"], *chosen["compare_feature_sets"].values())
    if not any(EMBEDDINGS in parts for parts in named):
        raise BadInput(
            "config: `embeddings` names a table that no arm learns from; add "
            f"`{EMBEDDINGS}: [{EMBEDDINGS}]` to `classification.compare_feature_sets`, or leave "
            "`embeddings` out."
        )
