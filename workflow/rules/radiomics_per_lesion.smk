# pyradiomics features, one job per lesion (`radiomics.fan_out: lesion`).
# Needs results/ct and results/lesions; makes results/radiomics.


localrules:
    list_kept_lesions,


# A scan's lesions are known once they are labelled, and their jobs are added then. This is a step of its
# own because Snakemake plans all jobs below a checkpoint anew after each of its jobs: below
# `label_lesions` is the whole study, below this one the scan.
checkpoint list_kept_lesions:
    input:
        "results/lesions/{scan}.tsv",
    output:
        "results/radiomics/{scan}.lesions.tsv",
    log:
        "results/logs/list_kept_lesions/{scan}.log",
    conda:
        "../../envs/tables.yaml"
    message:
        "Listing the lesions of {wildcards.scan}"
    shell:
        "cp {input} {output} 2> {log}"


# The whole CT is read here, once: it would take the lesions' jobs longer than their features.
rule crop_lesions:
    input:
        ct="results/ct/{scan}.nii.gz",
        lesions="results/lesions/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz" if "ring" in study.regions else [],
    output:
        temp("results/radiomics/{scan}.crops.npz"),
    log:
        "results/logs/crop_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/crop_lesions/{scan}.tsv"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        extraction=study.extraction,
    message:
        "Cropping the lesions of {wildcards.scan} from the CT"
    script:
        "../scripts/radiomics/crop_lesions.py"


# Goes before other patients' crops, which take space until their lesions are through. CT and
# lesions are not read; they tell that a lesion is out of date when the crops are gone.
rule extract_lesion:
    input:
        crops="results/radiomics/{scan}.crops.npz",
        ct="results/ct/{scan}.nii.gz",
        lesions="results/lesions/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz" if "ring" in study.regions else [],
    output:
        "results/radiomics/{scan}/{lesion}.parquet",
    log:
        "results/logs/extract_lesion/{scan}/{lesion}.log",
    benchmark:
        "results/benchmarks/extract_lesion/{scan}/{lesion}.tsv"
    priority: 1
    group:
        "radiomics"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(1000),
    params:
        extraction=study.extraction,
    message:
        "Extracting lesion {wildcards.lesion} of {wildcards.scan}"
    script:
        "../scripts/radiomics/extract_lesion.py"


rule assemble_lesions:
    input:
        rows=kept_lesions,
        mask="results/masks/{scan}.nii.gz" if "liver" in study.regions else [],
        ct="results/ct/{scan}.nii.gz" if "liver" in study.regions else [],
        lesions="results/lesions/{scan}.nii.gz" if "liver" in study.regions else [],
    output:
        "results/radiomics/{scan}.parquet",
    log:
        "results/logs/assemble_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/assemble_lesions/{scan}.tsv"
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=1000,
    params:
        extraction=study.extraction,
    message:
        "Assembling the lesions of {wildcards.scan}"
    script:
        "../scripts/radiomics/assemble_lesions.py"
