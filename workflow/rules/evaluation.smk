# Every arm's metrics with intervals over patients, from the prediction tables alone, those of lesions
# of one size, and the AUC of a few arms in subgroups of patients. Needs results/predictions, for the
# sizes results/features.parquet and for the subgroups results/cohort.tsv and the records in results/ct; makes
# results/metrics.parquet, results/differences.parquet, results/confusion.parquet,
# results/split_aucs.parquet, results/by_size.parquet, results/by_size.json and results/subgroups.parquet.


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


rule measure_by_size:
    input:
        predictions=prediction_tables,
        features="results/features.parquet",
    output:
        by_size="results/by_size.parquet",
        table="results/tables/by_size.tsv",
        records="results/by_size.json",
    log:
        "results/logs/measure_by_size.log",
    benchmark:
        "results/benchmarks/measure_by_size.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(4000),
    params:
        **study.task,
        threshold=config["evaluation"]["threshold"],
    message:
        "Measuring every arm on lesions of one size"
    script:
        "../scripts/evaluation/measure_by_size.py"


rule measure_subgroups:
    input:
        predictions=prediction_tables,
        cohort="results/cohort.tsv",
        features="results/features.parquet",
        records=expand("results/ct/{scan}.json", scan=study.scans),
    output:
        subgroups="results/subgroups.parquet",
        table="results/tables/subgroups.tsv",
        sites="results/tables/site_heterogeneity.tsv",
    log:
        "results/logs/measure_subgroups.log",
    benchmark:
        "results/benchmarks/measure_subgroups.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        arms=study.subgroup_arms,
        clinical=config["clinical"],
    message:
        "Measuring subgroups of patients"
    script:
        "../scripts/evaluation/measure_subgroups.py"
