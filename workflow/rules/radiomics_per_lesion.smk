# pyradiomics features, one job per lesion (`radiomics.fan_out: lesion`).
# Needs results/ct and results/lesions; makes results/radiomics.


# The whole CT is read here, once: it would take the lesions' jobs longer than their features.
rule crop_lesions:
    input:
        ct="results/ct/{patient}.nii.gz",
        lesions="results/lesions/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz" if "ring" in study.regions else [],
    output:
        temp("results/radiomics/{patient}.crops.npz"),
    log:
        "results/logs/crop_lesions/{patient}.log",
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(2000),
    params:
        extraction=study.extraction,
    message:
        "Cropping the lesions of {wildcards.patient} from the CT"
    script:
        "../scripts/radiomics/crop_lesions.py"


# Goes before other patients' crops, which take space until their lesions are through. CT and
# lesions are not read; they tell that a lesion is out of date when the crops are gone.
rule extract_lesion:
    input:
        crops="results/radiomics/{patient}.crops.npz",
        ct="results/ct/{patient}.nii.gz",
        lesions="results/lesions/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz" if "ring" in study.regions else [],
    output:
        "results/radiomics/{patient}/{lesion}.parquet",
    log:
        "results/logs/extract_lesion/{patient}/{lesion}.log",
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
        "Extracting lesion {wildcards.lesion} of {wildcards.patient}"
    script:
        "../scripts/radiomics/extract_lesion.py"


rule assemble_lesions:
    input:
        rows=kept_lesions,
        mask="results/masks/{patient}.nii.gz" if "liver" in study.regions else [],
        ct="results/ct/{patient}.nii.gz" if "liver" in study.regions else [],
        lesions="results/lesions/{patient}.nii.gz" if "liver" in study.regions else [],
    output:
        "results/radiomics/{patient}.parquet",
    log:
        "results/logs/assemble_lesions/{patient}.log",
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=1000,
    params:
        extraction=study.extraction,
    message:
        "Assembling the lesions of {wildcards.patient}"
    script:
        "../scripts/radiomics/assemble_lesions.py"
