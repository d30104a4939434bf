# Digital phantoms for the demo cohort: a CT and its true mask per patient.
# Needs `phantoms:` in the config and a sheet whose `ct` column names phantoms/{patient}.ct.nii.gz.


rule make_phantom:
    output:
        ct="phantoms/{patient}.ct.nii.gz",
        mask="phantoms/{patient}.mask.nii.gz",
    log:
        "results/logs/make_phantom/{patient}.log",
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=1000,
    params:
        label=by_patient(study.cell, "label"),
        classes=config["classes"],
        seed=config["seed"],
        phantoms=config["phantoms"],
    message:
        "Making the phantom of {wildcards.patient}"
    script:
        "../scripts/phantoms/make_phantom.py"
