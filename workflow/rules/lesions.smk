# From the mask to single lesions, tumour burden and mean HU.
# Needs results/ct, results/masks and the models' probability of lesion; makes results/lesions/{patient}.*.


checkpoint label_lesions:
    input:
        ct="results/ct/{patient}.nii.gz",
        mask="results/masks/{patient}.nii.gz",
        uncorrected="results/masks/{patient}.uncorrected.nii.gz",
        record="results/masks/{patient}.json",
        probability=by_patient(study.lesion_probability),
    output:
        lesions="results/lesions/{patient}.nii.gz",
        table="results/lesions/{patient}.tsv",
        measurements="results/lesions/{patient}.json",
    log:
        "results/logs/label_lesions/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **config["lesions"],
    message:
        "Labelling the lesions of {wildcards.patient}"
    script:
        "../scripts/lesions/label_lesions.py"
