# The classifiers once more on another features table, with the study's own settings.
# Needs results/{again}/features.parquet and splits.parquet; makes results/{again}/predictions.
# `again` is a negative control, or the study before correction.

ARMS_AGAIN = [arm for arm in own_arms() if arm not in ("densenet121", *SETS_ARMS)]


wildcard_constraints:
    again="controls/shuffled_labels|uncorrected",


use rule fit_classifier as fit_classifier_again with:
    input:
        features="results/{again}/features.parquet",
        splits="results/{again}/splits.parquet",
        icc=ICC,
    output:
        predictions="results/{again}/predictions/{model}-{resampling}.parquet",
        fitted=temp("results/{again}/models/{model}-{resampling}/fitted.joblib"),
        chosen="results/{again}/models/{model}-{resampling}/chosen.tsv",
    log:
        "results/logs/fit_classifier/{again}/{model}-{resampling}.log",
    benchmark:
        "results/benchmarks/fit_classifier/{again}/{model}-{resampling}.tsv"
    message:
        "Fitting {wildcards.model} with resampling {wildcards.resampling} ({wildcards.again})"


use rule fit_baseline as fit_baseline_again with:
    input:
        features="results/{again}/features.parquet",
        splits="results/{again}/splits.parquet",
        icc=ICC,
    output:
        predictions="results/{again}/predictions/baseline_{baseline}.parquet",
    log:
        "results/logs/fit_baseline/{again}/{baseline}.log",
    message:
        "Fitting the baseline {wildcards.baseline} ({wildcards.again})"


use rule select_arm as select_arm_again with:
    input:
        predictions=expand("results/{{again}}/predictions/{arm}.parquet", arm=RADIOMICS),
        chosen=expand("results/{{again}}/models/{arm}/chosen.tsv", arm=RADIOMICS),
    output:
        predictions="results/{again}/predictions/selected.parquet",
        chosen="results/{again}/models/selected/chosen.tsv",
    log:
        "results/logs/select_arm/{again}.log",
    message:
        "Selecting an arm by inner cross-validation ({wildcards.again})"
