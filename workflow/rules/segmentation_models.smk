# Published segmentation models, downloaded once for all studies of this machine.
# Needs the url or package, and the sha256 of a model in the config; makes the file that its `path`
# names.


# The paths are the models' own, so each model has a rule.
for model in study.models_to_fetch:

    rule:
        name:
            f"fetch_{model['name']}"
        output:
            model["path"],
        log:
            f"results/logs/fetch/{model['name']}.log",
        benchmark:
            f"results/benchmarks/fetch/{model['name']}.tsv"
        retries: 0
        conda:
            "../../envs/tables.yaml"
        params:
            **{key: model[key] for key in ("name", "url", "package", "sha256")},
        message:
            f"Downloading the segmentation model {model['name']}"
        script:
            "../scripts/segmentation/fetch_model.py"
