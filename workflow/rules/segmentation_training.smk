# Trains an nnU-Net v2 on the cohort's own masks, for people who have annotations.
# Needs results/ct and results/masks; makes results/segmentation_model.zip, which a config names.


rule train_segmentation:
    input:
        cts=expand("results/ct/{scan}.nii.gz", scan=study.scans),
        masks=expand("results/masks/{scan}.nii.gz", scan=study.scans),
        records=expand("results/masks/{scan}.json", scan=study.scans),
    output:
        "results/segmentation_model.zip",
    log:
        "results/logs/train_segmentation.log",
    benchmark:
        "results/benchmarks/train_segmentation.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: 8
    resources:
        gpu=gpus(config["segmentation_training"]["device"]),
        mem_mb=scaled(16000),
    params:
        scans=study.scans,
        settings=config["segmentation_training"],
        seed=config["seed"],
        workdir="results/models/segmentation_training",
    message:
        "Training an nnU-Net on the masks of the cohort"
    script:
        "../scripts/segmentation/train_segmentation.py"
