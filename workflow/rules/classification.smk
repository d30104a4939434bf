# Nine classifiers x resampling, the baselines beside them, and which features matter.
# Needs results/features.parquet and results/splits.parquet; makes results/predictions/{arm}.parquet,
# the fitted pipelines and chosen settings in results/models/{arm}, and results/importance.parquet.


rule fit_classifier:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=study.icc,
        # a leak that stops the study stops it before this; a new verdict trains nothing again
        audit=ancient("results/audit/data.json"),
    output:
        predictions="results/predictions/{model}-{resampling}.parquet",
        fitted="results/models/{model}-{resampling}/fitted.joblib",
        chosen="results/models/{model}-{resampling}/chosen.tsv",
    log:
        "results/logs/fit_classifier/{model}-{resampling}.log",
    benchmark:
        "results/benchmarks/fit_classifier/{model}-{resampling}.tsv"
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        **study.feature_choice,
        settings=study.training,
    message:
        "Fitting {wildcards.model} with resampling {wildcards.resampling}"
    script:
        "../scripts/classification/fit_classifier.py"


use rule fit_classifier as fit_feature_sets with:
    output:
        predictions="results/predictions/{model}-{resampling}@{feature_sets}.parquet",
        fitted="results/models/{model}-{resampling}@{feature_sets}/fitted.joblib",
        chosen="results/models/{model}-{resampling}@{feature_sets}/chosen.tsv",
    log:
        "results/logs/fit_feature_sets/{model}-{resampling}@{feature_sets}.log",
    benchmark:
        "results/benchmarks/fit_feature_sets/{model}-{resampling}@{feature_sets}.tsv"
    params:
        **study.task,
        **study.feature_choice
        | {"sets": lambda wildcards: study.compared_sets(wildcards.feature_sets)},
        settings=study.training,
    message:
        "Fitting {wildcards.model} to the feature sets of {wildcards.feature_sets}"


rule select_arm:
    input:
        predictions=expand(
            "results/predictions/{arm}.parquet", arm=study.classifier_arms
        ),
        chosen=expand("results/models/{arm}/chosen.tsv", arm=study.classifier_arms),
    output:
        predictions="results/predictions/selected.parquet",
        chosen="results/models/selected/chosen.tsv",
    log:
        "results/logs/select_arm.log",
    benchmark:
        "results/benchmarks/select_arm.tsv"
    conda:
        "../../envs/classifiers.yaml"
    message:
        "Selecting an arm by inner cross-validation"
    script:
        "../scripts/classification/select_arm.py"


rule fit_baseline:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=study.icc,
        cohort=cohort_of_site,
        # a leak that stops the study stops it before this; a new verdict trains nothing again
        audit=ancient("results/audit/data.json"),
    output:
        predictions="results/predictions/baseline_{baseline}.parquet",
    log:
        "results/logs/fit_baseline/{baseline}.log",
    benchmark:
        "results/benchmarks/fit_baseline/{baseline}.tsv"
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
    params:
        **study.task,
        **study.feature_choice,
        settings=lambda wildcards: study.baseline_training(wildcards.baseline),
    message:
        "Fitting the baseline: {wildcards.baseline}"
    script:
        "../scripts/classification/fit_baseline.py"


rule rank_features:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=study.icc,
    output:
        "results/importance.parquet",
    log:
        "results/logs/rank_features.log",
    benchmark:
        "results/benchmarks/rank_features.tsv"
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        **study.feature_choice,
        correlation=study.training["correlation"],
        weigh=study.training["weigh"],
        seed=config["seed"],
    message:
        "Ranking the features by permutation importance"
    script:
        "../scripts/classification/rank_features.py"
