# The study's feature table, from the radiomics of each scan.
# Needs results/radiomics, results/lesions and results/cohort.tsv; makes results/features.parquet.


rule assemble_features:
    input:
        cohort="results/cohort.tsv",
        labels=study.labels_table,
        radiomics=expand("results/radiomics/{scan}.parquet", scan=study.scans),
        tables=expand("results/lesions/{scan}.tsv", scan=study.scans),
        ct=expand("results/ct/{scan}.json", scan=study.scans),
        masks=expand("results/masks/{scan}.json", scan=study.scans),
        embeddings=study.embeddings,
    output:
        "results/features.parquet",
    log:
        "results/logs/assemble_features.log",
    benchmark:
        "results/benchmarks/assemble_features.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        clinical=config["clinical"],
    message:
        "Assembling the features of all patients"
    script:
        "../scripts/features/assemble_features.py"
