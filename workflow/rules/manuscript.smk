# What a paper needs beside the results: the methods section in sentences, as text, Word and LaTeX, and
# four checklists that are filled in; and a description of the results for archives.
# Needs the tables and records of the results; makes results/manuscript
# and results/ro-crate-metadata.json.


rule write_methods:
    input:
        cohort="results/cohort.tsv",
        scans=study.scans_table,
        splits="results/splits.parquet",
        metrics="results/metrics.parquet",
        differences="results/differences.parquet",
        audit="results/audit.json",
        features="results/features.parquet",
        chosen=expand("results/models/{arm}/chosen.tsv", arm=study.classifier_arms),
        records=expand(
            "results/{stage}/{scan}.json",
            stage=("ct", "masks", "lesions"),
            scan=study.scans,
        ),
        dictionary="results/radiomics_dictionary.tsv" if study.has_images else [],
        agreement="results/agreement.tsv" if study.has_images else [],
        reviews=rules.summarise_reviews.output if study.has_images else [],
        permutation_test=(
            "results/permutation_test.json" if study.tests_by_permutation else []
        ),
        shuffled=(
            "results/permuted_labels/metrics.parquet" if study.permutes_labels else []
        ),
    output:
        report(
            multiext(
                "results/manuscript/methods", ".txt", ".md", ".docx", ".tex", ".bib"
            ),
            caption="../report/manuscript.rst",
            category="Manuscript",
        ),
    log:
        "results/logs/write_methods.log",
    benchmark:
        "results/benchmarks/write_methods.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        config=dict(config),
    message:
        "Writing the methods section"
    script:
        "../scripts/manuscript/write_methods.py"


rule fill_checklists:
    input:
        rules.write_methods.input,
        rules.write_methods.output,
        rules.write_tables.output,
        rules.draw_figures.output,
        rules.measure_subgroups.output,
        rules.measure_by_size.output,
        prediction_tables,
        study.icc,
        rules.compare_corrections.output if study.scans_with_two_masks else [],
        importance="results/importance.parquet",
        confusion="results/confusion.parquet",
    output:
        report(
            multiext("results/manuscript/checklists", ".html", ".docx", ".tsv"),
            caption="../report/checklists.rst",
            category="Manuscript",
        ),
        score="results/manuscript/metrics_score.json",
    log:
        "results/logs/fill_checklists.log",
    benchmark:
        "results/benchmarks/fill_checklists.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        config=dict(config),
    message:
        "Filling in CLEAR, METRICS, TRIPOD+AI and CLAIM"
    script:
        "../scripts/manuscript/fill_checklists.py"


# The description is of the files that are there, so it comes last.
rule describe_results:
    input:
        rules.render_report.output,
        rules.export_tables.output,
        rules.write_methods.output,
        rules.fill_checklists.output,
    output:
        "results/ro-crate-metadata.json",
    log:
        "results/logs/describe_results.log",
    benchmark:
        "results/benchmarks/describe_results.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        config=dict(config),
    message:
        "Describing the results as an RO-Crate"
    script:
        "../scripts/manuscript/describe_results.py"
