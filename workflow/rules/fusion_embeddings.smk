# Radiomics with the embeddings of DenseNet-121 beside them, for the classifier of the radiomics arm.
# Needs results/features.parquet, results/splits.parquet, results/slices, results/models/densenet121;
# makes results/models/densenet121/{split}/embeddings.parquet and
# results/predictions/fusion_embeddings.parquet.


rule embed_lesions:
    input:
        model="results/models/densenet121/{split}/model.pt",
        slices=rules.train_densenet.input.slices,
        splits="results/splits.parquet",
    output:
        "results/models/densenet121/{split}/embeddings.parquet",
    log:
        "results/logs/embed_lesions/{split}.log",
    benchmark:
        "results/benchmarks/embed_lesions/{split}.tsv"
    conda:
        "../../envs/densenet.yaml"
    threads: config["densenet"]["threads"]
    resources:
        gpu=gpus(config["densenet"]["device"]),
        mem_mb=scaled(4000),
    params:
        **study.task,
        device=config["densenet"]["device"],
    message:
        "Embedding the lesions by DenseNet-121 of split {wildcards.split}"
    script:
        "../scripts/fusion/embed_lesions.py"


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
