# What the radiomics arms looked at (SHAP), and which lesion decided a patient.
# Needs results/features.parquet, results/splits.parquet, results/models and results/predictions;
# makes results/explanation, results/tables/shap.tsv and results/tables/lesion_effects.tsv.


rule explain_arm:
    input:
        fitted=lambda wildcards: expand(
            "results/models/{arm}/fitted.joblib",
            arm=(
                study.classifier_arms
                if wildcards.arm == "selected"
                else [wildcards.arm]
            ),
        ),
        chosen="results/models/{arm}/chosen.tsv",
        features="results/features.parquet",
        splits="results/splits.parquet",
        icc=study.icc,
    output:
        values="results/explanation/shap/{arm}/values.parquet",
        groups="results/explanation/shap/{arm}/groups.parquet",
    log:
        "results/logs/explain_arm/{arm}.log",
    benchmark:
        "results/benchmarks/explain_arm/{arm}.tsv"
    wildcard_constraints:
        arm="[^/~]+",
    conda:
        "../../envs/explanation.yaml"
    threads: 1
    resources:
        mem_mb=scaled(4000),
    params:
        **study.task,
        **study.feature_choice,
        settings=config["explanation"],
        seed=config["seed"],
    message:
        "Explaining the scores of {wildcards.arm} by SHAP"
    script:
        "../scripts/explanation/explain_arm.py"


rule summarise_shap:
    input:
        values=expand(
            "results/explanation/shap/{arm}/values.parquet", arm=study.shap_arms
        ),
        groups=expand(
            "results/explanation/shap/{arm}/groups.parquet", arm=study.shap_arms
        ),
    output:
        summary="results/explanation/shap.parquet",
        shares="results/explanation/shap_shares.parquet",
        record="results/explanation/shap.json",
        figure=expand("results/explanation/shap.{kind}", kind=FIGURE_FILES),
        table="results/tables/shap.tsv",
    log:
        "results/logs/summarise_shap.log",
    benchmark:
        "results/benchmarks/summarise_shap.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **study.task,
        settings=config["explanation"],
    message:
        "Summing SHAP values over groups of features"
    script:
        "../scripts/explanation/summarise_shap.py"


rule leave_out_lesions:
    input:
        predictions=[
            study.prediction_table(arm) for arm in study.lesion_arms if "~" not in arm
        ],
        features="results/features.parquet",
    output:
        effects="results/explanation/lesion_effects.parquet",
        record="results/explanation/lesion_effects.json",
        table="results/tables/lesion_effects.tsv",
    log:
        "results/logs/leave_out_lesions.log",
    benchmark:
        "results/benchmarks/leave_out_lesions.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **study.task,
        arms=study.lesion_arms,
    message:
        "Scoring each patient without each of the lesions"
    script:
        "../scripts/explanation/leave_out_lesions.py"
