# Automatic masks of liver and lesions by the configured models, one job per patient.
# Needs results/ct and the models; makes results/segmentation, which is never changed afterwards.


rule segment:
    input:
        cts=["results/ct/{patient}.nii.gz"],
        records=["results/ct/{patient}.json"],
        models=study.model_files,
    output:
        "results/segmentation/{patient}.nii.gz",
        "results/segmentation/{patient}.lesion_probability.nii.gz",
    log:
        "results/logs/segment/{patient}.log",
    benchmark:
        "results/benchmarks/segment/{patient}.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        gpu=gpus(config["segmentation"]["device"]),
        runtime=scaled(config["segmentation"]["runtime_min"]),
        mem_mb=scaled(config["segmentation"]["mem_mb"]),
    params:
        **study.segmentation,
        masks=["results/segmentation/{patient}.nii.gz"],
        probabilities=["results/segmentation/{patient}.lesion_probability.nii.gz"],
    message:
        "Segmenting liver and lesions of {wildcards.patient}"
    script:
        "../scripts/segmentation/segment.py"
