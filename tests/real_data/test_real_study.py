"""Real CTs through the whole workflow, from DICOM to the feature table, against published truths.

The truths are those of the data's own README; see CONTRIBUTING for where the data come from.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import yaml
from helpers.run_study import ROOT, jobs, snakemake, write_config, write_sheet
from livermets.imaging.geometry import same_grid
from livermets.segmentation.model_archive import hash_model


@pytest.fixture(scope="module")
def study(real_data, dicom_folder, tmp_path_factory) -> Path:
    """Three real patients from the sheet to results/features.parquet."""
    folder = tmp_path_factory.mktemp("real_study")
    # TotalSegmentator numbers a hundred organs, the liver 5: a mask of ours has the liver alone
    organs = sitk.ReadImage(str(real_data / "totalsegmentator_example/example_seg.nii.gz"))
    sitk.WriteImage(organs == 5, folder / "liver.nii.gz")
    example = real_data / "totalsegmentator_example/example_ct_sm.nii.gz"
    crlm, chaos = real_data / "crlm_1006/labels.nii.gz", real_data / "chaos_set3/liver_gt.nii.gz"
    write_sheet(
        folder,
        [
            ("CRLM-CT-1006", "colorectal", str(dicom_folder("crlm_1006")), str(crlm)),
            ("CHAOS-3", "pancreatic", str(dicom_folder("chaos_set3")), str(chaos)),
            ("TS-example", "pancreatic", str(example), "liver.nii.gz"),
        ],
    )
    write_config(folder, {})
    done = snakemake(folder, "features")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def cohort(study) -> pd.DataFrame:
    return pd.read_csv(study / "results/cohort.tsv", sep="\t").set_index("patient")


def test_three_lesions_of_1006_have_their_known_sizes_and_all_features(study):
    table = pd.read_parquet(study / "results/features.parquet")
    assert table["patient"].tolist() == ["CRLM-CT-1006"] * 3
    assert table["lesion"].tolist() == [1, 2, 3]
    assert table["volume_ml"].round(2).tolist() == [7.32, 1.50, 0.78]
    assert table["diameter_mm"].round(1).tolist() == [31.6, 13.8, 13.4]
    features = table.filter(like="original_")
    assert features.shape[1] >= 107
    assert np.isfinite(features.to_numpy(float)).all()
    assert not table["radiomics_reason"].fillna("").any()
    np.testing.assert_allclose(table["original_shape_VoxelVolume"], table["volume_ml"] * 1000)


def test_the_grey_values_are_those_that_itk_itself_reads_under_the_mask(
    study, real_data, dicom_folder
):
    folder = str(dicom_folder("crlm_1006"))
    ct = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder))
    labels = sitk.ReadImage(str(real_data / "crlm_1006/labels.nii.gz"))
    labels.CopyInformation(ct)
    lesions = sitk.RelabelComponent(sitk.ConnectedComponent(labels == 2))
    truth = sitk.LabelStatisticsImageFilter()
    truth.Execute(ct, lesions)
    table = pd.read_parquet(study / "results/features.parquet")
    for name, value in [("Mean", truth.GetMean), ("Minimum", truth.GetMinimum)]:
        found = table[f"original_firstorder_{name}"]
        np.testing.assert_allclose(found, [value(lesion) for lesion in (1, 2, 3)])


def test_the_smallest_lesion_of_1006_is_dropped_with_its_diameter_as_the_reason(study, cohort):
    table = pd.read_csv(study / "results/lesions/CRLM-CT-1006.tsv", sep="\t")
    assert table["kept"].tolist() == [True, True, True, False]
    assert table["reason"].iloc[3] == "axial diameter 4.0 mm < 5.0 mm"
    row = cohort.loc["CRLM-CT-1006"]
    assert (row["n_components"], row["n_lesions"], row["n_dropped"]) == (4, 3, 1)
    assert row["mask_source"] == "given"


def test_patients_without_a_lesion_are_listed_with_their_livers_and_not_included(cohort):
    assert cohort["included"].to_dict() == {
        "CRLM-CT-1006": True,
        "CHAOS-3": False,
        "TS-example": False,
    }
    assert cohort.loc[["CHAOS-3", "TS-example"], "n_lesions"].tolist() == [0, 0]
    assert cohort.at["CHAOS-3", "liver_ml"] == pytest.approx(1417.49, abs=0.01)
    assert cohort.at["CHAOS-3", "parenchyma_hu"] == pytest.approx(141.0, abs=0.05)
    # its own figures are of the mask before it was resampled to the CT
    assert cohort.at["TS-example", "liver_ml"] == pytest.approx(1062.45, rel=0.03)
    assert cohort.at["TS-example", "parenchyma_hu"] == pytest.approx(44.86, abs=1)


def test_by_the_sphere_rule_1006_keeps_all_four_and_nothing_before_runs_again(study, tmp_path):
    folder = tmp_path / "sphere"
    shutil.copytree(study, folder)
    write_config(folder, {"lesions": {"diameter": "sphere"}})
    target = "results/lesions/CRLM-CT-1006.tsv"
    assert set(jobs(snakemake(folder, "-n", target))) == {"label_lesions", "total"}
    done = snakemake(folder, target)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(folder / target, sep="\t")
    assert table["kept"].all() and len(table) == 4
    assert table["diameter_mm"].round(1).iloc[3] == 6.2


@pytest.mark.parametrize(
    "case", ["totalsegmentator_example", pytest.param("crlm_1006", marks=pytest.mark.slow)]
)
def test_the_demo_model_segments_a_real_ct_on_its_own_grid(case, real_data, dicom_folder, tmp_path):
    nifti = real_data / case / "example_ct_sm.nii.gz"  # its x and y run against LPS
    source = nifti if nifti.exists() else dicom_folder(case)  # the DICOM is padded, feet first
    write_sheet(tmp_path, [("R1", "colorectal", str(source), "")])
    demo = yaml.safe_load((ROOT / "tests/demo/config/config.yaml").read_text())["segmentation"]
    path = ROOT / "resources/demo/model.zip"
    model = {**demo["models"][0], "path": str(path), "sha256": hash_model(path)}
    segmentation = {**demo, "models": [model], "step_size": 1.0}
    masks = {"accept_implausible": ["R1"]}  # a model of phantoms need not know a liver
    write_config(tmp_path, {"segmentation": segmentation, "masks": masks})
    done = snakemake(tmp_path, "review")
    assert done.returncode == 0, done.stderr
    ct = sitk.ReadImage(str(tmp_path / "results/ct/R1.nii.gz"))
    found = sitk.ReadImage(str(tmp_path / "results/segmentation/R1.nii.gz"))
    np.testing.assert_allclose(found.GetDirection(), ct.GetDirection(), atol=1e-6)
    assert same_grid(found, ct, tolerance_mm=1e-3)
    assert found.GetPixelID() == sitk.sitkUInt8
    assert set(np.unique(sitk.GetArrayViewFromImage(found))) <= {0, 1, 2}
    assert sitk.GetArrayViewFromImage(found).any()  # quality is not judged: something, somewhere
    assert (tmp_path / "results/review/R1.png").stat().st_size > 10_000
