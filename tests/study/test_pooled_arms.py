"""Arms that pool slices and lesions or join radiomics and DenseNet-121: planned, named, ordered."""

import pytest
from livermets.core.errors import BadInput
from livermets.study.arms import Arm
from livermets.study.study import Study

FEW = {"models": ["knn", "svm"], "resampling": ["none"], "baselines": ["majority", "volume"]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A study's folder with two patients, and a features table without volumes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "results/predictions").mkdir(parents=True)
    (tmp_path / "config/patients.tsv").write_text(
        "patient\tlabel\tct\tmask\nA\tcolorectal\ta.nii.gz\tb\nB\tpancreatic\tb.nrrd\tb\n"
    )
    (tmp_path / "mine.csv").write_text("patient,lesion,label,original_glcm_Idm\n")
    return tmp_path


def arms(given=None, **pooling) -> list[str]:
    """The arms that a configuration adds by its pooling."""
    plain = {"classification": FEW} | (given or {})
    without = Study.load(plain).arms
    return [arm for arm in Study.load(plain | {"pooling": pooling}).arms if arm not in without]


@pytest.mark.parametrize(
    ("pooling", "added"),
    [
        pytest.param({}, [], id="nothing asked for"),
        pytest.param(
            {"patient": ["largest3", "attention"]},
            [
                *("selected~largest3", "densenet121~largest3"),
                *("radiomics~attention", "densenet121~attention"),
            ],
            id="the selected arm and DenseNet by default",
        ),
        pytest.param(
            {"patient": ["volume"], "arms": ["knn-none", "baseline_volume"]},
            ["knn-none~volume", "baseline_volume~volume"],
            id="arms by name",
        ),
        pytest.param(
            {"patient": ["attention"], "arms": ["knn-none", "svm-none"]},
            ["radiomics~attention"],
            id="one attention for all classifiers, as it learns from the features",
        ),
    ],
)
def test_every_way_of_pooling_is_an_arm(pooling, added):
    assert arms(**pooling) == added


def test_pooled_arms_are_not_fitted_again_and_their_tables_are_no_user_s(folder):
    (folder / "results/predictions/mine.csv").write_text("")
    (folder / "results/predictions/mine~largest.parquet").write_bytes(b"")
    asked = {"classification": FEW, "pooling": {"patient": ["largest"], "arms": ["mine"]}}
    study = Study.load(asked)
    assert study.added_arms() == ["mine"]
    assert "mine~largest" in study.arms
    assert "mine~largest" not in study.rerun_arms
    assert study.prediction_table("mine") == "results/predictions/mine.csv"
    assert study.prediction_table("selected") == "results/predictions/selected.parquet"


@pytest.mark.parametrize(
    ("given", "pooling", "message"),
    [
        pytest.param(
            {}, {"patient": ["largest"], "arms": ["svm"]}, r"no such arm; .*svm-none", id="no arm"
        ),
        pytest.param(
            {"features": "mine.csv", "patients": None},
            {"patient": ["attention", "volume"]},
            "mine.csv has no volume .* add the column volume_ml",
            id="a table without volumes",
        ),
    ],
)
def test_pooling_that_cannot_be_done_is_refused_while_the_study_is_planned(given, pooling, message):
    with pytest.raises(BadInput, match=message):
        arms(given, **pooling)


def test_a_pooled_arm_stands_behind_its_mean_and_says_so():
    names = ["selected~attention", "baseline_volume", "selected~volume", "densenet121", "selected"]
    assert [str(arm) for arm in sorted(map(Arm.parse, names))] == [
        *("selected", "selected~volume", "selected~attention", "densenet121", "baseline_volume")
    ]
    title = "Selected by inner cross-validation, lesions weighted by volume"
    assert Arm.parse("selected~volume").title == title
    assert Arm.parse("my_model~largest").model_title == "my_model, largest lesion"
    sets = Arm.parse("knn-smote@ring~largest3")
    assert (sets.resampling, sets.feature_sets, sets.pooling) == ("smote", "ring", "largest3")
    assert str(sets) == "knn-smote@ring~largest3"
    assert str(sets.by_mean) == "knn-smote@ring"


def test_fusion_is_planned_where_it_is_asked_for_and_fitted_once():
    asked = {"classification": FEW, "fusion": {"stacking": True, "folds": 2}}
    study = Study.load(asked | {"splits": {"holdout": None, "cv": {"folds": 2}}})
    assert study.fusion_arms == ["fusion_stacking"]
    assert set(study.arms) - set(Study.load({"classification": FEW}).arms) == {"fusion_stacking"}
    assert study.radiomics_arm == "selected"
    assert "fusion_stacking" not in study.permuted_arms
    assert study.inner_splits == [
        *("cv1-fold1-inner1", "cv1-fold1-inner2", "cv1-fold2-inner1", "cv1-fold2-inner2")
    ]
    both = {"stacking": True, "embeddings_beside_radiomics": True}
    single = {"models": ["knn"], "resampling": ["none"]}
    study = Study.load({"classification": single, "fusion": both})
    assert study.fusion_arms == ["fusion_stacking", "fusion_embeddings"]
    assert study.radiomics_arm == "knn-none"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"densenet": None}, "needs DenseNet-121, which this study", id="no network"),
        pytest.param(
            {"classification": FEW | {"tuning": {"iterations": 0}}},
            "joins DenseNet-121 with one radiomics arm; set `classification.tuning.iterations`",
            id="several classifiers of which none is selected",
        ),
    ],
)
def test_fusion_that_cannot_be_done_is_refused_while_the_study_is_planned(given, message):
    with pytest.raises(BadInput, match=message):
        Study.load({"classification": FEW, "fusion": {"stacking": True}} | given).arms  # noqa: B018


def test_joined_arms_have_plain_names_and_stand_behind_deep_learning():
    names = ["baseline_volume", "fusion_embeddings", "mine", "densenet121", "fusion_stacking"]
    assert [str(arm) for arm in sorted(map(Arm.parse, names))] == [
        *("densenet121", "fusion_stacking", "fusion_embeddings", "mine", "baseline_volume")
    ]
    title = "Radiomics and DenseNet-121, stacked scores"
    assert Arm.parse("fusion_stacking").title == title
    assert Arm.parse("fusion_stacking~volume").title == f"{title}, lesions weighted by volume"


def test_embeddings_of_another_network_are_learned_from_alone_and_beside_radiomics(folder):
    (folder / "other.csv").write_text("patient,lesion,e0\n")
    study = Study.load({"classification": FEW, "embeddings": "other.csv"})
    plain = "logistic_regression-none"
    assert study.feature_set_arms == [
        *(f"{plain}@original", f"{plain}@embeddings", f"{plain}@radiomics_with_embeddings")
    ]
    assert study.feature_choice["sets"] == ["original"]  # of all other arms
    assert study.compared_sets("radiomics_with_embeddings") == ["original", "embeddings"]
    title = "Logistic regression: radiomics with embeddings of another network"
    assert Arm.parse(f"{plain}@radiomics_with_embeddings").title == title
    from_table = {"features": "mine.csv", "patients": None, "embeddings": "other.csv"}
    study = Study.load({"classification": FEW} | from_table)
    assert study.feature_choice["sets"] == study.compared_sets("original") == ["radiomics"]
    assert study.embeddings == ["other.csv"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"embeddings": "gone.parquet"}, "gone.parquet does not exist", id="no file"),
        pytest.param(
            {
                "embeddings": "mine.csv",
                "classification": {"compare_feature_sets": {"original": ["original"]}},
            },
            r"no arm learns from; add `embeddings: \[embeddings\]`",
            id="named by no arm",
        ),
        pytest.param(
            {
                "embeddings": "mine.csv",
                "radiomics": {"feature_sets": {"original": {}, "embeddings": {"region": "ring"}}},
            },
            "has a set called `embeddings`",
            id="a feature set of this name",
        ),
        pytest.param(
            {"classification": {"feature_sets": ["embeddings"]}},
            "names the feature set `embeddings`",
            id="named without a table",
        ),
    ],
)
def test_embeddings_that_cannot_be_used_are_refused_while_the_study_is_planned(given, message):
    with pytest.raises(BadInput, match=message):
        Study.load(given)
