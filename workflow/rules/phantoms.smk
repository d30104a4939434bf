# Digital phantoms for the demo cohort: a CT and its true mask per scan.
# Needs `phantoms:` in the config and a sheet whose `ct` column names phantoms/{scan}.ct.nii.gz.


rule make_phantom:
    output:
        ct="phantoms/{scan}.ct.nii.gz",
        mask="phantoms/{scan}.mask.nii.gz",
    log:
        "results/logs/make_phantom/{scan}.log",
    benchmark:
        "results/benchmarks/make_phantom/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=1000,
    params:
        label=by_scan(study.cell, "label"),
        classes=config["classes"],
        seed=config["seed"],
        phantoms=config["phantoms"],
    message:
        "Making the phantom of {wildcards.scan}"
    script:
        "../scripts/phantoms/make_phantom.py"
