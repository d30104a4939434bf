# Trains an nnU-Net v2 on the cohort's own masks, for people who have annotations.
# Needs results/ct and results/masks; makes results/segmentation_model.zip, which a config names.


rule train_segmentation:
    input:
        cts=expand("results/ct/{patient}.nii.gz", patient=study.patients),
        masks=expand("results/masks/{patient}.nii.gz", patient=study.patients),
        records=expand("results/masks/{patient}.json", patient=study.patients),
    output:
        "results/segmentation_model.zip",
    log:
        "results/logs/train_segmentation.log",
    conda:
        "../../envs/segmentation.yaml"
    threads: 8
    resources:
        gpu=gpus(config["segmentation_training"]["device"]),
        mem_mb=scaled(16000),
    params:
        patients=study.patients,
        settings=config["segmentation_training"],
        seed=config["seed"],
        workdir="results/models/segmentation_training",
    message:
        "Training an nnU-Net on the masks of the cohort"
    script:
        "../scripts/segmentation/train_segmentation.py"
