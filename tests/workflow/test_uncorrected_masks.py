"""The study before correction: its jobs, and that it equals the study that was run before."""

import shutil

import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.run_study import jobs, snakemake, write_phantom_study

SMALL = {
    "radiomics": {"fan_out": "patient"},
    "classification": {"models": ["logistic_regression"], "resampling": ["none"],
                       "tuning": {"iterations": 0}, "baselines": ["volume"]},
    "splits": {"holdout": None, "cv": {"folds": 2, "validation": 0}},
}  # fmt: skip
ARMS = ("logistic_regression-none", "baseline_volume")


def correct(folder) -> None:
    """B1's lesions a voxel wider, in the folder of corrections."""
    mask = sitk.ReadImage(str(folder / "phantoms/B1.mask.nii.gz"))
    wider = sitk.BinaryDilate(mask == 2, [1, 1, 0])
    own = sitk.Mask(mask, sitk.Not(wider), 2)
    own.CopyInformation(mask)
    (folder / "corrections").mkdir()
    sitk.WriteImage(own, str(folder / "corrections/B1.nii.gz"))


EXTRA = {
    "select_uncorrected_mask",
    "label_uncorrected_lesions",
    "extract_uncorrected",
    "assemble_uncorrected_features",
    "match_lesions",
    "compare_corrections",
    "refit_classifier",
    "refit_baseline",
}


def test_its_jobs_run_only_on_request_and_where_a_patient_has_two_masks(tmp_path):
    write_phantom_study(tmp_path, 4)
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections/B1.nii.gz").touch()
    assert not EXTRA & set(jobs(snakemake(tmp_path, "-n")))
    write_phantom_study(tmp_path, 4, masks={"compare_uncorrected": True})
    asked = jobs(snakemake(tmp_path, "-n"))
    assert {name: asked[name] for name in EXTRA} == dict.fromkeys(EXTRA, 1) | {
        "refit_baseline": asked["fit_baseline"]
    }
    (tmp_path / "corrections/B1.nii.gz").unlink()
    listed = snakemake(tmp_path, "-n")
    assert listed.returncode == 0 and not EXTRA & set(jobs(listed))


@pytest.mark.slow
def test_the_study_before_correction_is_the_one_that_was_run_before_it(tmp_path):
    write_phantom_study(tmp_path, 8, **SMALL)
    results, earlier = tmp_path / "results", tmp_path / "earlier"
    done = snakemake(tmp_path, *(f"results/predictions/{arm}.parquet" for arm in ARMS))
    assert done.returncode == 0, done.stderr
    shutil.copytree(results, earlier)
    correct(tmp_path)
    write_phantom_study(tmp_path, 8, masks={"compare_uncorrected": True}, **SMALL)
    done = snakemake(tmp_path, "results/mask_comparison/aucs.tsv")
    assert done.returncode == 0, done.stderr
    features = [
        pd.read_parquet(folder / "features.parquet")
        for folder in (earlier, results / "uncorrected", results)
    ]
    pd.testing.assert_frame_equal(*features[:2])
    rows = [table[table["patient"] != "B1"].reset_index(drop=True) for table in features[1:]]
    pd.testing.assert_frame_equal(*rows)
    volumes = [table.query("patient == 'B1'")["volume_ml"].sum() for table in features]
    assert volumes[2] > 1.1 * volumes[0]
    for arm in ARMS:
        first, second = (
            pd.read_parquet(folder / f"predictions/{arm}.parquet")
            for folder in (earlier, results / "uncorrected")
        )
        pd.testing.assert_frame_equal(first, second)
    patients = pd.read_csv(results / "mask_comparison/patients.tsv", sep="\t")
    assert patients[["patient", "uncorrected", "final"]].to_numpy().tolist() == [
        ["B1", "given", "corrected"]
    ]
    agreement = pd.read_csv(results / "mask_comparison/features.tsv", sep="\t")
    assert len(agreement) > 100 and agreement["lesions"].max() == patients["paired"].sum() > 0
    aucs = pd.read_csv(results / "mask_comparison/aucs.tsv", sep="\t")
    assert set(aucs["arm"]) == set(ARMS) and (aucs["n_patients"] == 8).all()
