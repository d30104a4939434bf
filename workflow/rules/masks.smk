# The mask the study uses: corrected before given before automatic; and the same as DICOM-SEG.
# Needs results/ct, results/segmentation and the corrections; makes results/masks and
# results/review/{patient}.seg.dcm.


rule select_mask:
    input:
        ct="results/ct/{patient}.nii.gz",
        record="results/ct/{patient}.json",
        automatic=by_patient(study.automatic_mask),
        given=by_patient(study.source, "mask"),
        corrected=by_patient(study.correction),
    output:
        mask="results/masks/{patient}.nii.gz",
        uncorrected="results/masks/{patient}.uncorrected.nii.gz",
        record="results/masks/{patient}.json",
    log:
        "results/logs/select_mask/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        given=by_patient(study.cell, "mask"),
        corrections=config["masks"]["corrections"],
        mask_labels=config["masks"]["labels"],
        accepted=by_patient(study.accepts_implausible),
        given_type=config["masks"]["given_type"],
        on_bad_patient=config["on_bad_patient"],
    message:
        "Selecting the mask of {wildcards.patient}"
    script:
        "../scripts/masks/select_mask.py"


rule export_dicom_seg:
    input:
        ct=by_patient(study.source, "ct"),
        ct_record="results/ct/{patient}.json",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
    output:
        "results/review/{patient}.seg.dcm",
    log:
        "results/logs/export_dicom_seg/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        ct=by_patient(study.listed, "ct"),
        kind=config["masks"]["dicom_seg"],
    message:
        "Writing the mask of {wildcards.patient} as DICOM-SEG"
    script:
        "../scripts/masks/export_dicom_seg.py"
