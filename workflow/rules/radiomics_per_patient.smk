# pyradiomics features, one job per patient (`radiomics.fan_out: patient`).
# Needs results/ct and results/lesions; makes results/radiomics.


rule extract_patient:
    input:
        ct="results/ct/{patient}.nii.gz",
        lesions="results/lesions/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz" if study.regions else [],
    output:
        "results/radiomics/{patient}.parquet",
    log:
        "results/logs/extract_patient/{patient}.log",
    benchmark:
        "results/benchmarks/extract_patient/{patient}.tsv"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        extraction=study.extraction,
    message:
        "Extracting the lesions of {wildcards.patient}"
    script:
        "../scripts/radiomics/extract_patient.py"
