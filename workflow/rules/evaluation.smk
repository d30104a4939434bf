# Every arm's metrics with intervals over patients, from the prediction tables alone.
# Needs results/predictions; makes results/metrics.parquet,
# results/differences.parquet and results/confusion.parquet.


rule evaluate:
    input:
        predictions=prediction_tables,
        splits="results/splits.parquet",
    output:
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        confusion="results/confusion.parquet",
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
        draws=config["evaluation"]["bootstrap_draws"],
        threshold=config["evaluation"]["threshold"],
        seed=config["seed"],
    message:
        "Measuring every arm"
    script:
        "../scripts/evaluation/evaluate.py"
