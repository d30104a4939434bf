# Radiomics and DenseNet-121 joined by a logistic regression of their scores.
# Needs results/features.parquet, results/splits.parquet, results/slices and the predictions of the
# radiomics arm and of DenseNet-121; makes results/fusion and results/predictions/fusion_stacking.


rule divide_training_patients:
    input:
        splits="results/splits.parquet",
        cohort="results/cohort.tsv",
    output:
        "results/fusion/inner_folds.parquet",
    log:
        "results/logs/divide_training_patients.log",
    benchmark:
        "results/benchmarks/divide_training_patients.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        folds=config["fusion"]["folds"],
        seed=config["seed"],
    message:
        "Dividing the training patients of every split into {params.folds} parts"
    script:
        "../scripts/fusion/divide_training_patients.py"


rule score_inner_folds:
    input:
        features="results/features.parquet",
        inner="results/fusion/inner_folds.parquet",
        splits="results/splits.parquet",
        chosen="results/models/selected/chosen.tsv" if study.selects else [],
        icc=study.icc,
        # a leak that stops the study stops it before this; a new verdict trains nothing again
        audit=ancient("results/audit/data.json"),
    output:
        "results/fusion/radiomics.parquet",
    log:
        "results/logs/score_inner_folds.log",
    benchmark:
        "results/benchmarks/score_inner_folds.tsv"
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        **study.feature_choice,
        arm=study.radiomics_arm,
        settings=study.training,
    message:
        "Scoring training patients by radiomics models that have not seen them"
    script:
        "../scripts/fusion/score_inner_folds.py"


use rule train_densenet as train_densenet_inner with:
    input:
        slices=rules.train_densenet.input.slices,
        labels=study.labels_table,
        splits="results/fusion/inner_folds.parquet",
        weights=study.densenet_weights,
        audit=ancient("results/audit/data.json"),
    output:
        model=temp("results/fusion/densenet121/{split}/model.pt"),
        history="results/fusion/densenet121/{split}/history.tsv",
        predictions="results/fusion/densenet121/{split}/predictions.parquet",
    log:
        "results/logs/train_densenet_inner/{split}.log",
    benchmark:
        "results/benchmarks/train_densenet_inner/{split}.tsv"
    message:
        "Training DenseNet-121 on inner fold {wildcards.split}"


rule stack_scores:
    input:
        inner_radiomics="results/fusion/radiomics.parquet",
        inner_network=expand(
            "results/fusion/densenet121/{split}/predictions.parquet",
            split=study.inner_splits,
        ),
        radiomics=f"results/predictions/{study.radiomics_arm}.parquet",
        network="results/predictions/densenet121.parquet",
        splits="results/splits.parquet",
    output:
        predictions="results/predictions/fusion_stacking.parquet",
        learned="results/fusion/scores.parquet",
        weights="results/fusion/weights.tsv",
    log:
        "results/logs/stack_scores.log",
    benchmark:
        "results/benchmarks/stack_scores.tsv"
    conda:
        "../../envs/classifiers.yaml"
    params:
        **study.task,
        weigh=config["classification"]["weigh"],
    message:
        "Stacking the scores of radiomics and DenseNet-121"
    script:
        "../scripts/fusion/stack_scores.py"
