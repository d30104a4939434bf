"""The RO-Crate describes the files that are there, as they are."""

import hashlib
import json

import pytest
from livermets.manuscript.crate import NAME, describe, write_crate
from rocrate.rocrate import ROCrate


@pytest.fixture
def entities(own_run) -> dict[str, dict]:
    write_crate(own_run)
    graph = json.loads((own_run.results / NAME).read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def test_each_described_file_is_there_with_its_size_and_hash(own_run, entities):
    files = [entity for entity in entities.values() if entity["@type"] == "File"]
    assert {"metrics.parquet", "figures/flow.svg", "predictions/knn-none.parquet"} <= {
        entity["@id"] for entity in files
    }
    for entity in files:
        content = (own_run.results / entity["@id"]).read_bytes()
        assert int(entity["contentSize"]) == len(content)
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_run_names_what_made_the_files_from_which_configuration(own_run, entities):
    run = entities["#run"]
    assert run["@type"] == "CreateAction"
    assert entities[run["instrument"]["@id"]]["name"] == "livermets"
    assert json.loads(entities[run["object"]["@id"]]["value"]) == own_run.config
    assert {"@id": "metrics.parquet"} in run["result"]


def test_the_root_has_what_ro_crate_1_1_requires(entities):
    root, descriptor = entities["./"], entities[NAME]
    assert {"name", "description", "datePublished", "license"} <= set(root)
    assert "14 patients were analysed" in root["description"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    listed = {part["@id"] for part in root["hasPart"]}
    assert listed == {
        name for name, entity in entities.items() if entity["@type"] in ("File", "Dataset")
    } - {"./"}


def test_a_reader_of_ro_crates_opens_it(own_run, entities):
    crate = ROCrate(str(own_run.results))
    assert {"cohort.tsv", "ct/"} <= {entity.id for entity in crate.data_entities}


def test_a_deleted_file_is_not_described_and_the_description_not_itself(own_run):
    write_crate(own_run)
    assert "importance.parquet" in json.dumps(describe(own_run))
    (own_run.results / "importance.parquet").unlink()
    parts = describe(own_run)["@graph"][0]["hasPart"]
    assert {"@id": "importance.parquet"} not in parts and {"@id": NAME} not in parts


def test_two_descriptions_of_the_same_results_have_the_same_bytes(own_run):
    write_crate(own_run)
    before = (own_run.results / NAME).read_bytes()
    write_crate(own_run)
    assert (own_run.results / NAME).read_bytes() == before
