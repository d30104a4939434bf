# The study's feature table, from the radiomics of each patient.
# Needs results/radiomics, results/lesions and results/cohort.tsv; makes results/features.parquet.


rule assemble_features:
    input:
        cohort="results/cohort.tsv",
        radiomics=expand("results/radiomics/{patient}.parquet", patient=study.patients),
        tables=expand("results/lesions/{patient}.tsv", patient=study.patients),
        ct=expand("results/ct/{patient}.json", patient=study.patients),
        masks=expand("results/masks/{patient}.json", patient=study.patients),
    output:
        "results/features.parquet",
    log:
        "results/logs/assemble_features.log",
    conda:
        "../../envs/tables.yaml"
    params:
        clinical=config["clinical"],
    message:
        "Assembling the features of all patients"
    script:
        "../scripts/features/assemble_features.py"
