# Automatic masks of liver and lesions by the configured models, one job for several scans,
# which share the models in its memory. Needs results/ct and the models; makes results/segmentation.


wildcard_constraints:
    batch=r"\d+",


rule segment_batch:
    input:
        cts=lambda wildcards: expand(
            "results/ct/{scan}.nii.gz", scan=study.batch(wildcards.batch)
        ),
        records=lambda wildcards: expand(
            "results/ct/{scan}.json", scan=study.batch(wildcards.batch)
        ),
        models=study.model_files,
    output:
        temp(directory("results/segmentation/batch-{batch}")),
    log:
        "results/logs/segment/batch-{batch}.log",
    benchmark:
        "results/benchmarks/segment_batch/{batch}.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        gpu=gpus(config["segmentation"]["device"]),
        runtime=lambda wildcards, attempt: (
            config["segmentation"]["runtime_min"]
            * len(study.batch(wildcards.batch))
            * attempt
        ),
        mem_mb=scaled(config["segmentation"]["mem_mb"]),
    params:
        **study.segmentation,
        masks=lambda wildcards: expand(
            "results/segmentation/batch-{batch}/{scan}.nii.gz",
            batch=wildcards.batch,
            scan=study.batch(wildcards.batch),
        ),
        probabilities=lambda wildcards: expand(
            "results/segmentation/batch-{batch}/{scan}.lesion_probability.nii.gz",
            batch=wildcards.batch,
            scan=study.batch(wildcards.batch),
        ),
    message:
        "Segmenting liver and lesions of the scans of batch {wildcards.batch}"
    script:
        "../scripts/segmentation/segment.py"


localrules:
    place_mask,


# A hard link: the mask is there whole or not at all, and outlives the folder of its batch.
rule place_mask:
    input:
        by_scan(study.batch_folder),
    output:
        "results/segmentation/{scan}.nii.gz",
        "results/segmentation/{scan}.lesion_probability.nii.gz",
    log:
        "results/logs/place_mask/{scan}.log",
    message:
        "Placing the automatic mask of {wildcards.scan}"
    shell:
        "for file in {output}; do ln -f {input}/$(basename $file) $file; done 2> {log}"
