"""Summarise what DenseNet-121 looked at: occlusion, regions of the maps, and examples."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_json, write_table
from livermets.core.jobs import job
from livermets.explanation.examples import draw_examples
from livermets.explanation.map_regions import region_table
from livermets.explanation.occlusion_effect import occlusion_effect
from livermets.explanation.records import records
from livermets.report.figures.grad_cam import draw_grad_cam

with job(snakemake):
    params, output = snakemake.params, snakemake.output
    scores, maps = (
        pd.concat(map(pd.read_parquet, paths), ignore_index=True)
        for paths in (snakemake.input.scores, snakemake.input.maps)
    )
    occlusion = occlusion_effect(scores, params.classes, params.positive)
    regions = region_table(maps, params.classes)
    write_table(output.occlusion, occlusion)
    write_table(output.table, occlusion, float_format="%.10g")
    write_table(output.regions, regions)
    write_table(output.maps, regions, float_format="%.10g")
    contents = {"occlusion": records(occlusion), "grad_cam": records(regions)}
    write_json(output.record, contents | {"settings": params.settings})
    drawn = draw_examples(maps, params.classes, params.settings["examples"], params.seed)
    files = {Path(path).parent.name: Path(path) for path in snakemake.input.examples}
    draw_grad_cam(drawn, files, params.classes, Path(output.figure[0]))
