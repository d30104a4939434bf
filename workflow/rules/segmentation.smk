# Liver and lesion masks: nnU-Net v2, then whatever a reader corrected or the sheet gave.
# Needs results/ct; makes results/segmentation (never changed afterwards), results/masks
# (what the study uses, with its provenance) and results/review (an overlay to look at).


rule segment:
    input:
        ct="results/ct/{patient}.nii.gz",
        record="results/ct/{patient}.json",
        models=[model["path"] for model in config["segmentation"]["models"]],
    output:
        "results/segmentation/{patient}.nii.gz",
    log:
        "results/logs/segment/{patient}.log",
    benchmark:
        "results/benchmarks/segment/{patient}.tsv"
    conda:
        "../../envs/segmentation.yaml"
    threads: config["segmentation"]["threads"]
    resources:
        gpu=gpus(config["segmentation"]["device"]),
        mem_mb=scaled(config["segmentation"]["mem_mb"]),
    params:
        models=config["segmentation"]["models"],
        device=config["segmentation"]["device"],
        mirroring=config["segmentation"]["mirroring"],
        step_size=config["segmentation"]["step_size"],
        cache="results/models/segmentation",
        code=code("segmentation", "exclusion"),
    message:
        "Segmenting liver and lesions of {wildcards.patient}"
    script:
        "../scripts/segment.py"


rule review:
    input:
        ct="results/ct/{patient}.nii.gz",
        record="results/ct/{patient}.json",
        automatic=lambda wildcards: (
            [f"results/segmentation/{wildcards.patient}.nii.gz"]
            if needs_segmentation(wildcards.patient)
            else []
        ),
        given=source("mask"),
        corrected=correction,
    output:
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
    log:
        "results/logs/review/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        given=cell("mask"),
        corrections=config["corrections"],
        mask_labels=config["mask_labels"],
        on_bad_patient=config["on_bad_patient"],
        code=code("masks", "exclusion"),
    message:
        "Taking the mask of {wildcards.patient}"
    script:
        "../scripts/review.py"


rule overlay:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
        lesions="results/lesions/{patient}.nii.gz",
    output:
        report(
            "results/review/{patient}.png",
            caption="../report/overlay.rst",
            category="Masks",
            labels={"patient": "{patient}"},
        ),
    log:
        "results/logs/overlay/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        code=code("overlay", "exclusion"),
    message:
        "Drawing the mask of {wildcards.patient} over the CT"
    script:
        "../scripts/overlay.py"
