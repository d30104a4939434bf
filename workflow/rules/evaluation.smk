# Every arm's metrics with intervals over patients, from the prediction tables alone.
# Needs results/predictions; makes results/metrics.parquet,
# results/differences.parquet, results/confusion.parquet and results/split_aucs.parquet.


rule evaluate:
    input:
        predictions=prediction_tables,
        splits="results/splits.parquet",
    output:
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        confusion="results/confusion.parquet",
        areas="results/split_aucs.parquet",
    log:
        "results/logs/evaluate.log",
    benchmark:
        "results/benchmarks/evaluate.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(4000),
    params:
        **study.task,
        threshold=config["evaluation"]["threshold"],
        primary=study.primary_comparison,
    message:
        "Measuring every arm"
    script:
        "../scripts/evaluation/evaluate.py"
