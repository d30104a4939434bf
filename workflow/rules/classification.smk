# Nine classifiers x resampling, the baselines beside them, and which features matter.
# Needs results/features.parquet and results/splits.parquet; makes results/predictions/{arm}.parquet,
# the fitted pipelines and chosen settings in results/models/{arm}, and results/importance.parquet.

SETTINGS = {
    "correlation": config["classification"]["correlation"],
    "max_features": config["classification"]["max_features"],
    "tuning": config["classification"]["tuning"],
    "seed": config["seed"],
    "youden": config["evaluation"]["threshold"] == "youden",
}
# What leaves out features: those of other sets, and those that small changes of the mask change.
CHOICE = {
    "sets": config["classification"]["feature_sets"],
    "min_icc": config["radiomics"]["min_icc"],
}
ICC = "results/icc.parquet" if CHOICE["min_icc"] and not FROM_FEATURES else []


rule fit_classifier:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=ICC,
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
        **CLASSES,
        **CHOICE,
        settings=SETTINGS,
    message:
        "Fitting {wildcards.model} with resampling {wildcards.resampling}"
    script:
        "../scripts/classification/fit_classifier.py"


use rule fit_classifier as fit_feature_sets with:
    output:
        predictions="results/predictions/{model}-{resampling}@{learns_from}.parquet",
        fitted="results/models/{model}-{resampling}@{learns_from}/fitted.joblib",
        chosen="results/models/{model}-{resampling}@{learns_from}/chosen.tsv",
    log:
        "results/logs/fit_feature_sets/{model}-{resampling}@{learns_from}.log",
    benchmark:
        "results/benchmarks/fit_feature_sets/{model}-{resampling}@{learns_from}.tsv"
    params:
        **CLASSES,
        sets=lambda wildcards: COMPARED_SETS[wildcards.learns_from],
        min_icc=CHOICE["min_icc"],
        settings=SETTINGS,
    message:
        "Fitting {wildcards.model} to the feature sets of {wildcards.learns_from}"


rule select_arm:
    input:
        predictions=expand("results/predictions/{arm}.parquet", arm=RADIOMICS),
        chosen=expand("results/models/{arm}/chosen.tsv", arm=RADIOMICS),
    output:
        predictions="results/predictions/selected.parquet",
        chosen="results/models/selected/chosen.tsv",
    log:
        "results/logs/select_arm.log",
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
        icc=ICC,
    output:
        predictions="results/predictions/baseline_{baseline}.parquet",
    log:
        "results/logs/fit_baseline/{baseline}.log",
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(2000),
    params:
        **CLASSES,
        **CHOICE,
        # one of them is a radiomics arm and is tuned as those are
        settings=lambda wildcards: (
            SETTINGS
            if wildcards.baseline == "radiomics_clinical"
            else {key: SETTINGS[key] for key in ("seed", "youden")}
        ),
    message:
        "Fitting the baseline: {wildcards.baseline}"
    script:
        "../scripts/classification/fit_baseline.py"


rule feature_importance:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=ICC,
    output:
        "results/importance.parquet",
    log:
        "results/logs/feature_importance.log",
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **CLASSES,
        **CHOICE,
        correlation=config["classification"]["correlation"],
        seed=config["seed"],
    message:
        "Ranking the features by permutation importance"
    script:
        "../scripts/classification/rank_features.py"
