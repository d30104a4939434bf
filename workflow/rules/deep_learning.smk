# DenseNet-121 on lesion slices, one training per split, on the same patients as every classifier.
# Needs results/ct, results/lesions, results/splits.parquet; makes results/slices,
# results/models/densenet121/{split} and results/predictions/densenet121.parquet.


rule slice_lesions:
    input:
        ct="results/ct/{scan}.nii.gz",
        lesions="results/lesions/{scan}.nii.gz",
        record="results/lesions/{scan}.json",
    output:
        "results/slices/{scan}.npz",
    log:
        "results/logs/slice_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/slice_lesions/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        **config["slices"],
    message:
        "Slicing the lesions of {wildcards.scan}"
    script:
        "../scripts/deep_learning/slice_lesions.py"


rule train_densenet:
    input:
        slices=expand("results/slices/{scan}.npz", scan=study.scans),
        labels=study.labels_table,
        splits="results/splits.parquet",
        weights=study.densenet_weights,
        # a leak that stops the study stops it before this; a new verdict trains nothing again
        audit=ancient("results/audit/data.json"),
    output:
        model="results/models/densenet121/{split}/model.pt",
        history="results/models/densenet121/{split}/history.tsv",
        predictions="results/models/densenet121/{split}/predictions.parquet",
    log:
        "results/logs/train_densenet/{split}.log",
    benchmark:
        "results/benchmarks/train_densenet/{split}.tsv"
    conda:
        "../../envs/densenet.yaml"
    threads: config["densenet"]["threads"]
    resources:
        gpu=gpus(config["densenet"]["device"]),
        mem_mb=scaled(6000),
    params:
        **study.task,
        settings=config["densenet"],
        seed=config["seed"],
    message:
        "Training DenseNet-121 on split {wildcards.split}"
    script:
        "../scripts/deep_learning/train_densenet.py"


rule assemble_densenet:
    input:
        expand(
            "results/models/densenet121/{split}/predictions.parquet",
            split=study.splits,
        ),
    output:
        "results/predictions/densenet121.parquet",
    log:
        "results/logs/assemble_densenet.log",
    benchmark:
        "results/benchmarks/assemble_densenet.tsv"
    conda:
        "../../envs/tables.yaml"
    message:
        "Assembling DenseNet-121's predictions"
    script:
        "../scripts/deep_learning/assemble_densenet.py"


# What the network makes of a lesion before its last layer, for arms that learn from it.
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
        "../scripts/deep_learning/embed_lesions.py"
