# The patient's score by other ways than the mean of the lesions: by volume, or by attention.
# Needs results/predictions, results/features.parquet and results/splits.parquet; makes
# results/predictions/{arm}~{pooling}.parquet and results/attention.


rule pool_lesions:
    input:
        predictions=lambda wildcards: study.prediction_table(wildcards.arm),
        features="results/features.parquet",
    output:
        "results/predictions/{arm}~{pooling}.parquet",
    log:
        "results/logs/pool_lesions/{arm}~{pooling}.log",
    benchmark:
        "results/benchmarks/pool_lesions/{arm}~{pooling}.tsv"
    wildcard_constraints:
        arm="[^/~]+",
        pooling="volume|largest|largest3",
    conda:
        "../../envs/tables.yaml"
    params:
        classes=config["classes"],
    message:
        "Pooling the lesions of {wildcards.arm}: {wildcards.pooling}"
    script:
        "../scripts/pooling/pool_lesions.py"


rule attend_lesions:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=study.icc,
        # a leak that stops the study stops it before this; a new verdict trains nothing again
        audit=ancient("results/audit/data.json"),
    output:
        predictions="results/predictions/radiomics~attention.parquet",
        attention="results/attention/radiomics.parquet",
    log:
        "results/logs/attend_lesions.log",
    benchmark:
        "results/benchmarks/attend_lesions.tsv"
    conda:
        "../../envs/densenet.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        **study.feature_choice,
        settings=study.attention_training,
    message:
        "Learning which lesions of a patient count"
    script:
        "../scripts/pooling/attend_lesions.py"
