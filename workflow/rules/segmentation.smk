# Automatic masks of liver and lesions by nnU-Net v2.
# Needs results/ct and the models; makes results/segmentation, which is never changed afterwards.


MODEL_FILES = [model["path"] for model in config["segmentation"]["models"]]
SEGMENTING = {
    **{
        key: config["segmentation"][key]
        for key in ("models", "device", "mirroring", "step_size", "keep_largest_liver")
    },
    "cache": "results/models/segmentation",
}
# A model that was downloaded, by this study or another, is a file like any other.
for model in config["segmentation"]["models"]:
    if model["url"] and not Path(model["path"]).exists():

        rule:
            name:
                f"fetch_{model['name']}"
            output:
                model["path"],
            log:
                f"results/logs/fetch/{model['name']}.log",
            retries: 0
            conda:
                "../../envs/tables.yaml"
            params:
                **{key: model[key] for key in ("name", "url", "sha256")},
            message:
                f"Downloading the segmentation model {model['name']}"
            script:
                "../scripts/segmentation/fetch_model.py"


# Patients of one job, which share the models in its memory; by default a job for each patient.
SEGMENTED = [patient for patient in PATIENTS if needs_segmentation(patient)]
PER_JOB = config["segmentation"]["patients_per_job"]


if PER_JOB == 1:

    rule segment:
        input:
            cts=["results/ct/{patient}.nii.gz"],
            records=["results/ct/{patient}.json"],
            models=MODEL_FILES,
        output:
            "results/segmentation/{patient}.nii.gz",
        log:
            "results/logs/segment/{patient}.log",
        benchmark:
            "results/benchmarks/segment/{patient}.tsv"
        conda:
            "../../envs/segmentation.yaml"
        threads: config["segmentation"]["threads"]
        resources:
            gpu=gpus(config["segmentation"]["device"]),
            runtime=scaled(config["segmentation"]["runtime_min"]),
            mem_mb=scaled(config["segmentation"]["mem_mb"]),
        params:
            **SEGMENTING,
            title=lambda wildcards: f"segment {wildcards.patient}",
        message:
            "Segmenting liver and lesions of {wildcards.patient}"
        script:
            "../scripts/segmentation/segment.py"

else:

    for first in range(0, len(SEGMENTED), PER_JOB):
        some = SEGMENTED[first : first + PER_JOB]

        rule:
            name:
                f"segment_{first // PER_JOB + 1}"
            input:
                cts=expand("results/ct/{patient}.nii.gz", patient=some),
                records=expand("results/ct/{patient}.json", patient=some),
                models=MODEL_FILES,
            output:
                expand("results/segmentation/{patient}.nii.gz", patient=some),
            log:
                f"results/logs/segment/{some[0]}-{some[-1]}.log",
            benchmark:
                f"results/benchmarks/segment/{some[0]}-{some[-1]}.tsv"
            conda:
                "../../envs/segmentation.yaml"
            threads: config["segmentation"]["threads"]
            resources:
                gpu=gpus(config["segmentation"]["device"]),
                runtime=scaled(config["segmentation"]["runtime_min"] * len(some)),
                mem_mb=scaled(config["segmentation"]["mem_mb"]),
            params:
                **SEGMENTING,
                title=f"segment {some[0]} to {some[-1]}",
            message:
                f"Segmenting liver and lesions of {len(some)} patients, {some[0]} to {some[-1]}"
            script:
                "../scripts/segmentation/segment.py"
