# What each column of radiomics means, and which IBSI tag it is.
# Needs the config alone; makes results/radiomics_dictionary.tsv and results/ibsi_tags.tsv.


rule write_dictionary:
    output:
        features="results/radiomics_dictionary.tsv",
        tags="results/ibsi_tags.tsv",
    log:
        "results/logs/write_dictionary.log",
    benchmark:
        "results/benchmarks/write_dictionary.tsv"
    conda:
        "../../envs/radiomics.yaml"
    params:
        extraction=study.extraction,
    message:
        "Writing down what each radiomics feature means"
    script:
        "../scripts/radiomics/write_dictionary.py"
