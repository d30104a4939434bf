# The mask the study uses, corrected before given before automatic, and what a reader needs to judge
# it: overlays, files that 3D Slicer opens and a worklist; how far corrections went.
# Needs results/ct, results/segmentation and the corrections; makes results/masks, results/review
# and results/agreement.tsv.


rule take_mask:
    input:
        ct="results/ct/{patient}.nii.gz",
        record="results/ct/{patient}.json",
        automatic=automatic_mask,
        given=source("mask"),
        corrected=correction,
    output:
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
    log:
        "results/logs/take_mask/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        given=cell("mask"),
        corrections=config["corrections"],
        mask_labels=config["mask_labels"],
        on_bad_patient=config["on_bad_patient"],
    message:
        "Taking the mask of {wildcards.patient}"
    script:
        "../scripts/masks/select_mask.py"


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
    message:
        "Drawing the mask of {wildcards.patient} over the CT"
    script:
        "../scripts/review/draw_overlay.py"


rule look_over:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
        table="results/lesions/{patient}.tsv",
        facts="results/lesions/{patient}.json",
    output:
        segmentation="results/review/{patient}.seg.nrrd",
        findings="results/review/{patient}.json",
    log:
        "results/logs/look_over/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Looking the mask of {wildcards.patient} over"
    script:
        "../scripts/review/check_mask.py"


rule dicom_seg:
    input:
        ct_record="results/ct/{patient}.json",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
    output:
        "results/review/{patient}.seg.dcm",
    log:
        "results/logs/dicom_seg/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Writing the mask of {wildcards.patient} as DICOM"
    script:
        "../scripts/masks/export_dicom_seg.py"


rule worklist:
    input:
        findings=expand("results/review/{patient}.json", patient=PATIENTS),
        overlays=expand("results/review/{patient}.png", patient=PATIENTS),
        segmentations=readable_masks,
    output:
        report("results/review/index.html", category="Masks"),
    log:
        "results/logs/worklist.log",
    conda:
        "../../envs/report.yaml"
    params:
        patients=PATIENTS,
        labels=[] if FROM_FEATURES else list(SHEET["label"]),
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


rule agreement:
    input:
        expand(
            "results/agreement/{patient}.json",
            patient=[
                patient
                for patient in PATIENTS
                if needs_segmentation(patient) and has_other_mask(patient)
            ],
        ),
    output:
        "results/agreement.tsv",
    log:
        "results/logs/agreement.log",
    conda:
        "../../envs/tables.yaml"
    message:
        "Listing how far corrections went"
    script:
        "../scripts/review/summarise_agreement.py"
