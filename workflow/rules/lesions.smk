# From the mask to single lesions, tumour burden and mean HU.
# Needs results/ct, results/masks, the models' probability of lesion and the readers' reviews; makes
# results/lesions/{scan}.*.


rule label_lesions:
    input:
        ct="results/ct/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz",
        uncorrected="results/masks/{scan}.uncorrected.nii.gz",
        record="results/masks/{scan}.json",
        probability=by_scan(study.lesion_probability),
        reviews=by_scan(study.reviews),
    output:
        lesions="results/lesions/{scan}.nii.gz",
        removed="results/lesions/{scan}.removed.nii.gz",
        table="results/lesions/{scan}.tsv",
        measurements="results/lesions/{scan}.json",
    log:
        "results/logs/label_lesions/{scan}.log",
    benchmark:
        "results/benchmarks/label_lesions/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **config["lesions"],
    message:
        "Labelling the lesions of {wildcards.scan}"
    script:
        "../scripts/lesions/label_lesions.py"
