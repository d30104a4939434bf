# What DenseNet-121 looked at: Grad-CAM and occlusion of the test lesions of each split.
# Needs results/slices, results/models/densenet121, results/splits.parquet and results/cohort.tsv or
# results/scans.tsv;
# makes results/explanation, results/tables/grad_cam.tsv and results/tables/occlusion.tsv.


rule look_at_split:
    input:
        model="results/models/densenet121/{split}/model.pt",
        slices=rules.train_densenet.input.slices,
        labels=study.labels_table,
        splits="results/splits.parquet",
    output:
        scores="results/explanation/network/{split}/scores.parquet",
        maps="results/explanation/network/{split}/maps.parquet",
        examples="results/explanation/network/{split}/examples.npz",
    log:
        "results/logs/look_at_split/{split}.log",
    benchmark:
        "results/benchmarks/look_at_split/{split}.tsv"
    conda:
        "../../envs/densenet.yaml"
    threads: config["densenet"]["threads"]
    resources:
        gpu=gpus(config["densenet"]["device"]),
        mem_mb=scaled(6000),
    params:
        **study.task,
        settings=config["explanation"],
        device=config["densenet"]["device"],
        seed=config["seed"],
    message:
        "Looking at what DenseNet-121 of split {wildcards.split} looked at"
    script:
        "../scripts/explanation/look_at_split.py"


rule summarise_network:
    input:
        scores=expand(
            "results/explanation/network/{split}/scores.parquet", split=study.splits
        ),
        maps=expand(
            "results/explanation/network/{split}/maps.parquet", split=study.splits
        ),
        examples=expand(
            "results/explanation/network/{split}/examples.npz", split=study.splits
        ),
    output:
        occlusion="results/explanation/occlusion.parquet",
        regions="results/explanation/grad_cam.parquet",
        record="results/explanation/network.json",
        figure=expand("results/explanation/grad_cam.{kind}", kind=FIGURE_FILES),
        table="results/tables/occlusion.tsv",
        maps="results/tables/grad_cam.tsv",
    log:
        "results/logs/summarise_network.log",
    benchmark:
        "results/benchmarks/summarise_network.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **study.task,
        settings=config["explanation"],
        seed=config["seed"],
    message:
        "Summarising what DenseNet-121 looked at"
    script:
        "../scripts/explanation/summarise_network.py"
