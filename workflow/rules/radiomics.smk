# pyradiomics features, one job per lesion (or per patient), and the study's feature table.
# Needs results/ct and results/lesions; makes results/radiomics and results/features.parquet.

EXTRACTION = {
    "settings": config["radiomics"]["settings"],
    "classes": config["radiomics"]["classes"],
    "sets": {
        name: {**chosen, "seed": config["seed"]} if chosen.get("shuffle") else chosen
        for name, chosen in config["radiomics"]["sets"].items()
    },
}
REGIONS = {chosen.get("region") for chosen in EXTRACTION["sets"].values()}


MASK = "results/masks/{patient}.nii.gz"

if config["radiomics"]["fan_out"] == "lesion":

    # The whole CT is read here, once: it would take the lesions' jobs longer than their features.
    rule cut_lesions:
        input:
            ct="results/ct/{patient}.nii.gz",
            lesions="results/lesions/{patient}.nii.gz",
            mask=MASK if "ring" in REGIONS else [],
        output:
            temp("results/radiomics/{patient}.cuts.npz"),
        log:
            "results/logs/cut_lesions/{patient}.log",
        conda:
            "../../envs/radiomics.yaml"
        resources:
            mem_mb=scaled(2000),
        params:
            **EXTRACTION,
        message:
            "Cutting the lesions of {wildcards.patient} from the CT"
        script:
            "../scripts/radiomics/crop_lesions.py"

    # Goes before other patients' cuts, which take space until their lesions are through. CT and
    # lesions are not read; they tell that a lesion is out of date when the cuts are gone.
    rule extract_lesion:
        input:
            cuts="results/radiomics/{patient}.cuts.npz",
            ct="results/ct/{patient}.nii.gz",
            lesions="results/lesions/{patient}.nii.gz",
            mask=MASK if "ring" in REGIONS else [],
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
            **EXTRACTION,
        message:
            "Extracting lesion {wildcards.lesion} of {wildcards.patient}"
        script:
            "../scripts/radiomics/extract_lesion.py"

    rule gather_lesions:
        input:
            rows=lambda wildcards: expand(
                "results/radiomics/{patient}/{lesion}.parquet",
                patient=wildcards.patient,
                lesion=kept_lesions(wildcards.patient),
            ),
            mask=MASK if "liver" in REGIONS else [],
            ct="results/ct/{patient}.nii.gz" if "liver" in REGIONS else [],
            lesions="results/lesions/{patient}.nii.gz" if "liver" in REGIONS else [],
        output:
            "results/radiomics/{patient}.parquet",
        log:
            "results/logs/gather_lesions/{patient}.log",
        conda:
            "../../envs/radiomics.yaml"
        resources:
            mem_mb=1000,
        params:
            **EXTRACTION,
        message:
            "Gathering the lesions of {wildcards.patient}"
        script:
            "../scripts/radiomics/assemble_lesions.py"

else:

    rule extract_patient:
        input:
            ct="results/ct/{patient}.nii.gz",
            lesions="results/lesions/{patient}.nii.gz",
            mask=MASK if REGIONS & {"ring", "liver"} else [],
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
            **EXTRACTION,
        message:
            "Extracting the lesions of {wildcards.patient}"
        script:
            "../scripts/radiomics/extract_patient.py"


rule radiomics_dictionary:
    output:
        features="results/radiomics_dictionary.tsv",
        tags="results/ibsi_tags.tsv",
    log:
        "results/logs/radiomics_dictionary.log",
    conda:
        "../../envs/radiomics.yaml"
    params:
        **EXTRACTION,
    message:
        "Writing down what each radiomics feature means"
    script:
        "../scripts/radiomics/write_dictionary.py"


rule perturb_patient:
    input:
        ct="results/ct/{patient}.nii.gz",
        lesions="results/lesions/{patient}.nii.gz",
        mask=MASK if "ring" in REGIONS else [],
    output:
        "results/robustness/{patient}.parquet",
    log:
        "results/logs/perturb_patient/{patient}.log",
    conda:
        "../../envs/radiomics.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **EXTRACTION,
        seed=config["seed"],
    message:
        "Perturbing the lesions of {wildcards.patient}"
    script:
        "../scripts/radiomics/perturb_lesions.py"


rule robustness:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        perturbed=expand("results/robustness/{patient}.parquet", patient=PATIENTS),
    output:
        icc="results/icc.parquet",
        by_size="results/icc_by_size.parquet",
        figure="results/robustness.svg",
    log:
        "results/logs/robustness.log",
    conda:
        "../../envs/report.yaml"
    params:
        min_icc=config["radiomics"]["min_icc"] or 0.9,
    message:
        "Correlating the features of perturbed lesions"
    script:
        "../scripts/radiomics/compute_icc.py"


if FROM_FEATURES:

    rule read_features:
        input:
            config["features"],
        output:
            "results/features.parquet",
        log:
            "results/logs/read_features.log",
        conda:
            "../../envs/tables.yaml"
        params:
            columns=config["feature_columns"],
            classes=config["classes"],
        message:
            "Checking the feature table {input}"
        script:
            "../scripts/features/read_features.py"

else:

    rule gather_features:
        input:
            cohort="results/cohort.tsv",
            radiomics=expand("results/radiomics/{patient}.parquet", patient=PATIENTS),
            tables=expand("results/lesions/{patient}.tsv", patient=PATIENTS),
            ct=expand("results/ct/{patient}.json", patient=PATIENTS),
            masks=expand("results/masks/{patient}.json", patient=PATIENTS),
        output:
            "results/features.parquet",
        log:
            "results/logs/gather_features.log",
        conda:
            "../../envs/tables.yaml"
        params:
            clinical=config["clinical"],
        message:
            "Gathering the features of all patients"
        script:
            "../scripts/features/assemble_features.py"
