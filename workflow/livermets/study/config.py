"""Configuration: the keys a user gave, checked against the schema, and defaults for the rest."""

import difflib
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from livermets.core.errors import BadInput
from livermets.study.arms import REFERENCE_SETS
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.model_cache import model_cache_path

# Keys of earlier versions -> what they are called now
RENAMED = {
    "corrections": "masks.corrections",
    "mask_labels": "masks.labels",
    "compare_masks": "masks.compare_uncorrected",
    "segmentation.compare": "masks.compare_automatic",
    "resample_tilt": "imaging.resample_tilt",
    "inclusion": "imaging.inclusion",
    "radiomics.classes": "radiomics.feature_classes",
    "radiomics.sets": "radiomics.feature_sets",
    "classification.correlation": "classification.max_correlation",
    "classification.compare_sets": "classification.compare_feature_sets",
    "evaluation.draws": "evaluation.bootstrap_draws",
    "audit.different": "audit.known_distinct_pairs",
}
SCHEMAS = Path(__file__).parents[2] / "schemas"


def load_schema(name: str) -> dict:
    """One of the JSON schemas in workflow/schemas/."""
    return yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))


def with_defaults(value: Any, schema: dict) -> Any:
    """`value` with the schema's defaults wherever a key is missing, at every depth."""
    kind = schema.get("type", ())
    if isinstance(value, dict) and "properties" in schema and "object" in (kind, *kind):
        filled = dict(value)
        for key, part in schema["properties"].items():
            if key in filled:
                filled[key] = with_defaults(filled[key], part)
            elif "default" in part:
                filled[key] = with_defaults(part["default"], part)
            elif part.get("type") == "object" and "required" not in part:
                filled[key] = with_defaults({}, part)
        return filled
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [with_defaults(item, schema["items"]) for item in value]
    return value


def load_config(given: dict) -> dict:
    """The whole configuration: what the user gave, checked, and the defaults for the rest.

    Raises
    ------
    BadInput
        For an unknown key (with the nearest known one), a value of the wrong kind, or keys
        that do not go together.
    """
    schema = load_schema("config")
    validator = jsonschema.Draft202012Validator(schema)
    mistakes = sorted(validator.iter_errors(given), key=lambda e: (len(e.path), str(list(e.path))))
    if mistakes:
        raise BadInput("config: " + "; ".join(_explain(mistake) for mistake in mistakes[:5]))
    config = with_defaults(given, schema)
    if config["positive"] not in config["classes"]:
        raise BadInput(
            f"config: `positive: {config['positive']}` is not one of `classes` "
            f"({', '.join(config['classes'])}); set it to one of them."
        )
    if config["patients"] is None and config["features"] is None:
        raise BadInput("config: neither `patients` nor `features` is given; name a cohort sheet.")
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
    for key in ("models", "compare_models"):
        config["classification"][key] = _models(config["classification"][key], key)
    _check_sets(config)
    for model in config["segmentation"]["models"]:
        if not model["path"] and not model["url"]:
            raise BadInput(
                f"config: the segmentation model {model['name']} has neither `path` nor `url`; "
                "name the file, or where to download it."
            )
        model["path"] = model["path"] or str(model_cache_path(model["sha256"]))
    names = [model["name"] for model in config["segmentation"]["models"]]
    if len(set(names)) < len(names):
        raise BadInput("config: two `segmentation.models` have one name; give each its own.")
    return config


def _models(chosen: str | list[str], key: str) -> list[str]:
    """The classifiers by name; `all` is every one of the registry."""
    if isinstance(chosen, str):
        return list(CLASSIFIERS)
    for name in chosen:
        if name not in CLASSIFIERS:
            near = difflib.get_close_matches(name, CLASSIFIERS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(CLASSIFIERS)}."
            raise BadInput(f"config: `classification.{key}`: there is no {name!r}; {hint}")
    return chosen


def _check_sets(config: dict) -> None:
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
            if name not in sets:
                raise BadInput(
                    f"config: `classification.{key}` names the feature set `{name}`, and "
                    f"`radiomics.feature_sets` has {', '.join(sets)}; add it there, or leave it out."
                )
    regions = {own.get("region", "lesion") for own in sets.values()}
    if config["radiomics"]["min_icc"] and regions == {"liver"}:
        raise BadInput(
            "config: `radiomics.min_icc` perturbs lesions and rings, and `radiomics.feature_sets` has the "
            "liver alone; add a set of the lesion, or set it to null."
        )
    plain = [name for name, own in sets.items() if not own.get("shuffle")]
    if chosen["feature_sets"] is None and 0 < len(plain) < len(sets):
        chosen["feature_sets"] = plain


def _explain(mistake: Any) -> str:
    """A mistake of jsonschema (a ValidationError) in words, with what to do."""
    schema = mistake.schema
    where = ".".join(str(part) for part in mistake.absolute_path)
    if mistake.validator == "additionalProperties":
        known = list(schema["properties"])
        unknown = [key for key in mistake.instance if key not in known]
        texts = []
        for key in unknown:
            name = f"{where}.{key}" if where else str(key)
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}."
            if name in RENAMED:
                hint = f"it is called `{RENAMED[name]}` now; rename it."
            texts.append(f"`{name}` is not a key; {hint}")
        return " ".join(texts)
    hint = schema.get("description", "")
    if mistake.instance == "shuffled_labels":
        hint = "it is called `permuted_labels` now; rename it."
    elif mistake.validator == "enum":  # the nearest of the names that are known
        near = difflib.get_close_matches(
            str(mistake.instance), map(str, mistake.validator_value), 1
        )
        hint = f"did you mean {near[0]!r}?" if near else hint
    if mistake.validator in ("oneOf", "anyOf"):
        return f"`{where}`: {mistake.instance!r} cannot be used. {hint} See config/README.md."
    return f"`{where}`: {mistake.message}. See config/README.md{f' ({hint})' if hint else ''}"
