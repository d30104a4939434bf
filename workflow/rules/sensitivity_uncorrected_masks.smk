# Does correction matter? The study once more as it would be without corrections.
# Needs the masks of patients who have two; makes results/uncorrected with the same files as the
# study, down to its predictions, and results/mask_comparison with what differs.


use rule select_mask as select_uncorrected_mask with:
    input:
        ct="results/ct/{scan}.nii.gz",
        record="results/masks/{scan}.json",
        automatic=by_scan(study.automatic_mask),
        given=by_scan(study.uncorrected_source),
        corrected=[],
    output:
        mask="results/uncorrected/masks/{scan}.nii.gz",
        uncorrected="results/uncorrected/masks/{scan}.uncorrected.nii.gz",
        record="results/uncorrected/masks/{scan}.json",
    log:
        "results/logs/select_uncorrected_mask/{scan}.log",
    benchmark:
        "results/benchmarks/select_uncorrected_mask/{scan}.tsv"
    params:
        given=by_scan(study.uncorrected_cell),
        corrections=None,
        mask_labels=config["masks"]["labels"],
        accepted=by_scan(study.accepts_implausible),
        given_type=config["masks"]["given_type"],
        needs_liver=config["lesions"]["must_touch_liver"],
        # it may be corrected for that very reason
        on_bad_patient="exclude",
    message:
        "Selecting the mask of {wildcards.scan} before correction"


use rule label_lesions as label_uncorrected_lesions with:
    input:
        ct="results/ct/{scan}.nii.gz",
        mask="results/uncorrected/masks/{scan}.nii.gz",
        uncorrected="results/uncorrected/masks/{scan}.uncorrected.nii.gz",
        record="results/uncorrected/masks/{scan}.json",
        probability=[],
        reviews=[],
    output:
        lesions="results/uncorrected/lesions/{scan}.nii.gz",
        removed="results/uncorrected/lesions/{scan}.removed.nii.gz",
        table="results/uncorrected/lesions/{scan}.tsv",
        measurements="results/uncorrected/lesions/{scan}.json",
    log:
        "results/logs/label_uncorrected_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/label_uncorrected_lesions/{scan}.tsv"
    message:
        "Labelling the lesions of {wildcards.scan} before correction"


rule extract_uncorrected:
    input:
        ct="results/ct/{scan}.nii.gz",
        lesions="results/uncorrected/lesions/{scan}.nii.gz",
        mask="results/uncorrected/masks/{scan}.nii.gz" if study.regions else [],
    output:
        "results/uncorrected/radiomics/{scan}.parquet",
    log:
        "results/logs/extract_uncorrected/{scan}.log",
    benchmark:
        "results/benchmarks/extract_uncorrected/{scan}.tsv"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        extraction=study.extraction,
    message:
        "Extracting the lesions of {wildcards.scan} before correction"
    script:
        "../scripts/radiomics/extract_patient.py"


rule assemble_uncorrected_features:
    input:
        cohort="results/cohort.tsv",
        scans=study.scans_table,
        splits="results/splits.parquet",
        measurements=expand(
            "results/uncorrected/lesions/{scan}.json",
            scan=study.scans_with_two_masks,
        ),
        radiomics=[
            *expand(
                "results/uncorrected/radiomics/{scan}.parquet",
                scan=study.scans_with_two_masks,
            ),
            *expand(
                "results/radiomics/{scan}.parquet",
                scan=study.scans_with_one_mask,
            ),
        ],
        tables=[
            *expand(
                "results/uncorrected/lesions/{scan}.tsv",
                scan=study.scans_with_two_masks,
            ),
            *expand("results/lesions/{scan}.tsv", scan=study.scans_with_one_mask),
        ],
    output:
        features="results/uncorrected/features.parquet",
        splits="results/uncorrected/splits.parquet",
    log:
        "results/logs/assemble_uncorrected_features.log",
    benchmark:
        "results/benchmarks/assemble_uncorrected_features.tsv"
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
        before="results/uncorrected/lesions/{scan}.nii.gz",
        after="results/lesions/{scan}.nii.gz",
    output:
        "results/uncorrected/pairs/{scan}.tsv",
    log:
        "results/logs/match_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/match_lesions/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(2000),
    message:
        "Matching the lesions of {wildcards.scan} before and after correction"
    script:
        "../scripts/sensitivity/match_lesions.py"


rule compare_corrections:
    input:
        before=expand(
            "results/uncorrected/masks/{scan}.json",
            scan=study.scans_with_two_masks,
        ),
        after=expand("results/masks/{scan}.json", scan=study.scans_with_two_masks),
        measurements=expand(
            "results/uncorrected/lesions/{scan}.json",
            scan=study.scans_with_two_masks,
        ),
        pairs=expand(
            "results/uncorrected/pairs/{scan}.tsv",
            scan=study.scans_with_two_masks,
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
        figure=expand("results/mask_comparison/aucs.{kind}", kind=FIGURE_FILES),
    log:
        "results/logs/compare_corrections.log",
    benchmark:
        "results/benchmarks/compare_corrections.tsv"
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
