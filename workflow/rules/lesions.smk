# From the mask to single lesions, burden and mean HU, and the study's list of patients.
# Needs results/ct and results/masks; makes results/lesions/{patient}.* and results/cohort.tsv.


checkpoint split_lesions:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz",
        record="results/masks/{patient}.json",
    output:
        lesions="results/lesions/{patient}.nii.gz",
        table="results/lesions/{patient}.tsv",
        facts="results/lesions/{patient}.json",
    log:
        "results/logs/split_lesions/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **config["lesions"],
    message:
        "Splitting the lesions of {wildcards.patient}"
    script:
        "../scripts/lesions/label_lesions.py"


if FROM_FEATURES:

    rule cohort_of_features:
        input:
            features="results/features.parquet",
        output:
            cohort="results/cohort.tsv",
        log:
            "results/logs/cohort.log",
        conda:
            "../../envs/tables.yaml"
        params:
            sheet=config["patients"] and SHEET.to_dict("list"),
        message:
            "Listing the patients of the feature table"
        script:
            "../scripts/cohort/list_cohort_of_features.py"

else:

    rule cohort:
        input:
            masks=expand("results/masks/{patient}.json", patient=PATIENTS),
            tables=expand("results/lesions/{patient}.tsv", patient=PATIENTS),
            facts=expand("results/lesions/{patient}.json", patient=PATIENTS),
        output:
            cohort="results/cohort.tsv",
        log:
            "results/logs/cohort.log",
        conda:
            "../../envs/tables.yaml"
        params:
            sheet=SHEET.to_dict("list"),
        message:
            "Listing who is in the study and who is not"
        script:
            "../scripts/cohort/list_cohort.py"
