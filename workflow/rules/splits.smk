# Splits patients, never lesions, into those who train, validate and test.
# Needs results/cohort.tsv; makes results/splits.parquet, which every model obeys.


rule split_patients:
    input:
        cohort="results/cohort.tsv",
    output:
        "results/splits.parquet",
    log:
        "results/logs/split_patients.log",
    benchmark:
        "results/benchmarks/split_patients.tsv"
    conda:
        "../../envs/classifiers.yaml"
    params:
        **config["splits"],
        names=study.splits,
        seed=config["seed"],
        classes=config["classes"],
    message:
        "Splitting the patients into training, validation and test"
    script:
        "../scripts/splits/split_patients.py"
