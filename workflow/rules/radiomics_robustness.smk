# How steady each feature is where mask and image change a little (ICC).
# Needs results/ct, results/lesions, results/features.parquet; makes results/robustness,
# results/icc.parquet, results/icc_by_size.parquet and results/robustness.svg.


rule perturb_lesions:
    input:
        ct="results/ct/{scan}.nii.gz",
        lesions="results/lesions/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz" if "ring" in study.regions else [],
    output:
        "results/robustness/{scan}.parquet",
    log:
        "results/logs/perturb_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/perturb_lesions/{scan}.tsv"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        extraction=study.extraction,
        seed=config["seed"],
    message:
        "Perturbing the lesions of {wildcards.scan}"
    script:
        "../scripts/radiomics/perturb_lesions.py"


rule compute_icc:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        perturbed=expand("results/robustness/{scan}.parquet", scan=study.scans),
    output:
        icc="results/icc.parquet",
        by_size="results/icc_by_size.parquet",
        figure=expand("results/robustness.{kind}", kind=FIGURE_FILES),
    log:
        "results/logs/compute_icc.log",
    benchmark:
        "results/benchmarks/compute_icc.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        min_icc=config["radiomics"]["min_icc"] or 0.9,
    message:
        "Correlating the features of perturbed lesions"
    script:
        "../scripts/radiomics/compute_icc.py"
