# Negative control `shuffled_labels`: the whole classification once more, with labels dealt at
# random to patients. Needs results/features.parquet and results/cohort.tsv; makes
# results/controls/shuffled_labels with the same files as the study, down to its metrics.

SHUFFLED = "results/controls/shuffled_labels"
SHUFFLED_ARMS = [
    arm
    for arm in own_arms()
    if arm not in (names.SELECTED, "densenet121", *SETS_ARMS)
]


rule shuffle_labels:
    input:
        features="results/features.parquet",
        cohort="results/cohort.tsv",
    output:
        features=f"{SHUFFLED}/features.parquet",
        cohort=f"{SHUFFLED}/cohort.tsv",
    log:
        "results/logs/shuffle_labels.log",
    conda:
        "../../envs/report.yaml"
    params:
        seed=config["seed"],
        code=code("controls"),
    message:
        "Dealing the labels to patients at random"
    script:
        "../scripts/shuffle_labels.py"


use rule divide as divide_shuffled with:
    input:
        cohort=f"{SHUFFLED}/cohort.tsv",
    output:
        f"{SHUFFLED}/splits.parquet",
    log:
        "results/logs/divide_shuffled.log",
    params:
        # a given division and sites do not know of dealt labels: a class may be absent there
        **dict(config["splits"], given=False, site=None),
        names=names.split_names(config["splits"]["holdout"], config["splits"]["cv"]),
        seed=config["seed"],
        classes=config["classes"],
        code=code("splits"),
    message:
        "Dividing the patients by the dealt labels"


use rule fit_classifier as fit_classifier_shuffled with:
    input:
        features=f"{SHUFFLED}/features.parquet",
        splits=f"{SHUFFLED}/splits.parquet",
        icc=ICC,
    output:
        predictions=f"{SHUFFLED}/predictions/{{model}}-{{resampling}}.parquet",
        fitted=temp(f"{SHUFFLED}/models/{{model}}-{{resampling}}/fitted.joblib"),
        chosen=f"{SHUFFLED}/models/{{model}}-{{resampling}}/chosen.tsv",
    log:
        "results/logs/fit_classifier_shuffled/{model}-{resampling}.log",
    benchmark:
        "results/benchmarks/fit_classifier_shuffled/{model}-{resampling}.tsv"
    message:
        "Fitting {wildcards.model} with resampling {wildcards.resampling} to dealt labels"


use rule fit_baseline as fit_baseline_shuffled with:
    input:
        features=f"{SHUFFLED}/features.parquet",
        splits=f"{SHUFFLED}/splits.parquet",
        icc=ICC,
    output:
        predictions=f"{SHUFFLED}/predictions/baseline_{{baseline}}.parquet",
    log:
        "results/logs/fit_baseline_shuffled/{baseline}.log",
    message:
        "Fitting the baseline to dealt labels: {wildcards.baseline}"


use rule evaluate as evaluate_shuffled with:
    input:
        predictions=expand(f"{SHUFFLED}/predictions/{{arm}}.parquet", arm=SHUFFLED_ARMS),
        splits=f"{SHUFFLED}/splits.parquet",
    output:
        metrics=f"{SHUFFLED}/metrics.parquet",
        differences=f"{SHUFFLED}/differences.parquet",
        confusion=f"{SHUFFLED}/confusion.parquet",
    log:
        "results/logs/evaluate_shuffled.log",
    benchmark:
        "results/benchmarks/evaluate_shuffled.tsv"
    message:
        "Measuring every arm on dealt labels"
