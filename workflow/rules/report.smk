# Tables, figures and the one report that opens anywhere.
# Needs results/metrics.parquet and what led to it; makes results/tables, results/figures,
# results/run_times.tsv, results/report.html and results/exports, the tables of the report as files
# for a paper.


rule write_tables:
    input:
        cohort="results/cohort.tsv",
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        confusion="results/confusion.parquet",
        importance="results/importance.parquet",
    output:
        report(
            expand("results/tables/{table}.tsv", table=study.tables),
            caption="../report/tables.rst",
            category="Tables",
        ),
    log:
        "results/logs/write_tables.log",
    benchmark:
        "results/benchmarks/write_tables.tsv"
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
        subgroups="results/subgroups.parquet",
        by_size="results/by_size.parquet",
        cohort="results/cohort.tsv",
        scans=study.scans_table,
        splits="results/splits.parquet",
        slices=expand(
            "results/slices/{scan}.npz",
            scan=study.scans if study.deep_learning else [],
        ),
        training=study.training_histories,
    output:
        report(
            expand("results/figures/{figure}.svg", figure=study.figures),
            caption="../report/figures.rst",
            category="Figures",
        ),
        expand(
            "results/figures/{figure}.{kind}",
            figure=study.figures,
            kind=FIGURE_FILES[1:],
        ),
    log:
        "results/logs/draw_figures.log",
    benchmark:
        "results/benchmarks/draw_figures.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        **study.task,
        schemes=study.schemes,
        primary=study.primary_comparison,
        threshold=config["evaluation"]["threshold"],
        target_prevalence=config["evaluation"]["target_prevalence"],
        min_diameter_mm=config["lesions"]["min_diameter_mm"],
        from_features=not study.has_images,
        seed=config["seed"],
    message:
        "Drawing the figures"
    script:
        "../scripts/report/draw_figures.py"


# What ran before the report; benchmarks are no outputs, so what was measured last is read.
rule list_run_times:
    input:
        rules.write_tables.output,
        rules.draw_figures.output,
        "results/audit.json",
        "results/agreement.tsv" if study.has_images else [],
        "results/permuted_labels/metrics.parquet" if study.permutes_labels else [],
        "results/permutation_test.json" if study.tests_by_permutation else [],
        rules.compare_corrections.output if study.scans_with_two_masks else [],
        expand("results/review/{scan}.png", scan=study.scans),
    output:
        "results/run_times.tsv",
    log:
        "results/logs/list_run_times.log",
    benchmark:
        "results/benchmarks/list_run_times.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        benchmarks="results/benchmarks",
    message:
        "Listing how long each stage took"
    script:
        "../scripts/report/list_run_times.py"


rule render_report:
    input:
        cohort="results/cohort.tsv",
        scans=study.scans_table,
        splits="results/splits.parquet",
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        confusion="results/confusion.parquet",
        subgroups="results/subgroups.parquet",
        by_size="results/by_size.parquet",
        importance="results/importance.parquet",
        chosen=expand("results/models/{arm}/chosen.tsv", arm=study.classifier_arms),
        audit="results/audit.json",
        shuffled=(
            "results/permuted_labels/metrics.parquet" if study.permutes_labels else []
        ),
        permutation_test=(
            "results/permutation_test.json" if study.tests_by_permutation else []
        ),
        areas="results/split_aucs.parquet",
        run_times="results/run_times.tsv",
        tables=rules.write_tables.output,
        figures=rules.draw_figures.output,
        overlays=expand("results/review/{scan}.png", scan=study.scans),
        checks=expand("results/review/{scan}.json", scan=study.scans),
        features="results/features.parquet" if study.has_images else [],
        dictionary="results/radiomics_dictionary.tsv" if study.has_images else [],
        robustness=[*study.icc, "results/robustness.svg"] if study.icc else [],
        agreement="results/agreement.tsv" if study.has_images else [],
        reviews=rules.summarise_reviews.output if study.has_images else [],
        masks=rules.compare_corrections.output if study.scans_with_two_masks else [],
        heterogeneity=(
            rules.measure_heterogeneity.output
            if config["heterogeneity"] is not None
            else []
        ),
        training=study.training_histories,
        explanation=(
            [
                *rules.leave_out_lesions.output,
                *(rules.summarise_shap.output if study.shap_arms else []),
                *(rules.summarise_network.output if study.deep_learning else []),
            ]
            if config["explanation"] is not None
            else []
        ),
    output:
        report("results/report.html", caption="../report/report.rst", category="Report"),
    log:
        "results/logs/render_report.log",
    benchmark:
        "results/benchmarks/render_report.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        config=dict(config),
    message:
        "Writing results/report.html"
    script:
        "../scripts/report/render_report.py"


rule export_tables:
    input:
        "results/report.html",
    output:
        directory("results/exports"),
    log:
        "results/logs/export_tables.log",
    benchmark:
        "results/benchmarks/export_tables.tsv"
    conda:
        "../../envs/report.yaml"
    message:
        "Writing the tables of the report for a paper"
    script:
        "../scripts/report/export_tables.py"
