# Does correction matter? The study once more as it would be without corrections (`compare_masks`).
# Needs the masks of patients who have two; makes results/uncorrected with the same files as the
# study, down to its predictions, and results/mask_comparison with what differs.

UNCORRECTED = "results/uncorrected"
TWO_MASKS = [
    patient
    for patient in PATIENTS
    if config["compare_masks"] and has_two_masks(patient)
]
ONE_MASK = [patient for patient in PATIENTS if patient not in TWO_MASKS]


use rule take_mask as take_uncorrected_mask with:
    input:
        ct="results/ct/{patient}.nii.gz",
        record="results/masks/{patient}.json",
        automatic=automatic_mask,
        given=lambda wildcards: (
            [] if automatic_mask(wildcards) else source("mask")(wildcards)
        ),
        corrected=[],
    output:
        mask=f"{UNCORRECTED}/masks/{{patient}}.nii.gz",
        record=f"{UNCORRECTED}/masks/{{patient}}.json",
    log:
        "results/logs/take_uncorrected_mask/{patient}.log",
    params:
        given=lambda wildcards: (
            "" if automatic_mask(wildcards) else cell("mask")(wildcards)
        ),
        corrections=None,
        mask_labels=config["mask_labels"],
        # it may be corrected for that very reason
        on_bad_patient="exclude",
    message:
        "Taking the mask of {wildcards.patient} before correction"


use rule split_lesions as split_uncorrected_lesions with:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask=f"{UNCORRECTED}/masks/{{patient}}.nii.gz",
        record=f"{UNCORRECTED}/masks/{{patient}}.json",
    output:
        lesions=f"{UNCORRECTED}/lesions/{{patient}}.nii.gz",
        table=f"{UNCORRECTED}/lesions/{{patient}}.tsv",
        facts=f"{UNCORRECTED}/lesions/{{patient}}.json",
    log:
        "results/logs/split_uncorrected_lesions/{patient}.log",
    message:
        "Splitting the lesions of {wildcards.patient} before correction"


rule extract_uncorrected:
    input:
        ct="results/ct/{patient}.nii.gz",
        lesions=f"{UNCORRECTED}/lesions/{{patient}}.nii.gz",
        mask=(
            f"{UNCORRECTED}/masks/{{patient}}.nii.gz"
            if REGIONS & {"ring", "liver"}
            else []
        ),
    output:
        f"{UNCORRECTED}/radiomics/{{patient}}.parquet",
    log:
        "results/logs/extract_uncorrected/{patient}.log",
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        **EXTRACTION,
    message:
        "Extracting the lesions of {wildcards.patient} before correction"
    script:
        "../scripts/radiomics/extract_patient.py"


rule uncorrected_features:
    input:
        cohort="results/cohort.tsv",
        splits="results/splits.parquet",
        facts=expand(f"{UNCORRECTED}/lesions/{{patient}}.json", patient=TWO_MASKS),
        radiomics=expand(
            f"{UNCORRECTED}/radiomics/{{patient}}.parquet", patient=TWO_MASKS
        )
        + expand("results/radiomics/{patient}.parquet", patient=ONE_MASK),
        tables=expand(f"{UNCORRECTED}/lesions/{{patient}}.tsv", patient=TWO_MASKS)
        + expand("results/lesions/{patient}.tsv", patient=ONE_MASK),
    output:
        features=f"{UNCORRECTED}/features.parquet",
        splits=f"{UNCORRECTED}/splits.parquet",
    log:
        "results/logs/uncorrected_features.log",
    conda:
        "../../envs/tables.yaml"
    params:
        clinical=config["clinical"],
        classes=config["classes"],
    message:
        "Gathering the features of all patients before correction"
    script:
        "../scripts/sensitivity/assemble_uncorrected_features.py"


rule pair_lesions:
    input:
        before=f"{UNCORRECTED}/lesions/{{patient}}.nii.gz",
        after="results/lesions/{patient}.nii.gz",
    output:
        f"{UNCORRECTED}/pairs/{{patient}}.tsv",
    log:
        "results/logs/pair_lesions/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(2000),
    message:
        "Pairing the lesions of {wildcards.patient} before and after correction"
    script:
        "../scripts/sensitivity/match_lesions.py"


rule mask_comparison:
    input:
        before=expand(f"{UNCORRECTED}/masks/{{patient}}.json", patient=TWO_MASKS),
        after=expand("results/masks/{patient}.json", patient=TWO_MASKS),
        facts=expand(f"{UNCORRECTED}/lesions/{{patient}}.json", patient=TWO_MASKS),
        pairs=expand(f"{UNCORRECTED}/pairs/{{patient}}.tsv", patient=TWO_MASKS),
        uncorrected=f"{UNCORRECTED}/features.parquet",
        features="results/features.parquet",
        scored=expand(f"{UNCORRECTED}/predictions/{{arm}}.parquet", arm=ARMS_AGAIN),
        predictions=expand("results/predictions/{arm}.parquet", arm=ARMS_AGAIN),
    output:
        patients="results/mask_comparison/patients.tsv",
        features="results/mask_comparison/features.tsv",
        aucs="results/mask_comparison/aucs.tsv",
        figure="results/mask_comparison/aucs.svg",
    log:
        "results/logs/mask_comparison.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(4000),
    params:
        **CLASSES,
        draws=config["evaluation"]["draws"],
        seed=config["seed"],
    message:
        "Comparing features and AUCs before and after correction"
    script:
        "../scripts/sensitivity/compare_corrections.py"
