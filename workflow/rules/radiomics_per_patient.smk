# pyradiomics features, one job per scan (`radiomics.fan_out: patient`).
# Needs results/ct and results/lesions; makes results/radiomics.


rule extract_patient:
    input:
        ct="results/ct/{scan}.nii.gz",
        lesions="results/lesions/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz" if study.regions else [],
    output:
        "results/radiomics/{scan}.parquet",
    log:
        "results/logs/extract_patient/{scan}.log",
    benchmark:
        "results/benchmarks/extract_patient/{scan}.tsv"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        extraction=study.extraction,
    message:
        "Extracting the lesions of {wildcards.scan}"
    script:
        "../scripts/radiomics/extract_patient.py"
