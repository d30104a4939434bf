# Tables, figures and the one report that opens anywhere.
# Needs results/metrics.parquet and what led to it; makes results/tables, results/figures,
# results/report.html.

SCHEMES = schemes.schemes_of(SPLITS)
HAS_SLICES = bool(config["densenet"]) and not FROM_FEATURES


rule write_tables:
    input:
        cohort="results/cohort.tsv",
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        confusion="results/confusion.parquet",
        importance="results/importance.parquet",
    output:
        report(
            expand(
                "results/tables/{table}.tsv",
                table=outputs.table_names(config["classes"]),
            ),
            caption="../report/tables.rst",
            category="Tables",
        ),
    log:
        "results/logs/write_tables.log",
    conda:
        "../../envs/report.yaml"
    params:
        classes=config["classes"],
        clinical=config["clinical"],
    message:
        "Writing the tables"
    script:
        "../scripts/report/write_tables.py"


rule draw_figures:
    input:
        predictions=prediction_tables,
        metrics="results/metrics.parquet",
        confusion="results/confusion.parquet",
        cohort="results/cohort.tsv",
        splits="results/splits.parquet",
        slices=expand(
            "results/slices/{patient}.npz", patient=PATIENTS if HAS_SLICES else []
        ),
    output:
        report(
            expand(
                "results/figures/{figure}",
                figure=outputs.figure_names(SCHEMES, HAS_SLICES),
            ),
            caption="../report/figures.rst",
            category="Figures",
        ),
    log:
        "results/logs/draw_figures.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **CLASSES,
        schemes=SCHEMES,
        threshold=config["evaluation"]["threshold"],
        min_diameter_mm=config["lesions"]["min_diameter_mm"],
        from_features=FROM_FEATURES,
        seed=config["seed"],
    message:
        "Drawing the figures"
    script:
        "../scripts/report/draw_figures.py"


rule render_report:
    input:
        cohort="results/cohort.tsv",
        splits="results/splits.parquet",
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        confusion="results/confusion.parquet",
        importance="results/importance.parquet",
        chosen=expand("results/models/{arm}/chosen.tsv", arm=RADIOMICS),
        audit="results/audit.json",
        shuffled=(
            f"{SHUFFLED}/metrics.parquet"
            if "shuffled_labels" in config["controls"]
            else []
        ),
        tables=rules.write_tables.output,
        figures=rules.draw_figures.output,
        overlays=expand("results/review/{patient}.png", patient=PATIENTS),
        features=[] if FROM_FEATURES else "results/features.parquet",
        dictionary=[] if FROM_FEATURES else "results/radiomics_dictionary.tsv",
        robustness=[ICC, "results/robustness.svg"] if ICC else [],
        agreement=[] if FROM_FEATURES else "results/agreement.tsv",
        masks=rules.mask_comparison.output if TWO_MASKS else [],
    output:
        report("results/report.html", caption="../report/report.rst", category="Report"),
    log:
        "results/logs/render_report.log",
    conda:
        "../../envs/report.yaml"
    params:
        config=dict(config),
    message:
        "Writing results/report.html"
    script:
        "../scripts/report/render_report.py"
