# Radiomics with the embeddings of DenseNet-121 beside them, for the classifier of the radiomics arm.
# Needs results/features.parquet, results/splits.parquet and
# results/models/densenet121/{split}/embeddings.parquet; makes
# results/predictions/fusion_embeddings.parquet.


rule train_beside_radiomics:
    input:
        features="results/features.parquet",
        embeddings=expand(
            "results/models/densenet121/{split}/embeddings.parquet", split=study.splits
        ),
        splits="results/splits.parquet",
        chosen="results/models/selected/chosen.tsv" if study.selects else [],
        icc=study.icc,
    output:
        predictions="results/predictions/fusion_embeddings.parquet",
        chosen="results/models/fusion_embeddings/chosen.tsv",
    log:
        "results/logs/train_beside_radiomics.log",
    benchmark:
        "results/benchmarks/train_beside_radiomics.tsv"
    conda:
        "../../envs/classifiers.yaml"
    threads: 1
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        **study.feature_choice,
        arm=study.radiomics_arm,
        settings=study.training,
    message:
        "Fitting the radiomics arm with DenseNet-121's embeddings beside the features"
    script:
        "../scripts/fusion/train_beside_radiomics.py"
