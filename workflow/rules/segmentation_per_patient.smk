# Automatic masks of liver and lesions by the configured models, one job per scan.
# Needs results/ct and the models; makes results/segmentation, which is never changed afterwards.


rule segment:
    input:
        cts=["results/ct/{scan}.nii.gz"],
        records=["results/ct/{scan}.json"],
        models=study.model_files,
    output:
        "results/segmentation/{scan}.nii.gz",
        "results/segmentation/{scan}.lesion_probability.nii.gz",
    log:
        "results/logs/segment/{scan}.log",
    benchmark:
        "results/benchmarks/segment/{scan}.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        gpu=gpus(config["segmentation"]["device"]),
        runtime=scaled(config["segmentation"]["runtime_min"]),
        mem_mb=scaled(config["segmentation"]["mem_mb"]),
    params:
        **study.segmentation,
        masks=["results/segmentation/{scan}.nii.gz"],
        probabilities=["results/segmentation/{scan}.lesion_probability.nii.gz"],
    message:
        "Segmenting liver and lesions of {wildcards.scan}"
    script:
        "../scripts/segmentation/segment.py"
