"""Where a model is looked for, and the recipes that name published models."""

from pathlib import Path

import pytest
import yaml
from livermets.core.errors import BadInput
from livermets.study.config import load_config
from livermets.study.model_cache import model_cache_path

ROOT = Path(__file__).parents[2]
SHA256 = "ab" * 32


def test_a_model_needs_a_file_an_address_or_a_package_and_is_cached_by_hash(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = {"name": "net", "sha256": SHA256, "labels": {"liver": 1}}
    with pytest.raises(BadInput, match="net has no `path`, `url` or `package`"):
        load_config({"segmentation": {"models": [model]}})
    config = load_config({"segmentation": {"models": [{**model, "url": "https://x.org/m.zip"}]}})
    assert config["segmentation"]["models"][0]["path"] == str(model_cache_path(SHA256))
    assert model_cache_path(SHA256).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    "recipe", sorted((ROOT / "config/recipes").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_shipped_recipes_are_valid(recipe):
    load_config(yaml.safe_load(recipe.read_text()))
