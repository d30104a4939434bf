# The patient's score by other ways than the mean of the lesions: by volume, or by attention.
# Needs results/predictions, results/features.parquet, results/splits.parquet and the embeddings of
# DenseNet-121; makes results/predictions/{arm}~{pooling}.parquet and results/attention.


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


rule attend_embeddings:
    input:
        features="results/features.parquet",
        embeddings=expand(
            "results/models/densenet121/{split}/embeddings.parquet", split=study.splits
        ),
        splits="results/splits.parquet",
    output:
        predictions="results/predictions/densenet121~attention.parquet",
        attention="results/attention/densenet121.parquet",
    log:
        "results/logs/attend_embeddings.log",
    benchmark:
        "results/benchmarks/attend_embeddings.tsv"
    conda:
        "../../envs/densenet.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        settings=study.attention_training,
    message:
        "Learning from DenseNet-121's embeddings which lesions of a patient count"
    script:
        "../scripts/pooling/attend_embeddings.py"
