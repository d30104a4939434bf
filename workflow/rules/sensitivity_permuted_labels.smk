# Negative control: the whole classification once more, with labels permuted over patients.
# Needs results/features.parquet and results/cohort.tsv; makes results/permuted_labels with the same
# files as the study, down to its metrics.


rule permute_labels:
    input:
        features="results/features.parquet",
        cohort="results/cohort.tsv",
        # a leak that stops the study stops it before this
        audit="results/audit/data.json",
    output:
        features="results/permuted_labels/features.parquet",
        cohort="results/permuted_labels/cohort.tsv",
    log:
        "results/logs/permute_labels.log",
    benchmark:
        "results/benchmarks/permute_labels.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        seed=config["seed"],
    message:
        "Permuting the labels over the patients"
    script:
        "../scripts/sensitivity/permute_labels.py"


use rule split_patients as split_permuted with:
    input:
        cohort="results/permuted_labels/cohort.tsv",
    output:
        "results/permuted_labels/splits.parquet",
    log:
        "results/logs/split_permuted.log",
    benchmark:
        "results/benchmarks/split_permuted.tsv"
    params:
        **dict(config["splits"], given=False, site=None),
        names=study.permuted_splits,
        seed=config["seed"],
        classes=config["classes"],
    message:
        "Splitting the patients by their permuted labels"


if study.deep_learning:

    use rule train_densenet as train_densenet_permuted with:
        input:
            slices=expand("results/slices/{scan}.npz", scan=study.scans),
            cohort="results/permuted_labels/cohort.tsv",
            splits="results/permuted_labels/splits.parquet",
            weights=study.densenet_weights,
        output:
            model=temp("results/permuted_labels/models/densenet121/{split}/model.pt"),
            history="results/permuted_labels/models/densenet121/{split}/history.tsv",
            predictions="results/permuted_labels/models/densenet121/{split}/predictions.parquet",
        log:
            "results/logs/train_densenet_permuted/{split}.log",
        benchmark:
            "results/benchmarks/train_densenet_permuted/{split}.tsv"
        message:
            "Training DenseNet-121 on permuted labels, split {wildcards.split}"

    use rule assemble_densenet as assemble_densenet_permuted with:
        input:
            expand(
                "results/permuted_labels/models/densenet121/{split}/predictions.parquet",
                split=study.permuted_splits,
            ),
        output:
            "results/permuted_labels/predictions/densenet121.parquet",
        log:
            "results/logs/assemble_densenet_permuted.log",
        benchmark:
            "results/benchmarks/assemble_densenet_permuted.tsv"
        message:
            "Assembling DenseNet-121's predictions of permuted labels"


use rule evaluate as evaluate_permuted with:
    input:
        predictions=expand(
            "results/permuted_labels/predictions/{arm}.parquet",
            arm=study.permuted_arms,
        ),
        splits="results/permuted_labels/splits.parquet",
    output:
        metrics="results/permuted_labels/metrics.parquet",
        differences="results/permuted_labels/differences.parquet",
        confusion="results/permuted_labels/confusion.parquet",
        areas="results/permuted_labels/split_aucs.parquet",
    log:
        "results/logs/evaluate_permuted.log",
    benchmark:
        "results/benchmarks/evaluate_permuted.tsv"
    message:
        "Measuring every arm on permuted labels"
