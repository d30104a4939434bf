# The mask the study uses: corrected before given before automatic; and the same as DICOM-SEG.
# Needs results/ct, results/segmentation and the corrections; makes results/masks and
# results/review/{scan}.seg.dcm.


rule select_mask:
    input:
        ct="results/ct/{scan}.nii.gz",
        record="results/ct/{scan}.json",
        automatic=by_scan(study.automatic_mask),
        given=by_scan(study.source, "mask"),
        corrected=by_scan(study.correction),
    output:
        mask="results/masks/{scan}.nii.gz",
        uncorrected="results/masks/{scan}.uncorrected.nii.gz",
        record="results/masks/{scan}.json",
    log:
        "results/logs/select_mask/{scan}.log",
    benchmark:
        "results/benchmarks/select_mask/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        given=by_scan(study.cell, "mask"),
        corrections=config["masks"]["corrections"],
        mask_labels=config["masks"]["labels"],
        accepted=by_scan(study.accepts_implausible),
        given_type=config["masks"]["given_type"],
        needs_liver=config["lesions"]["must_touch_liver"],
        on_bad_patient=config["on_bad_patient"],
    message:
        "Selecting the mask of {wildcards.scan}"
    script:
        "../scripts/masks/select_mask.py"


rule export_dicom_seg:
    input:
        ct=by_scan(study.source, "ct"),
        ct_record="results/ct/{scan}.json",
        mask="results/masks/{scan}.nii.gz",
        record="results/masks/{scan}.json",
    output:
        "results/review/{scan}.seg.dcm",
    log:
        "results/logs/export_dicom_seg/{scan}.log",
    benchmark:
        "results/benchmarks/export_dicom_seg/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        ct=by_scan(study.listed, "ct"),
        kind=config["masks"]["dicom_seg"],
    message:
        "Writing the mask of {wildcards.scan} as DICOM-SEG"
    script:
        "../scripts/masks/export_dicom_seg.py"
