"""Prediction tables in, metrics with intervals out; bad tables are refused by name."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.fold_auc import auc_within_folds
from livermets.core.errors import BadInput
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.predictions.predictions_table import read_predictions
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score


def run(predictions: pd.DataFrame, **options) -> pd.DataFrame:
    return evaluate(predictions, CLASSES, POSITIVE, **options)


@pytest.fixture(scope="session")
def metrics(predictions, splits) -> pd.DataFrame:
    return run(predictions, splits=splits)


def value(metrics: pd.DataFrame, arm: str, scheme: str, level: str, metric: str) -> pd.Series:
    query = "arm == @arm and scheme == @scheme and level == @level and metric == @metric"
    return metrics.query(query).iloc[0]


def test_every_arm_scheme_level_and_metric_has_one_row(metrics):
    assert not metrics.duplicated(["arm", "scheme", "level", "metric"]).any()
    assert len(metrics) == 8 * 2 * 3 * 12
    assert set(metrics["level"]) == {"lesion", "lesion_weighted", "patient"}


def test_intervals_hold_the_value_and_stay_in_range(metrics):
    table = metrics[metrics["metric"] == "auc"]
    table = table[table["low"].notna()]
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert table["low"].ge(0).all() and table["high"].le(1).all()


def test_a_score_that_is_the_same_for_all_has_no_interval_and_says_why(metrics):
    row = value(metrics, "baseline_majority", "holdout", "patient", "auc")
    assert np.isnan(row["low"])
    assert row["no_interval"] == "it does not vary between the patients of a class"


def test_every_row_has_either_an_interval_or_a_reason(metrics):
    assert (metrics["low"].isna() == (metrics["no_interval"] != "")).all()


def test_cross_validation_counts_pairs_within_folds_and_averages_repeats(metrics, predictions):
    one = predictions[predictions["arm"] == "knn-smote"]
    repeats = [one[one["split"].str.startswith(f"cv{repeat}-")] for repeat in (1, 2)]
    expected = np.mean([auc_within_folds(part, POSITIVE) for part in repeats])
    row = value(metrics, "knn-smote", "cv", "lesion", "auc")
    assert row["value"] == pytest.approx(expected, abs=1e-12)
    assert row["n_splits"] == 10
    assert row["n_patients"] == 24


def test_the_patient_level_scores_the_mean_of_the_lesions(metrics, predictions):
    one = predictions.query("arm == 'knn-none' and split == 'holdout'")
    patients = one.groupby("patient").agg(label=("label", "first"), score=("score", "mean"))
    called = patients["score"] >= 0.5
    found = value(metrics, "knn-none", "holdout", "patient", "accuracy")
    assert found["value"] == pytest.approx(accuracy_score(patients["label"] == POSITIVE, called))
    assert (found["n_patients"], found["n_positive"]) == (8, 4)


def test_weighted_lesions_give_every_patient_the_same_say(metrics, predictions):
    one = predictions.query("arm == 'knn-none' and split == 'holdout'")
    right = (one["score"] >= 0.5) == (one["label"] == POSITIVE)
    expected = right.groupby(one["patient"]).mean().mean()
    found = value(metrics, "knn-none", "holdout", "lesion_weighted", "accuracy")
    assert found["value"] == pytest.approx(expected)


def test_the_majority_baseline_has_auc_one_half(metrics):
    assert value(metrics, "baseline_majority", "cv", "lesion", "auc")["value"] == pytest.approx(0.5)


def test_two_runs_and_any_row_order_give_the_same_table(metrics, predictions, splits):
    shuffled = predictions.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(run(shuffled, splits=splits), metrics)


def test_another_arm_in_the_table_changes_no_interval(metrics, predictions):
    alone = run(predictions[predictions["arm"] == "knn-none"])
    together = metrics[metrics["arm"] == "knn-none"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, together)


def test_an_arm_with_only_some_splits_is_evaluated_on_them(predictions):
    some = predictions[predictions["split"].isin(["cv1-fold1", "cv1-fold2"])]
    table = run(some)
    assert set(table["scheme"]) == {"cv"}
    assert (table["n_splits"] == 2).all()


def test_a_test_part_with_one_class_has_no_auc_and_no_interval(predictions):
    table = run(predictions[predictions["label"] == POSITIVE])
    auc = table[table["metric"] == "auc"]
    assert auc[["value", "low", "high"]].isna().all(axis=None)
    assert (auc["no_interval"] == "the metric is not defined").all()


def test_differences_are_paired_and_holm_corrected(predictions):
    table = compare_arms(predictions, CLASSES, POSITIVE)
    volume = table[table["against"] == "volume"]
    assert set(volume["arm"]) == {"knn-none", "knn-undersample", "knn-smote", "densenet121"}
    tested = table[table["p"].notna()]
    assert (tested["p_holm"] >= tested["p"]).all()
    metrics = run(predictions)
    row = volume.query("arm == 'densenet121' and scheme == 'cv' and level == 'lesion'").iloc[0]
    ours, its = (
        value(metrics, arm, "cv", "lesion", "auc")["value"]
        for arm in ("densenet121", "baseline_volume")
    )
    assert row["difference"] == pytest.approx(ours - its)


def test_resampled_arms_are_compared_with_the_same_model_as_is(predictions):
    table = compare_arms(predictions, CLASSES, POSITIVE)
    as_is = table[table["against"] == "as is"]
    assert set(zip(as_is["arm"], as_is["reference"], strict=True)) == {
        ("knn-undersample", "knn-none"),
        ("knn-smote", "knn-none"),
    }
    each = as_is.groupby(["scheme", "level"])
    most = 2 * each["p"].max() + 1e-12  # two arms a question
    assert (each["p_holm"].max() <= most)[most.notna()].all()


def test_an_arm_and_its_twin_have_no_interval_and_no_p_value(predictions):
    twin = predictions[predictions["arm"] == "knn-none"].assign(arm="twin")
    table = compare_arms(pd.concat([predictions, twin]), CLASSES, POSITIVE, reference="twin")
    same = table[(table["arm"] == "knn-none") & (table["against"] == "volume")]
    assert (same["difference"] == 0).all()
    assert same[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    by_patient = same[same["level"] == "patient"]
    assert (by_patient["no_interval"] == "the two arms rank all pairs alike").all()


def test_densenet_is_compared_with_the_selected_radiomics_arm_and_with_the_baselines(predictions):
    selected = predictions[predictions["arm"] == "knn-smote"].assign(arm="selected")
    both = selected.assign(arm="baseline_radiomics_clinical")
    table = compare_arms(pd.concat([predictions, selected, both]), CLASSES, POSITIVE)
    pairs = set(table[["against", "arm", "reference"]].itertuples(index=False, name=None))
    assert {
        ("radiomics", "densenet121", "selected"),
        ("burden", "selected", "baseline_burden"),
        ("clinical", "densenet121", "baseline_clinical"),
        ("clinical", "baseline_radiomics_clinical", "baseline_clinical"),
        ("volume", "selected", "baseline_volume"),
    } <= pairs


def test_the_primary_comparison_is_one_row_with_both_p_values(predictions):
    table = compare_arms(predictions, CLASSES, POSITIVE, primary=("knn-none", "baseline_volume"))
    (row,) = table[table["primary"]].to_dict("records")
    assert (row["arm"], row["scheme"], row["level"]) == ("knn-none", "cv", "patient")
    family = table[(table["scheme"] == "cv") & (table["level"] == "patient")]
    family = family[family["against"] == "volume"]
    assert len(family) == 4
    assert (family["p_holm"] >= family["p"]).all()
    assert row["p_holm"] == family.loc[family["arm"] == "knn-none", "p_holm"].item()
    unusual = compare_arms(predictions, CLASSES, POSITIVE, primary=("knn-none", "densenet121"))
    assert set(unusual.loc[unusual["primary"], "against"]) == {"primary"}


def test_arms_without_a_lesion_in_common_are_compared_by_patient_alone(predictions):
    renumbered = predictions[predictions["arm"] == "knn-none"].assign(arm="mine")
    renumbered = renumbered.assign(lesion=renumbered["lesion"] + 1000)
    table = compare_arms(pd.concat([predictions, renumbered]), CLASSES, POSITIVE)
    rows = table[(table["arm"] == "mine") & (table["against"] == "volume")]
    by_lesion = rows[rows["level"] != "patient"]
    assert len(by_lesion) == 4
    assert by_lesion["difference"].isna().all()
    assert by_lesion["no_interval"].str.contains("no lesion of a split in common").all()
    plain = table[(table["arm"] == "knn-none") & (table["against"] == "volume")]
    columns = ["difference", "low", "high", "p"]
    by_patient = [
        part.loc[part["level"] == "patient", columns].to_numpy(float) for part in (rows, plain)
    ]
    np.testing.assert_allclose(*by_patient)  # the numbers of the lesions do not matter


def test_arms_that_scored_different_lesions_are_compared_on_those_of_both(predictions):
    fewer = predictions[(predictions["arm"] != "baseline_volume") | (predictions["lesion"] == 1)]
    table = compare_arms(fewer, CLASSES, POSITIVE)
    row = table.query("arm == 'knn-none' and scheme == 'holdout' and level == 'lesion'").iloc[0]
    first = predictions.query("split == 'holdout' and lesion == 1")
    mine, its = (
        roc_auc_score(part["label"] == POSITIVE, part["score"])
        for part in (first.query(f"arm == {arm!r}") for arm in ("knn-none", "baseline_volume"))
    )
    assert row["difference"] == pytest.approx(mine - its)


def test_without_the_reference_arm_there_are_no_differences(predictions):
    table = compare_arms(predictions, CLASSES, POSITIVE, reference="nobody")
    assert set(table["against"]) == {"as is", "burden", "clinical"}
    alone = predictions[predictions["arm"] == "knn-none"]
    none = compare_arms(alone, CLASSES, POSITIVE)
    assert none.empty
    assert "p_holm" in none


def test_the_confusion_matrix_counts_calls_and_its_shares_are_the_sensitivity(predictions):
    table = confusion(predictions, CLASSES, POSITIVE)
    one = predictions.query("arm == 'knn-none' and split == 'holdout'")
    called = np.where(one["score"] >= 0.5, POSITIVE, CLASSES[0])
    mine = table.query("arm == 'knn-none' and scheme == 'holdout' and level == 'lesion'")
    counts = mine.pivot_table("count", "truth", "called").loc[CLASSES, CLASSES]
    assert (counts.to_numpy() == confusion_matrix(one["label"], called, labels=CLASSES)).all()
    sensitivity = value(run(predictions), "knn-none", "holdout", "lesion", "sensitivity")
    same = mine.query("truth == @POSITIVE and called == @POSITIVE").iloc[0]
    assert tuple(same[["share", "low", "high"]]) == pytest.approx(
        tuple(sensitivity[["value", "low", "high"]])
    )
    shares = table.groupby(["arm", "scheme", "level", "truth"])["share"].sum()
    assert shares.to_numpy() == pytest.approx(1, abs=1e-12)


def test_patients_count_alike_in_the_weighted_confusion_matrix(predictions):
    table = confusion(predictions, CLASSES, POSITIVE)
    weighted = table.query("scheme == 'cv' and level == 'lesion_weighted'")
    assert weighted.groupby("arm")["count"].sum().to_numpy() == pytest.approx(24)


def test_a_threshold_from_training_patients_decides_where_it_is_asked_for(predictions):
    own = predictions.assign(threshold=0.3)
    own.loc[own["arm"] == "densenet121", "threshold"] = np.nan  # has none: one half
    asked, fixed, plain = run(own, threshold="youden"), run(own, threshold=0.3), run(own)
    for arm, expected in (("knn-none", fixed), ("densenet121", plain)):
        for metric in ("sensitivity", "specificity", "accuracy", "mcc"):
            where = (arm, "cv", "patient", metric)
            assert value(asked, *where)["value"] == value(expected, *where)["value"]
    assert value(asked, "knn-none", "cv", "lesion", "f1")["threshold"] == pytest.approx(0.3)
    # net benefit is that of a stated risk, whatever the rows are called
    where = ("knn-none", "cv", "lesion", "net_benefit")
    assert value(asked, *where)["value"] == value(plain, *where)["value"]


def test_a_threshold_may_differ_between_splits(predictions):
    split = predictions["split"]
    own = predictions.assign(threshold=np.where(split.str.endswith("fold1"), 0.9, 0.2))
    one = own.query("arm == 'knn-none' and split.str.startswith('cv1')")
    called = one["score"] >= one["threshold"]
    found = value(run(one, threshold="youden"), "knn-none", "cv", "lesion", "accuracy")
    assert found["value"] == pytest.approx(accuracy_score(one["label"] == POSITIVE, called))


def test_a_metric_of_one_class_rests_on_the_patients_of_that_class(predictions):
    two = predictions.query("arm == 'knn-none' and split == 'holdout'")
    few = two[(two["label"] != POSITIVE) | (two["patient"] == two["patient"][
        two["label"] == POSITIVE].iloc[0])]  # fmt: skip
    table = run(few)
    alone = value(table, "knn-none", "holdout", "lesion", "sensitivity")
    assert np.isfinite(alone["value"])
    assert np.isnan(alone["low"])  # one patient has no interval
    assert np.isfinite(value(table, "knn-none", "holdout", "lesion", "specificity")["low"])


def one_cell(column: str, replacement: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A change of the first row of one arm."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table[table["arm"] == "knn-none"].astype({column: object})
        table.iloc[0, table.columns.get_loc(column)] = replacement
        return table

    return change


BAD_TABLES = {
    "no score": (lambda t: t.drop(columns="score"), "'score' is missing"),
    "no rows": (lambda t: t.iloc[:0], "no rows"),
    "a score above 1": (one_cell("score", 1.2), r"knn-none.*outside \[0, 1\]"),
    "an empty score": (one_cell("score", None), "'score' has empty cells"),
    "a score that is a word": (one_cell("score", "high"), "probabilities"),
    "half a lesion number": (one_cell("lesion", 1.5), r"knn-none.*lesion number 1\.5 of patient"),
    "a huge lesion number": (one_cell("lesion", 1e30), r"knn-none.*lesion number 1e\+30"),
    "an unknown label": (one_cell("label", "gastric"), "knn-none.*unknown label 'gastric'"),
    "an empty label": (one_cell("label", None), "'label' has empty cells"),
    "a row twice": (lambda t: pd.concat([t, t.iloc[:1]]), "more than once"),
    "a split that is not there": (one_cell("split", "cv7-fold1"), "'cv7-fold1'.*does not have"),
    "rows of another split": (
        lambda t: t.replace({"split": {"cv1-fold1": "cv1-fold2"}}),
        "not in the test part",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_bad_table_is_refused_with_a_message_that_says_what(change, message, predictions, splits):
    with pytest.raises(BadInput, match=message):
        run(change(predictions), splits=splits)


def test_arms_that_disagree_about_a_patient_are_refused(predictions):
    other = predictions[predictions["arm"] == "knn-none"].assign(arm="mine")
    other["label"] = other["label"].map(dict(zip(CLASSES, CLASSES[::-1], strict=True)))
    with pytest.raises(BadInput, match="mine.*same patient"):
        run(pd.concat([predictions, other]))


def test_a_patient_tested_twice_in_one_repeat_is_refused(predictions):
    one = predictions.query("split == 'cv1-fold1'").assign(split="cv1-fold2")
    with pytest.raises(BadInput, match="another fold"):
        run(pd.concat([predictions, one]))


def test_an_unknown_positive_class_is_refused(predictions):
    with pytest.raises(BadInput, match="gastric"):
        evaluate(predictions, CLASSES, "gastric")


def test_arms_are_read_from_parquet_and_a_users_csv(tmp_path, predictions):
    ours = predictions.astype({"patient": "string"})
    ours.to_parquet(tmp_path / "all.parquet")
    mine = predictions[predictions["arm"] == "knn-none"].assign(arm="mine", patient="007")
    mine = mine.drop_duplicates(["split", "patient", "lesion"])
    mine = mine[mine["label"] == mine["label"].iloc[0]]
    mine.to_csv(tmp_path / "mine.csv.gz", index=False)
    table = read_predictions(tmp_path.iterdir(), CLASSES)
    assert table["arm"].nunique() == 9
    assert set(table.loc[table["arm"] == "mine", "patient"]) == {"007"}


def test_a_users_table_may_be_a_workbook_and_its_classes_none_and_na(tmp_path, predictions):
    names = dict(zip(CLASSES, ("None", "NA"), strict=True))
    mine = predictions[predictions["arm"] == "knn-none"].replace({"label": names})
    mine.to_excel(tmp_path / "mine.xlsx", index=False)
    table = read_predictions([tmp_path / "mine.xlsx"], ["None", "NA"])
    assert set(table["label"]) == {"None", "NA"}
    assert table["score"].sum() == pytest.approx(mine["score"].sum(), rel=1e-12)
    mine.astype({"score": str}).replace({"score": {str(mine["score"].iloc[0]): "0,5"}}).to_csv(
        tmp_path / "german.csv", index=False
    )
    with pytest.raises(BadInput, match="german.csv: row 2: the column score holds '0,5'"):
        read_predictions([tmp_path / "german.csv"], ["None", "NA"])


def test_one_patient_under_two_ids_in_a_users_table_is_refused(tmp_path, predictions):
    mine = predictions[predictions["arm"] == "knn-none"].drop_duplicates(["split", "patient"])
    ids = dict(zip(mine["patient"].unique()[:2], ("7", "007"), strict=True))
    mine.replace({"patient": ids}).to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(BadInput, match="mine.csv: the patient ids .* look like one person"):
        read_predictions([tmp_path / "mine.csv"], CLASSES)


def test_files_are_refused_by_name(tmp_path, predictions):
    with pytest.raises(BadInput, match="no predictions"):
        read_predictions([], CLASSES)
    (tmp_path / "notes.docx").write_text("hello")
    with pytest.raises(BadInput, match="notes.docx has the ending of no table.*parquet"):
        read_predictions([tmp_path / "notes.docx"], CLASSES)
    (tmp_path / "broken.parquet").write_text("hello")
    with pytest.raises(BadInput, match="broken.parquet cannot be read"):
        read_predictions([tmp_path / "broken.parquet"], CLASSES)
    predictions.to_csv(tmp_path / "a.csv", index=False)
    predictions.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(BadInput, match="b.csv.*already in a.csv"):
        read_predictions([tmp_path / "a.csv", tmp_path / "b.csv"], CLASSES)


def test_equal_scores_are_equal_by_patient_however_many_lesions_have_them():
    """The mean of three 0.1 is another number than 0.1 in its last bit."""
    sizes = [1, 3, 7, 6, 3, 1, 10, 6]
    rows = [
        {"arm": "a", "split": "holdout", "patient": f"P{p}", "lesion": i, "score": 0.1}
        | {"label": "colorectal" if p < 4 else "pancreatic"}
        for p, size in enumerate(sizes)
        for i in range(size)
    ]
    table = evaluate(pd.DataFrame(rows), ["colorectal", "pancreatic"], "pancreatic")
    auc = table[(table["metric"] == "auc") & (table["level"] == "patient")]
    assert auc["value"].item() == pytest.approx(0.5)
