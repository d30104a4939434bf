# The leakage audit: what was tested has to be new to what had learned. A finding stops the run.
# Needs results/features.parquet, results/splits.parquet, results/predictions and, where the study
# has images, results/ct, results/masks and results/lesions; makes results/audit.json and
# results/tables/audit.tsv, without which there is no report.


rule hash_images:
    input:
        ct="results/ct/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz",
        record="results/masks/{scan}.json",
        lesions="results/lesions/{scan}.nii.gz",
    output:
        "results/audit/fingerprints/{scan}.json",
    log:
        "results/logs/hash_images/{scan}.log",
    benchmark:
        "results/benchmarks/hash_images/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Hashing the images of {wildcards.scan}"
    script:
        "../scripts/audit/hash_images.py"


rule audit_data:
    input:
        cohort="results/cohort.tsv",
        features="results/features.parquet",
        splits="results/splits.parquet",
        fingerprints=expand("results/audit/fingerprints/{scan}.json", scan=study.scans),
        training_lists=study.training_lists,
    output:
        "results/audit/data.json",
    log:
        "results/logs/audit_data.log",
    benchmark:
        "results/benchmarks/audit_data.tsv"
    # before the hours of training that a finding would make worthless
    priority: 100
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        verdicts=config["audit"],
        segmentation_training=study.segmentation_training,
    message:
        "Auditing patients, images, features and splits for leakage"
    script:
        "../scripts/audit/audit_data.py"


rule audit_predictions:
    input:
        data="results/audit/data.json",
        predictions=prediction_tables,
        splits="results/splits.parquet",
        cohort="results/cohort.tsv",
        fusion=(
            ["results/fusion/scores.parquet", "results/fusion/inner_folds.parquet"]
            if config["fusion"]["stacking"]
            else []
        ),
    output:
        audit="results/audit.json",
        table="results/tables/audit.tsv",
    log:
        "results/logs/audit_predictions.log",
    benchmark:
        "results/benchmarks/audit_predictions.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        classes=config["classes"],
    message:
        "Auditing the predictions for leakage"
    script:
        "../scripts/audit/audit_predictions.py"


# Travels with a model that was trained on this cohort, as its `trained_on` in another study.
rule list_training_slices:
    input:
        to_train_on("results/audit/fingerprints/{scan}.json"),
    output:
        "results/segmentation_model.trained_on.txt",
    log:
        "results/logs/list_training_slices.log",
    benchmark:
        "results/benchmarks/list_training_slices.tsv"
    conda:
        "../../envs/report.yaml"
    message:
        "Listing the CT slices that the segmentation model was trained on"
    script:
        "../scripts/audit/list_training_slices.py"
