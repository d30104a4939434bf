"""The masks in the report."""

from io import StringIO

import pandas as pd
from helpers.report import render
from livermets.report.sections.masks import agreement_lines
from livermets.review.agreement_table import COLUMNS, agreement_table


def test_agreement_of_the_masks_is_shown_where_there_is_any(results):
    row = dict.fromkeys(COLUMNS, 1.0) | {"patient": "P01", "source": "corrected", "lesions": 5}
    page = render(results, agreement=pd.DataFrame([row]))
    assert "Agreement of automatic and final masks" in page and "1 of 5" in page
    nobody = pd.DataFrame(columns=list(COLUMNS))
    assert "Agreement of automatic and final" not in render(results, agreement=nobody)


def test_the_lines_are_medians_over_patients_and_sums_of_lesions():
    numbers = dict.fromkeys(COLUMNS[2:], 4)
    dice = {"P01": 0.81, "P02": 0.9, "P03": 0.97}
    table = agreement_table(
        [
            numbers
            | {"patient": patient, "source": "corrected", "dice_liver": value}
            | {"liver_ml_automatic": 1500 + 100 * value, "liver_ml": 1500.0}
            | {"lesions": 5, "lesions_missed": 1, "lesions_added": 0, "dice_lesion": None}
            for patient, value in dice.items()
        ]
    )
    lines = dict(agreement_lines(table))
    assert lines["Dice of the liver, median (range)"] == "0.90 (0.81 to 0.97)"
    assert lines["Liver volume, automatic minus final (ml)"] == "+90.0 (+81.0 to +97.0)"
    assert lines["Dice of the lesions"] == "none"
    assert lines["Lesions found by both"] == "12 of 15"
    assert lines["Lesions the model missed"] == "3"
    assert lines["Lesions the model added"] == "0"
    written = pd.read_csv(StringIO(table.to_csv(sep="\t", index=False)), sep="\t")
    assert dict(agreement_lines(written)) == lines


def test_a_table_without_patients_has_no_lines():
    assert agreement_lines(agreement_table([])) == []


def test_the_warnings_of_the_checks_are_shown_by_patient(results):
    checks = {
        "P01": {"excluded": None, "warnings": ["a liver of 300 ml is hardly plausible"]},
        "P02": {"excluded": None, "warnings": []},
        "P03": {"excluded": {"stage": "import", "reason": "no CT"}},
    }
    page = " ".join(render(results, mask_checks=checks).split())
    assert "1 of 2 masks have warnings" in page
    assert "a liver of 300 ml is hardly plausible" in page
    page = " ".join(render(results, mask_checks={"P02": checks["P02"]}).split())
    assert "The checks of all 1 masks" in page and "found nothing unusual" in page
    assert "Checks of the masks" not in render(results)
