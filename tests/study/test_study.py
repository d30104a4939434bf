"""The study object: what rules ask of the configuration and the sheet, without Snakemake."""

import dataclasses
import shutil

import pytest
from helpers.refusals import refused
from livermets.core.errors import BadInput
from livermets.study.study import Study

MODEL = {"name": "demo", "path": "model.zip", "sha256": "0" * 64, "labels": {"liver": 1}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study's folder with three patients: A has no mask, B a given one, C a DICOM folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/patients.tsv").write_text(
        "patient\tlabel\tct\tmask\tsite\n"
        "A\tcolorectal\ta.nii.gz\t\tX\n"
        "B\tpancreatic\tb.nrrd\tb-mask.nii.gz\tX\n"
        "C\tcolorectal\tdicom/c\tphantoms/c.mask.nii.gz\tY\n"
    )
    (tmp_path / "model.zip").write_bytes(b"")
    (tmp_path / "b.nrrd").write_bytes(b"")
    return tmp_path


def study(**given) -> Study:
    return Study.load({"segmentation": {"models": [MODEL]}, **given})


def test_a_study_cannot_be_changed(folder):
    with pytest.raises(dataclasses.FrozenInstanceError):
        study().sheet = {}


def test_patients_stand_in_the_order_of_the_sheet_and_only_those_without_a_mask_are_segmented(
    folder,
):
    assert study().patients == ["A", "B", "C"]
    assert study().segmented == ["A"]
    assert study(masks={"compare_automatic": True}).segmented == ["A", "B", "C"]
    assert study().automatic_mask("A") == ["results/segmentation/A.nii.gz"]
    assert study().automatic_mask("B") == []


def test_a_source_that_is_not_there_is_left_to_the_script_that_names_the_patient(folder):
    assert study().source("A", "ct") == []
    assert study().source("B", "ct") == ["b.nrrd"]
    assert study().source("C", "mask") == ["phantoms/c.mask.nii.gz"]  # its rule will make it


def test_the_uncorrected_mask_is_named_whether_it_is_there_or_not(folder):
    assert study().uncorrected_source("B") == []
    assert study().uncorrected_cell("B") == "b-mask.nii.gz"
    compared = study(masks={"compare_automatic": True})
    assert compared.uncorrected_cell("B") == ""  # the automatic mask comes first


def test_a_mask_that_is_meant_is_one_of_a_patient_in_the_sheet(folder):
    accepting = study(masks={"accept_implausible": ["B"]})
    assert [accepting.accepts_implausible(patient) for patient in "AB"] == [False, True]
    with refused("masks.accept_implausible", "'D'", "not in the cohort sheet"):
        study(masks={"accept_implausible": ["D"]})


def test_a_ct_of_several_folders_gives_each_as_an_input(folder):
    sheet = folder / "config/patients.tsv"
    sheet.write_text(sheet.read_text().replace("dicom/c", "cd/a | cd/b"))
    (folder / "cd/a").mkdir(parents=True)
    (folder / "cd/b").mkdir()
    assert study().source("C", "ct") == ["cd/a", "cd/b"]
    assert study().listed("C", "ct") == ["cd/a", "cd/b"]
    assert study().came_as_dicom("C")


def test_the_number_of_slices_is_for_import_and_not_in_the_tables(folder):
    sheet = folder / "config/patients.tsv"
    lines = sheet.read_text().splitlines()
    sheet.write_text("\n".join([lines[0] + "\tn_slices", *(f"{x}\t41" for x in lines[1:])]) + "\n")
    assert study().cell("C", "n_slices") == "41"
    assert "n_slices" not in study().sheet_columns


BRACES = {
    "corrections": {"masks": {"corrections": "corrections{1}"}},
    "a feature table": {"features": "table{1}.csv", "patients": None},
    "a model": {"segmentation": {"models": [{**MODEL, "path": "model{1}.zip"}]}},
}


@pytest.mark.parametrize("given", BRACES.values(), ids=BRACES)
def test_a_path_that_snakemake_takes_for_a_pattern_is_refused(folder, given):
    with refused("{1}", "wildcard", "rename"):
        study(**given)


def test_a_study_in_a_folder_that_snakemake_takes_for_a_pattern_is_refused(folder, monkeypatch):
    inner = folder / "study{1}"
    shutil.copytree(folder / "config", inner / "config")
    monkeypatch.chdir(inner)
    with refused("study's folder", "study{1}", "rename the folder"):
        study()


def test_a_prediction_table_whose_name_is_a_pattern_is_refused(folder):
    (folder / "results/predictions").mkdir(parents=True)
    (folder / "results/predictions/mine{1}.parquet").write_bytes(b"")
    with refused("results/predictions", "mine{1}.parquet", "rename"):
        study()


def test_only_a_ct_that_came_as_dicom_gets_a_dicom_mask(folder):
    assert [study().came_as_dicom(patient) for patient in "ABC"] == [False, False, True]


def test_a_correction_counts_as_a_second_mask_and_brings_its_note(folder):
    (folder / "corrections").mkdir()
    (folder / "corrections/B.nii.gz").write_bytes(b"")
    (folder / "corrections/B.json").write_text("{}")
    compared = study(masks={"compare_uncorrected": True})
    assert compared.correction("B") == ["corrections/B.nii.gz", "corrections/B.json"]
    assert compared.scans_with_two_masks == ["B"] and compared.scans_with_one_mask == [
        "A",
        "C",
    ]
    assert study().scans_with_two_masks == []  # nobody asked


def test_what_a_model_was_trained_on_is_for_the_audit_and_segments_nobody_again(folder):
    own = "own.txt"
    (folder / own).write_text("A\n")
    plain, told = study(), study(segmentation={"models": [{**MODEL, "trained_on": ["lits", own]}]})
    assert told.segmentation == plain.segmentation
    assert told.segmentation_training["trained_on"] == {MODEL["name"]: ["lits", own]}
    assert set(told.segmentation_training["cts"]) == set(told.segmented)
    assert told.training_lists == [own] and plain.training_lists == []


def test_batches_of_segmentation_hold_every_patient_once(folder):
    segmentation = {"models": [MODEL], "patients_per_job": 2}
    batches = study(
        segmentation=segmentation, masks={"compare_automatic": True}
    ).segmentation_batches
    assert batches == [["A", "B"], ["C"]]


def test_arms_follow_the_configuration(folder):
    few = {
        "models": ["knn"],
        "resampling": ["none", "weights", "smote"],
        "baselines": ["majority", "clinical"],
        "compare_feature_sets": {"original": ["original"]},
        "compare_models": ["knn"],
    }
    asked = study(classification=few, densenet=None, controls=["volume_only"])
    assert asked.classifier_arms == ["knn-none", "knn-smote"]  # it cannot weigh rows
    assert asked.arms == [
        *("knn-none", "knn-smote", "selected", "knn-none@original"),
        *("baseline_majority", "baseline_volume"),  # clinical: there is no such column
    ]
    assert asked.rerun_arms == [arm for arm in asked.arms if arm != "knn-none@original"]
    assert study(classification=few).arms[-1] == "densenet121"


def test_a_study_of_features_has_no_images_and_its_baselines_go_by_the_tables_columns(folder):
    (folder / "mine.csv").write_text("patient,lesion,label,original_shape_VoxelVolume\n")
    asked = Study.load({"features": "mine.csv", "patients": None})
    assert not asked.has_images and asked.patients == [] and not asked.deep_learning
    assert asked.baseline_arms == ["baseline_majority", "baseline_volume"]


def test_subgroups_are_measured_for_the_primary_comparison_and_densenet(folder):
    comparison = {"arm": "knn-none", "reference": "baseline_majority"}
    few = {"models": ["knn"], "resampling": ["none", "smote"], "baselines": ["majority"]}
    named = study(classification=few, evaluation={"primary_comparison": comparison})
    assert named.subgroup_arms == ["knn-none", "baseline_majority", "densenet121"]
    default = study(classification=few, densenet=None)
    assert default.subgroup_arms == ["selected"]  # there is no baseline of lesion volume
    single = study(classification=few | {"resampling": ["none"]}, controls=["volume_only"],
                   densenet=None)  # fmt: skip
    assert single.subgroup_arms == ["knn-none", "baseline_volume"]


def test_prediction_tables_of_the_user_are_arms_and_unfinished_files_are_not(folder):
    for name in ("knn-smote", "selected", "mine", ".unfinished.knn-none", "knn-none@ring"):
        (folder / f"{name}.parquet").write_bytes(b"")
    for name in ("yours.CSV.gz", "theirs.xlsx", "notes.md"):
        (folder / name).write_bytes(b"")
    assert Study.added_arms(folder) == ["mine", "theirs", "yours"]
    assert Study.added_tables(folder)["yours"] == str(folder / "yours.CSV.gz")


def sited(**patients: tuple[int, int]) -> dict[str, dict[str, str]]:
    """A sheet with these numbers of patients of the two classes at each site."""
    return {
        f"{site}{label}{number}": {"site": site, "label": label}
        for site, counts in patients.items()
        for label, count in zip(("colorectal", "pancreatic"), counts, strict=True)
        for number in range(count)
    }


def test_only_sites_that_leave_two_patients_of_each_class_are_planned_to_be_tested(folder):
    asked = study(splits={"site": {"test": "each"}, "cv": None, "holdout": None})
    asked = dataclasses.replace(asked, sheet=sited(X=(3, 3), Y=(3, 1), Z=(3, 0)))
    assert asked.splits == ["site-Y", "site-Z"]


def test_splits_of_permuted_labels_leave_out_what_does_not_know_of_them(folder):
    asked = study(splits={"site": {"test": "each"}, "cv": {"folds": 2}, "holdout": None})
    asked = dataclasses.replace(asked, sheet=sited(X=(2, 2), Y=(2, 2)))
    assert asked.splits == ["cv1-fold1", "cv1-fold2", "site-X", "site-Y"]
    assert asked.permuted_splits == ["cv1-fold1", "cv1-fold2"]
    assert asked.schemes == ["cv", "site"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"segmentation": {"models": []}}, "patient A has no `mask`"),
        (
            {"segmentation": {"models": [{**MODEL, "path": "gone.zip"}]}},
            "gone.zip does not exist; correct its `path`",
        ),
    ],
    ids=["no model", "model not there"],
)
def test_a_patient_without_a_mask_needs_a_model_that_is_there(folder, given, said):
    with pytest.raises(BadInput, match=said):
        Study.load(given)


def test_planning_refuses_a_correction_that_is_no_patients(folder):
    (folder / "corrections").mkdir()
    (folder / "corrections/b.nii.gz").touch()
    with pytest.raises(BadInput, match=r"rename the file to B\.nii\.gz"):
        study()


def test_an_excluded_patient_is_in_no_rule_and_their_cells_are_kept_for_the_cohort(folder):
    asked = study(exclude={"B": "same scan as A"}, splits={"site": {"test": "each"}, "cv": None})
    assert asked.patients == ["A", "C"]
    assert asked.sheet_columns["patient"] == ["A", "C"]
    (out,) = asked.excluded
    assert (out["patient"], out["label"], out["reason"]) == ("B", "pancreatic", "same scan as A")
    (folder / "corrections").mkdir()
    (folder / "corrections/B.nii.gz").write_bytes(b"")
    assert study(exclude={"B": "same scan as A"}).patients == ["A", "C"]  # no stranger's mask


def test_a_site_whose_patients_are_all_excluded_is_no_site(folder):
    asked = study(exclude={"C": "x"}, splits={"site": {"test": "each"}, "holdout": None})
    assert not any("site-Y" in name for name in asked.splits)


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        ({"D": "x"}, "`exclude` names D, who is not in the cohort sheet"),
        ({7: "x"}, "`exclude` names 7, who is not in the cohort sheet.*in quotes"),
        ({"A": ""}, "`exclude.A`"),
        (dict.fromkeys("ABC", "x"), "leaves no patient"),
    ],
    ids=["unknown", "a number", "no reason", "everybody"],
)
def test_an_exclusion_that_cannot_be_meant_is_refused(folder, exclude, said):
    with pytest.raises(BadInput, match=said):
        study(exclude=exclude)


def test_the_site_alone_is_a_baseline_where_the_sheet_has_two_sites_or_more(folder):
    few = {"models": ["knn"], "resampling": ["none"], "baselines": ["majority", "site"]}
    assert "baseline_site" in study(classification=few).arms
    assert "baseline_site" not in study(classification=few, exclude={"C": "x"}).arms
    (folder / "mine.csv").write_text("patient,lesion,label,site\n")  # a feature of that name
    asked = Study.load({"features": "mine.csv", "patients": None, "classification": few})
    assert asked.baseline_arms == ["baseline_majority"]


@pytest.mark.parametrize("densenet", [{}, None], ids=["from scratch", "no network"])
def test_a_training_from_scratch_reads_no_file_of_weights(folder, densenet):
    assert study(densenet=densenet).densenet_weights == []


def test_a_file_of_weights_is_an_input_and_refused_where_it_is_not_there(folder):
    weights = {"path": "imagenet.pth", "sha256": "0" * 64}
    with pytest.raises(BadInput, match=r"`densenet.weights` names imagenet.pth, which does not"):
        study(densenet={"weights": weights})
    (folder / "imagenet.pth").write_bytes(b"")
    assert study(densenet={"weights": weights}).densenet_weights == ["imagenet.pth"]
    with pytest.raises(BadInput, match=r"`densenet.weights` names \{a\}.pth"):
        study(densenet={"weights": weights | {"path": "{a}.pth"}})
