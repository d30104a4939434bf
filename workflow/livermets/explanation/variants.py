"""Variants of occlusion: what of a lesion the network sees."""

AS_IS = "as_is"
VARIANTS = {
    AS_IS: "as it is",
    "rim": "rim occluded",
    "inside": "inside occluded",
    "silhouette": "silhouette alone",
    "lesion": "lesion occluded",
    "surroundings": "surroundings occluded",
}  # name -> title; the last two where the surroundings of the lesions were kept
