# Automatic masks of liver and lesions by nnU-Net v2, one job for several patients, who share the
# models in its memory. Needs results/ct and the models; makes results/segmentation.

BATCHES = dict(enumerate(study.segmentation_batches, start=1))
BATCH_OF = {patient: batch for batch, some in BATCHES.items() for patient in some}


wildcard_constraints:
    batch=r"\d+",


def of_batch(pattern):
    """An input or params function: `pattern` for every patient of the wildcard's batch."""
    return lambda wildcards: expand(
        pattern, batch=wildcards.batch, patient=BATCHES[int(wildcards.batch)]
    )


rule segment_batch:
    input:
        cts=of_batch("results/ct/{patient}.nii.gz"),
        records=of_batch("results/ct/{patient}.json"),
        models=study.model_files,
    output:
        temp(directory("results/segmentation/batch-{batch}")),
    log:
        "results/logs/segment_batch/{batch}.log",
    benchmark:
        "results/benchmarks/segment_batch/{batch}.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        gpu=gpus(config["segmentation"]["device"]),
        runtime=scaled(
            config["segmentation"]["runtime_min"]
            * config["segmentation"]["patients_per_job"]
        ),
        mem_mb=scaled(config["segmentation"]["mem_mb"]),
    params:
        **study.segmentation,
        masks=of_batch("results/segmentation/batch-{batch}/{patient}.nii.gz"),
    message:
        "Segmenting liver and lesions of the patients of batch {wildcards.batch}"
    script:
        "../scripts/segmentation/segment.py"


localrules:
    place_mask,


# A hard link: the mask is there whole or not at all, and outlives the folder of its batch.
rule place_mask:
    input:
        lambda wildcards: f"results/segmentation/batch-{BATCH_OF[wildcards.patient]}",
    output:
        "results/segmentation/{patient}.nii.gz",
    log:
        "results/logs/place_mask/{patient}.log",
    message:
        "Placing the automatic mask of {wildcards.patient}"
    shell:
        "ln -f {input}/{wildcards.patient}.nii.gz {output} 2> {log}"
