# How unlike the lesions of a patient are, compared between the classes; outlier lesions.
# Needs results/features.parquet; makes results/heterogeneity, results/tables/heterogeneity.tsv and
# results/tables/outlier_lesions.tsv.


rule measure_heterogeneity:
    input:
        "results/features.parquet",
    output:
        variation="results/heterogeneity/variation.parquet",
        classes="results/heterogeneity/classes.parquet",
        left_out="results/heterogeneity/left_out.parquet",
        lesions="results/heterogeneity/lesions.parquet",
        summary="results/heterogeneity/summary.json",
        figure=expand("results/heterogeneity/heterogeneity.{kind}", kind=FIGURE_FILES),
        table="results/tables/heterogeneity.tsv",
        outliers="results/tables/outlier_lesions.tsv",
    log:
        "results/logs/measure_heterogeneity.log",
    benchmark:
        "results/benchmarks/measure_heterogeneity.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        sets=study.feature_choice["sets"],
        settings=config["heterogeneity"],
        seed=config["seed"],
    message:
        "Measuring how unlike the lesions of each patient are"
    script:
        "../scripts/heterogeneity/measure_heterogeneity.py"
