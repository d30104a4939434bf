# Lesion scores of DenseNet-121 by other ways than the mean of their slices.
# Needs results/slices, results/models/densenet121, results/splits.parquet and results/cohort.tsv or
# results/scans.tsv;
# makes results/predictions/densenet121_{pooling}.parquet.


rule score_slices:
    input:
        model="results/models/densenet121/{split}/model.pt",
        slices=rules.train_densenet.input.slices,
        labels=study.labels_table,
        splits="results/splits.parquet",
    output:
        "results/models/densenet121/{split}/slice_scores.parquet",
    log:
        "results/logs/score_slices/{split}.log",
    benchmark:
        "results/benchmarks/score_slices/{split}.tsv"
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
        "Scoring the slices of split {wildcards.split}"
    script:
        "../scripts/pooling/score_slices.py"


rule pool_slices:
    input:
        expand(
            "results/models/densenet121/{split}/slice_scores.parquet",
            split=study.splits,
        ),
    output:
        "results/predictions/densenet121_{pooling}.parquet",
    log:
        "results/logs/pool_slices/{pooling}.log",
    benchmark:
        "results/benchmarks/pool_slices/{pooling}.tsv"
    wildcard_constraints:
        pooling="max|topk",
    conda:
        "../../envs/densenet.yaml"
    params:
        classes=config["classes"],
        top_k=config["pooling"]["top_k"],
    message:
        "Pooling the slices of each lesion: {wildcards.pooling}"
    script:
        "../scripts/pooling/pool_slices.py"


rule attend_slices:
    input:
        model="results/models/densenet121/{split}/model.pt",
        slices=rules.train_densenet.input.slices,
        labels=study.labels_table,
        splits="results/splits.parquet",
    output:
        predictions="results/models/densenet121_attention/{split}/predictions.parquet",
        attention="results/models/densenet121_attention/{split}/attention.parquet",
        history="results/models/densenet121_attention/{split}/history.tsv",
    log:
        "results/logs/attend_slices/{split}.log",
    benchmark:
        "results/benchmarks/attend_slices/{split}.tsv"
    conda:
        "../../envs/densenet.yaml"
    threads: config["densenet"]["threads"]
    resources:
        gpu=gpus(config["densenet"]["device"]),
        mem_mb=scaled(6000),
    params:
        **study.task,
        settings=config["densenet"],
        epochs=config["pooling"]["slice_attention_epochs"],
        seed=config["seed"],
    message:
        "Training attention over slices on split {wildcards.split}"
    script:
        "../scripts/pooling/attend_slices.py"


use rule assemble_densenet as assemble_slice_attention with:
    input:
        expand(
            "results/models/densenet121_attention/{split}/predictions.parquet",
            split=study.splits,
        ),
    output:
        "results/predictions/densenet121_attention.parquet",
    log:
        "results/logs/assemble_slice_attention.log",
    benchmark:
        "results/benchmarks/assemble_slice_attention.tsv"
    message:
        "Assembling the predictions of attention over slices"
