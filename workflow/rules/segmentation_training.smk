# Trains an nnU-Net v2 on the cohort's own masks, for people who have annotations. Scans that readers
# excluded in their reviews are left out.
# Needs results/ct, results/masks and the readers' reviews; makes results/segmentation_model.zip, which a config names.


rule train_segmentation:
    input:
        cts=to_train_on("results/ct/{scan}.nii.gz"),
        masks=to_train_on("results/masks/{scan}.nii.gz"),
        records=to_train_on("results/masks/{scan}.json"),
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
        scans=to_train_on("{scan}"),
        settings=config["segmentation_training"],
        seed=config["seed"],
        workdir="results/models/segmentation_training",
    message:
        "Training an nnU-Net on the masks of the cohort"
    script:
        "../scripts/segmentation/train_segmentation.py"
