"""Keep the numbers of lesions when a reader corrects the mask."""

import numpy as np
import pandas as pd
import SimpleITK as sitk

from livermets.lesions.matching import match_lesions


def keep_numbers(
    labelled: sitk.Image, table: pd.DataFrame, before: sitk.Image, table_before: pd.DataFrame
) -> tuple[sitk.Image, pd.DataFrame]:
    """Give the lesions of a corrected mask the numbers that they had before the correction.

    A kept lesion takes the number of the earlier kept lesion that it overlaps (`match_lesions`).
    Every other one gets a number that no lesion had then, so that a number before and after the
    correction never means two lesions.

    Parameters
    ----------
    labelled : SimpleITK.Image of uint16
        The kept lesions of the corrected mask, of `components.label_lesions`.
    table : pandas.DataFrame
        Their table, of the same function.
    before, table_before : SimpleITK.Image, pandas.DataFrame
        The same of the mask before correction, on the same grid.

    Returns
    -------
    labelled : SimpleITK.Image of uint16
        The kept lesions with their new numbers, which need not be 1…n.
    table : pandas.DataFrame
        The table with the new numbers: first the kept ones, then the dropped ones, each in
        ascending order.
    """
    numbers, earlier = (sitk.GetArrayViewFromImage(image) for image in (labelled, before))
    number_of = {now: then for then, now, _ in match_lesions(earlier, numbers)}
    free = int(table_before["lesion"].max()) + 1 if len(table_before) else 1
    for lesion in table["lesion"]:
        if lesion not in number_of:
            number_of[lesion] = free
            free += 1
    new = np.zeros(len(table) + 1, np.uint16)
    for lesion, number in number_of.items():
        new[lesion] = number
    image = sitk.GetImageFromArray(new[numbers])
    image.CopyInformation(labelled)
    renumbered = table.assign(lesion=table["lesion"].map(number_of).astype("int64"))
    order = renumbered.assign(dropped=~renumbered["kept"]).sort_values(["dropped", "lesion"])
    return image, order[list(table)].reset_index(drop=True)
