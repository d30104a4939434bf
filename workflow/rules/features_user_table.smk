# The feature table of a study that starts from a table of the user, without images.
# Needs the table that `features:` names; makes results/features.parquet and results/cohort.tsv.


rule read_features:
    input:
        table=config["features"],
        embeddings=study.embeddings,
    output:
        "results/features.parquet",
    log:
        "results/logs/read_features.log",
    benchmark:
        "results/benchmarks/read_features.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        columns=config["feature_columns"],
        classes=config["classes"],
        on_bad_cell=config["on_bad_cell"],
        exclude=config["exclude"],
        label_of=config["label_of"],
    message:
        "Checking the feature table {input.table}"
    script:
        "../scripts/features/read_features.py"


rule list_cohort_of_features:
    input:
        features="results/features.parquet",
    output:
        cohort="results/cohort.tsv",
    log:
        "results/logs/list_cohort_of_features.log",
    benchmark:
        "results/benchmarks/list_cohort_of_features.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        sheet=study.patient_columns,
    message:
        "Listing the patients of the feature table"
    script:
        "../scripts/cohort/list_cohort_of_features.py"
