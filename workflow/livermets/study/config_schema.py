"""The schema of the configuration: what a key may hold, its default, and mistakes in words."""

import difflib
import math
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from livermets.core.errors import BadInput

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
    "audit.different": "audit.known_distinct_pairs",
}
# Keys of earlier versions that nothing takes the place of -> why
REMOVED = {
    "evaluation.draws": "intervals need no random draws any more",
    "evaluation.bootstrap_draws": "intervals need no random draws any more",
}
KINDS = {  # how the types of the schema are called in messages
    "number": "a number, with a decimal point and without an exponent",
    "integer": "a whole number",
    "string": "a text (in quotes, if YAML reads it as something else)",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys with values",
    "null": "null",
}
SCHEMAS = Path(__file__).parents[2] / "schemas"


def load_schema(name: str) -> dict:
    """One of the JSON schemas in workflow/schemas/."""
    text = (SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8")
    schema: dict = yaml.safe_load(text)
    return schema


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


def check_schema(given: dict, schema: dict) -> None:
    """Refuse what the schema does not allow.

    Raises
    ------
    BadInput
        Naming each key (five at most) with the nearest key, its new name, or what it may hold.
    """
    validator = jsonschema.Draft202012Validator(schema)
    mistakes = sorted(validator.iter_errors(given), key=lambda e: (len(e.path), str(list(e.path))))
    if not mistakes and (key := _no_number(given)):
        raise BadInput(f"config: `{key}` is no finite number; write one.")
    if mistakes:
        texts = (_explain(mistake).rstrip(".") + "." for mistake in mistakes[:5])
        raise BadInput("config: " + " ".join(text.replace("?.", "?") for text in texts))


def _no_number(value: Any, key: str = "") -> str:
    """The first key that holds NaN or infinity, which pass every limit of a schema; "" if none."""
    if isinstance(value, float) and not math.isfinite(value):
        return key
    parts = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(parts, dict):
        return ""
    names = ((f"{key}.{name}" if key else str(name), part) for name, part in parts.items())
    return next(filter(None, (_no_number(part, name) for name, part in names)), "")


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
            moved = [new for old, new in RENAMED.items() if old.rpartition(".")[2] == key]
            if name in REMOVED:
                hint = f"{REMOVED[name]}; remove the line."
            elif name in RENAMED:
                hint = f"it is called `{RENAMED[name]}` now; rename it."
            elif moved:  # an old key in a new group, or without its group
                hint = f"did you mean `{moved[0]}`?"
            texts.append(f"`{name}` is not a key; {hint}")
        return " ".join(texts)
    hint = schema.get("description", "")
    if mistake.instance == "shuffled_labels" and where.startswith("controls"):
        hint = "it is called `permuted_labels` now; rename it."
    elif mistake.validator == "enum":  # the nearest of the names that are known
        near = difflib.get_close_matches(
            str(mistake.instance), map(str, mistake.validator_value), 1
        )
        hint = f"did you mean {near[0]!r}?" if near else hint
    if mistake.validator == "type":
        types = mistake.validator_value
        kinds = " or ".join(KINDS[kind] for kind in ([types] if isinstance(types, str) else types))
        name = f"`{where}`" if where else "the whole file"
        kinds += f". See config/README.md{f' ({hint})' if hint and where else ''}"
        return f"{name} is {mistake.instance!r}, but has to be {kinds}"
    if mistake.validator in ("oneOf", "anyOf"):
        return f"`{where}`: {mistake.instance!r} cannot be used. {hint} See config/README.md."
    return f"`{where}`: {mistake.message}. See config/README.md{f' ({hint})' if hint else ''}"
