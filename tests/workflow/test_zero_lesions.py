"""A study with a patient who has no lesion, and one whose last lesion a correction took away."""

from pathlib import Path

import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.run_study import snakemake, write_phantom_study
from livermets.cohort.cohort_table import NO_LESION, read_cohort

pytestmark = pytest.mark.slow
TARGETS = ("results/report.html", "review")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """B6 has a mask of the liver alone, B7 a correction without any lesion; run to the report."""
    folder = tmp_path_factory.mktemp("study")
    write_phantom_study(folder, 8)
    made = snakemake(folder, "phantoms/B6.mask.nii.gz", "phantoms/B7.mask.nii.gz")
    assert made.returncode == 0, made.stderr
    (folder / "corrections").mkdir()
    for source, target in (
        ("phantoms/B6.mask.nii.gz", "phantoms/B6.mask.nii.gz"),
        ("phantoms/B7.mask.nii.gz", "corrections/B7.seg.nrrd"),
    ):
        mask = sitk.ReadImage(str(folder / source))
        assert sitk.GetArrayViewFromImage(mask).max() == 2
        sitk.WriteImage(sitk.Minimum(mask, 1), str(folder / target))
    done = snakemake(folder, *TARGETS)
    assert done.returncode == 0, done.stderr
    return folder


def test_patients_without_lesions_are_in_the_cohort_and_the_report_with_the_reason(study):
    cohort = read_cohort(study / "results/cohort.tsv").set_index("patient")
    assert cohort.index[~cohort["included"]].tolist() == ["B6", "B7"]
    assert cohort.loc[["B6", "B7"], "reason"].tolist() == [NO_LESION, NO_LESION]
    assert cohort.loc[["B6", "B7"], "mask_source"].tolist() == ["given", "corrected"]
    assert (cohort.loc[["B6", "B7"], "liver_ml"] > 0).all()
    features = pd.read_parquet(study / "results/features.parquet")
    assert set(features["patient"]) == {f"B{number}" for number in range(6)}
    report = (study / "results/report.html").read_text()
    assert "B6" in report and "B7" in report and NO_LESION in report


def test_patients_without_lesions_are_in_the_worklist_with_their_pictures(study):
    worklist = (study / "results/review/index.html").read_text()
    for patient in ("B6", "B7"):
        assert patient in worklist
        assert len(pd.read_table(study / f"results/lesions/{patient}.tsv")) == 0
        assert (study / f"results/review/{patient}.png").stat().st_size > 1000
