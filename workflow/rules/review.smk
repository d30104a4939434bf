# What a reader needs to judge a mask: overlays, warnings, files for 3D Slicer and a worklist; and
# how far corrections went.
# Needs results/ct, results/masks and results/lesions; makes results/review and results/agreement.tsv.


rule draw_overlay:
    input:
        ct="results/ct/{patient}.nii.gz",
        acquisition="results/ct/{patient}.json",
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
        "results/logs/draw_overlay/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Drawing the mask of {wildcards.patient} over the CT"
    script:
        "../scripts/review/draw_overlay.py"


rule check_mask:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
        table="results/lesions/{patient}.tsv",
        measurements="results/lesions/{patient}.json",
        acquisition="results/ct/{patient}.json",
    output:
        segmentation="results/review/{patient}.seg.nrrd",
        findings="results/review/{patient}.json",
    log:
        "results/logs/check_mask/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Checking the mask of {wildcards.patient}"
    script:
        "../scripts/review/check_mask.py"


rule render_worklist:
    input:
        findings=expand("results/review/{patient}.json", patient=study.patients),
        overlays=expand("results/review/{patient}.png", patient=study.patients),
        segmentations=[
            *expand("results/review/{patient}.seg.nrrd", patient=study.patients),
            *expand(
                "results/review/{patient}.seg.dcm",
                patient=filter(study.came_as_dicom, study.patients),
            ),
        ],
    output:
        report("results/review/index.html", category="Masks"),
    log:
        "results/logs/render_worklist.log",
    conda:
        "../../envs/report.yaml"
    params:
        patients=study.patients,
        labels=[study.cell(patient, "label") for patient in study.patients],
        blind=config["masks"]["blind_review"],
    message:
        "Writing results/review/index.html"
    script:
        "../scripts/review/render_worklist.py"


rule compare_masks:
    input:
        automatic="results/segmentation/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
    output:
        "results/agreement/{patient}.json",
    log:
        "results/logs/compare_masks/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Comparing the automatic mask of {wildcards.patient} with the final one"
    script:
        "../scripts/review/compare_masks.py"


rule summarise_agreement:
    input:
        expand("results/agreement/{patient}.json", patient=study.compared_masks),
    output:
        "results/agreement.tsv",
    log:
        "results/logs/summarise_agreement.log",
    conda:
        "../../envs/tables.yaml"
    message:
        "Listing how far corrections went"
    script:
        "../scripts/review/summarise_agreement.py"
