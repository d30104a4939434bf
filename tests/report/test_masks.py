"""The masks in the report."""

import pandas as pd
from helpers.report import render
from livermets.review.agreement_table import COLUMNS


def test_agreement_of_the_masks_is_shown_where_there_is_any(results):
    row = dict.fromkeys(COLUMNS, 1.0) | {"patient": "P01", "source": "corrected", "lesions": 5}
    page = render(results, agreement=pd.DataFrame([row]))
    assert "Agreement of automatic and final masks" in page and "1 of 5" in page
    nobody = pd.DataFrame(columns=list(COLUMNS))
    assert "Agreement of automatic and final" not in render(results, agreement=nobody)
