# Does correction matter? The study once more as it would be without corrections.
# Needs the masks of patients who have two; makes results/uncorrected with the same files as the
# study, down to its predictions, and results/mask_comparison with what differs.


use rule select_mask as select_uncorrected_mask with:
    input:
        ct="results/ct/{patient}.nii.gz",
        record="results/masks/{patient}.json",
        automatic=by_patient(study.automatic_mask),
        given=by_patient(study.uncorrected_source),
        corrected=[],
    output:
        mask="results/uncorrected/masks/{patient}.nii.gz",
        uncorrected="results/uncorrected/masks/{patient}.uncorrected.nii.gz",
        record="results/uncorrected/masks/{patient}.json",
    log:
        "results/logs/select_uncorrected_mask/{patient}.log",
    params:
        given=by_patient(study.uncorrected_cell),
        corrections=None,
        mask_labels=config["masks"]["labels"],
        accepted=by_patient(study.accepts_implausible),
        given_type=config["masks"]["given_type"],
        # it may be corrected for that very reason
        on_bad_patient="exclude",
    message:
        "Selecting the mask of {wildcards.patient} before correction"


use rule label_lesions as label_uncorrected_lesions with:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask="results/uncorrected/masks/{patient}.nii.gz",
        uncorrected="results/uncorrected/masks/{patient}.uncorrected.nii.gz",
        record="results/uncorrected/masks/{patient}.json",
    output:
        lesions="results/uncorrected/lesions/{patient}.nii.gz",
        table="results/uncorrected/lesions/{patient}.tsv",
        measurements="results/uncorrected/lesions/{patient}.json",
    log:
        "results/logs/label_uncorrected_lesions/{patient}.log",
    message:
        "Labelling the lesions of {wildcards.patient} before correction"


rule extract_uncorrected:
    input:
        ct="results/ct/{patient}.nii.gz",
        lesions="results/uncorrected/lesions/{patient}.nii.gz",
        mask="results/uncorrected/masks/{patient}.nii.gz" if study.regions else [],
    output:
        "results/uncorrected/radiomics/{patient}.parquet",
    log:
        "results/logs/extract_uncorrected/{patient}.log",
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        extraction=study.extraction,
    message:
        "Extracting the lesions of {wildcards.patient} before correction"
    script:
        "../scripts/radiomics/extract_patient.py"


rule assemble_uncorrected_features:
    input:
        cohort="results/cohort.tsv",
        splits="results/splits.parquet",
        measurements=expand(
            "results/uncorrected/lesions/{patient}.json",
            patient=study.patients_with_two_masks,
        ),
        radiomics=[
            *expand(
                "results/uncorrected/radiomics/{patient}.parquet",
                patient=study.patients_with_two_masks,
            ),
            *expand(
                "results/radiomics/{patient}.parquet",
                patient=study.patients_with_one_mask,
            ),
        ],
        tables=[
            *expand(
                "results/uncorrected/lesions/{patient}.tsv",
                patient=study.patients_with_two_masks,
            ),
            *expand(
                "results/lesions/{patient}.tsv", patient=study.patients_with_one_mask
            ),
        ],
    output:
        features="results/uncorrected/features.parquet",
        splits="results/uncorrected/splits.parquet",
    log:
        "results/logs/assemble_uncorrected_features.log",
    conda:
        "../../envs/tables.yaml"
    params:
        clinical=config["clinical"],
        classes=config["classes"],
    message:
        "Assembling the features of all patients before correction"
    script:
        "../scripts/sensitivity/assemble_uncorrected_features.py"


rule match_lesions:
    input:
        before="results/uncorrected/lesions/{patient}.nii.gz",
        after="results/lesions/{patient}.nii.gz",
    output:
        "results/uncorrected/pairs/{patient}.tsv",
    log:
        "results/logs/match_lesions/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(2000),
    message:
        "Matching the lesions of {wildcards.patient} before and after correction"
    script:
        "../scripts/sensitivity/match_lesions.py"


rule compare_corrections:
    input:
        before=expand(
            "results/uncorrected/masks/{patient}.json",
            patient=study.patients_with_two_masks,
        ),
        after=expand(
            "results/masks/{patient}.json", patient=study.patients_with_two_masks
        ),
        measurements=expand(
            "results/uncorrected/lesions/{patient}.json",
            patient=study.patients_with_two_masks,
        ),
        pairs=expand(
            "results/uncorrected/pairs/{patient}.tsv",
            patient=study.patients_with_two_masks,
        ),
        uncorrected="results/uncorrected/features.parquet",
        features="results/features.parquet",
        uncorrected_predictions=expand(
            "results/uncorrected/predictions/{arm}.parquet", arm=study.rerun_arms
        ),
        predictions=expand("results/predictions/{arm}.parquet", arm=study.rerun_arms),
    output:
        patients="results/mask_comparison/patients.tsv",
        features="results/mask_comparison/features.tsv",
        aucs="results/mask_comparison/aucs.tsv",
        figure="results/mask_comparison/aucs.svg",
    log:
        "results/logs/compare_corrections.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(4000),
    params:
        **study.task,
    message:
        "Comparing features and AUCs before and after correction"
    script:
        "../scripts/sensitivity/compare_corrections.py"
