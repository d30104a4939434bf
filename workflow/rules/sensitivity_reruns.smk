# The classifiers once more on another features table, with the study's own settings.
# Needs results/{analysis}/features.parquet and splits.parquet; makes results/{analysis}/predictions.
# The analysis is `permuted_labels` (a negative control) or `uncorrected` (masks before correction).


wildcard_constraints:
    analysis="permuted_labels|uncorrected",


use rule fit_classifier as refit_classifier with:
    input:
        features="results/{analysis}/features.parquet",
        splits="results/{analysis}/splits.parquet",
        icc=study.icc,
    output:
        predictions="results/{analysis}/predictions/{model}-{resampling}.parquet",
        fitted=temp("results/{analysis}/models/{model}-{resampling}/fitted.joblib"),
        chosen="results/{analysis}/models/{model}-{resampling}/chosen.tsv",
    log:
        "results/logs/refit_classifier/{analysis}/{model}-{resampling}.log",
    benchmark:
        "results/benchmarks/refit_classifier/{analysis}/{model}-{resampling}.tsv"
    message:
        "Fitting {wildcards.model} with resampling {wildcards.resampling} ({wildcards.analysis})"


use rule fit_baseline as refit_baseline with:
    input:
        features="results/{analysis}/features.parquet",
        splits="results/{analysis}/splits.parquet",
        icc=study.icc,
        cohort=cohort_of_site,
    output:
        predictions="results/{analysis}/predictions/baseline_{baseline}.parquet",
    log:
        "results/logs/refit_baseline/{analysis}/{baseline}.log",
    benchmark:
        "results/benchmarks/refit_baseline/{analysis}/{baseline}.tsv"
    message:
        "Fitting the baseline {wildcards.baseline} ({wildcards.analysis})"


use rule select_arm as reselect_arm with:
    input:
        predictions=expand(
            "results/{{analysis}}/predictions/{arm}.parquet",
            arm=study.classifier_arms,
        ),
        chosen=expand(
            "results/{{analysis}}/models/{arm}/chosen.tsv", arm=study.classifier_arms
        ),
    output:
        predictions="results/{analysis}/predictions/selected.parquet",
        chosen="results/{analysis}/models/selected/chosen.tsv",
    log:
        "results/logs/reselect_arm/{analysis}.log",
    benchmark:
        "results/benchmarks/reselect_arm/{analysis}.tsv"
    message:
        "Selecting an arm by inner cross-validation ({wildcards.analysis})"
