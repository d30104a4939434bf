# Who trains, validates and tests: patients, never lesions.
# Needs results/cohort.tsv; makes results/splits.parquet, which every model obeys.


rule divide:
    input:
        cohort="results/cohort.tsv",
    output:
        "results/splits.parquet",
    log:
        "results/logs/divide.log",
    conda:
        "../../envs/classifiers.yaml"
    params:
        **config["splits"],
        names=SPLITS,
        seed=config["seed"],
        classes=config["classes"],
    message:
        "Dividing the patients"
    script:
        "../scripts/splits/split_patients.py"
