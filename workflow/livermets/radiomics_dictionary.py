"""What each radiomics column means: class, unit, IBSI tag, and whether it is comparable."""

import re
from collections.abc import Iterable, Iterator

from livermets.pyradiomics import feature_classes
from livermets.radiomics_sets import FeatureSet

COLUMNS = (
    *("feature", "set", "region", "image", "class", "name", "meaning", "unit"),
    *("ibsi_tag", "comparable", "why_not"),
)

# The features of pyradiomics and the IBSI tags of the same definition (Zwanenburg et al. 2020, doi
# 10.1148/radiol.2020191145). GLCM and GLRLM are averaged over directions ("3D_avg"); GLDM is IBSI's
# neighbouring grey level dependence matrix. A test holds them against the consensus values.
_IBSI = """
shape_MeshVolume morph_volume | shape_VoxelVolume morph_vol_approx
shape_SurfaceArea morph_area_mesh | shape_SurfaceVolumeRatio morph_av
shape_Sphericity morph_sphericity | shape_Maximum3DDiameter morph_diam
shape_MajorAxisLength morph_pca_maj_axis | shape_MinorAxisLength morph_pca_min_axis
shape_LeastAxisLength morph_pca_least_axis | shape_Elongation morph_pca_elongation
shape_Flatness morph_pca_flatness
firstorder_Mean stat_mean | firstorder_Variance stat_var | firstorder_Skewness stat_skew
firstorder_Kurtosis stat_kurt | firstorder_Median stat_median | firstorder_Minimum stat_min
firstorder_10Percentile stat_p10 | firstorder_90Percentile stat_p90
firstorder_Maximum stat_max | firstorder_InterquartileRange stat_iqr
firstorder_Range stat_range | firstorder_MeanAbsoluteDeviation stat_mad
firstorder_RobustMeanAbsoluteDeviation stat_rmad | firstorder_Energy stat_energy
firstorder_RootMeanSquared stat_rms | firstorder_Entropy ih_entropy
firstorder_Uniformity ih_uniformity
glcm_MaximumProbability cm_joint_max_3D_avg | glcm_JointAverage cm_joint_avg_3D_avg
glcm_SumSquares cm_joint_var_3D_avg | glcm_JointEntropy cm_joint_entr_3D_avg
glcm_DifferenceAverage cm_diff_avg_3D_avg | glcm_DifferenceVariance cm_diff_var_3D_avg
glcm_DifferenceEntropy cm_diff_entr_3D_avg | glcm_SumAverage cm_sum_avg_3D_avg
glcm_SumEntropy cm_sum_entr_3D_avg | glcm_JointEnergy cm_energy_3D_avg
glcm_Contrast cm_contrast_3D_avg | glcm_Id cm_inv_diff_3D_avg
glcm_Idn cm_inv_diff_norm_3D_avg | glcm_Idm cm_inv_diff_mom_3D_avg
glcm_Idmn cm_inv_diff_mom_norm_3D_avg | glcm_InverseVariance cm_inv_var_3D_avg
glcm_Correlation cm_corr_3D_avg | glcm_Autocorrelation cm_auto_corr_3D_avg
glcm_ClusterTendency cm_clust_tend_3D_avg | glcm_ClusterShade cm_clust_shade_3D_avg
glcm_ClusterProminence cm_clust_prom_3D_avg | glcm_Imc1 cm_info_corr1_3D_avg
glcm_Imc2 cm_info_corr2_3D_avg
glrlm_ShortRunEmphasis rlm_sre_3D_avg | glrlm_LongRunEmphasis rlm_lre_3D_avg
glrlm_LowGrayLevelRunEmphasis rlm_lgre_3D_avg | glrlm_HighGrayLevelRunEmphasis rlm_hgre_3D_avg
glrlm_ShortRunLowGrayLevelEmphasis rlm_srlge_3D_avg
glrlm_ShortRunHighGrayLevelEmphasis rlm_srhge_3D_avg
glrlm_LongRunLowGrayLevelEmphasis rlm_lrlge_3D_avg
glrlm_LongRunHighGrayLevelEmphasis rlm_lrhge_3D_avg
glrlm_GrayLevelNonUniformity rlm_glnu_3D_avg
glrlm_GrayLevelNonUniformityNormalized rlm_glnu_norm_3D_avg
glrlm_RunLengthNonUniformity rlm_rlnu_3D_avg
glrlm_RunLengthNonUniformityNormalized rlm_rlnu_norm_3D_avg
glrlm_RunPercentage rlm_r_perc_3D_avg | glrlm_GrayLevelVariance rlm_gl_var_3D_avg
glrlm_RunVariance rlm_rl_var_3D_avg | glrlm_RunEntropy rlm_rl_entr_3D_avg
glszm_SmallAreaEmphasis szm_sze_3D | glszm_LargeAreaEmphasis szm_lze_3D
glszm_LowGrayLevelZoneEmphasis szm_lgze_3D | glszm_HighGrayLevelZoneEmphasis szm_hgze_3D
glszm_SmallAreaLowGrayLevelEmphasis szm_szlge_3D
glszm_SmallAreaHighGrayLevelEmphasis szm_szhge_3D
glszm_LargeAreaLowGrayLevelEmphasis szm_lzlge_3D
glszm_LargeAreaHighGrayLevelEmphasis szm_lzhge_3D
glszm_GrayLevelNonUniformity szm_glnu_3D | glszm_SizeZoneNonUniformity szm_zsnu_3D
glszm_GrayLevelNonUniformityNormalized szm_glnu_norm_3D
glszm_SizeZoneNonUniformityNormalized szm_zsnu_norm_3D
glszm_ZonePercentage szm_z_perc_3D | glszm_GrayLevelVariance szm_gl_var_3D
glszm_ZoneVariance szm_zs_var_3D | glszm_ZoneEntropy szm_zs_entr_3D
ngtdm_Coarseness ngt_coarseness_3D | ngtdm_Contrast ngt_contrast_3D
ngtdm_Busyness ngt_busyness_3D | ngtdm_Complexity ngt_complexity_3D
ngtdm_Strength ngt_strength_3D
gldm_SmallDependenceEmphasis ngl_lde_3D | gldm_LargeDependenceEmphasis ngl_hde_3D
gldm_LowGrayLevelEmphasis ngl_lgce_3D | gldm_HighGrayLevelEmphasis ngl_hgce_3D
gldm_SmallDependenceLowGrayLevelEmphasis ngl_ldlge_3D
gldm_SmallDependenceHighGrayLevelEmphasis ngl_ldhge_3D
gldm_LargeDependenceLowGrayLevelEmphasis ngl_hdlge_3D
gldm_LargeDependenceHighGrayLevelEmphasis ngl_hdhge_3D
gldm_GrayLevelNonUniformity ngl_glnu_3D | gldm_DependenceNonUniformity ngl_dcnu_3D
gldm_DependenceNonUniformityNormalized ngl_dcnu_norm_3D
gldm_GrayLevelVariance ngl_gl_var_3D | gldm_DependenceVariance ngl_dc_var_3D
gldm_DependenceEntropy ngl_dc_entr_3D
"""
IBSI_TAGS = dict(pair.split() for line in _IBSI.strip().split("\n") for pair in line.split(" | "))
# Same definition but for a known rule, or none in IBSI.
_KURTOSIS = "pyradiomics does not subtract 3"
_AXES = "pyradiomics divides the covariance by N, IBSI's reference by N - 1"
_NO_TAG = "IBSI has no such feature"
NOT_COMPARABLE = {
    "firstorder_Kurtosis": _KURTOSIS,
    **{f"shape_{axis}AxisLength": _AXES for axis in ("Major", "Minor", "Least")},
    "firstorder_TotalEnergy": _NO_TAG,
    "glcm_MCC": _NO_TAG,
    **{f"shape_Maximum2DDiameter{plane}": _NO_TAG for plane in ("Slice", "Row", "Column")},
}
SHAPE_2D = "of the lesion's largest axial slice; IBSI defines shape in 3-D alone"
_UNITS = {
    "firstorder": {
        "HU": "10Percentile 90Percentile InterquartileRange Maximum Mean MeanAbsoluteDeviation "
        "Median Minimum Range RobustMeanAbsoluteDeviation RootMeanSquared",
        "HU²": "Energy Variance",
        "HU² mm³": "TotalEnergy",
        "bit": "Entropy",
    },
    "shape": {
        "mm": "LeastAxisLength MajorAxisLength MinorAxisLength Maximum2DDiameterColumn "
        "Maximum2DDiameterRow Maximum2DDiameterSlice Maximum3DDiameter",
        "mm²": "SurfaceArea",
        "mm³": "MeshVolume VoxelVolume",
        "1/mm": "SurfaceVolumeRatio",
    },
    "shape2D": {
        "mm": "MajorAxisLength MinorAxisLength MaximumDiameter Perimeter",
        "mm²": "MeshSurface PixelSurface",
        "1/mm": "PerimeterSurfaceRatio",
    },
}


def dictionary(sets: Iterable[FeatureSet]) -> Iterator[dict[str, str]]:
    """One row (`COLUMNS`) for each column of the features table that radiomics fills."""
    for chosen in sets:
        for image in chosen.images:
            for column in chosen.columns:
                if column.startswith(f"{image}_"):
                    yield _row(chosen, image, column)


def _row(chosen: FeatureSet, image: str, column: str) -> dict[str, str]:
    name, feature = column.removeprefix(f"{image}_").split("_")
    reason = _why_not(chosen, name, feature)
    return {
        "feature": column,
        "set": chosen.name,
        "region": chosen.region,
        "image": _image(chosen, image),
        "class": name,
        "name": feature,
        "meaning": meaning(name, feature),
        "unit": unit(name, feature) if chosen.filter is None else unit(name, feature, "response"),
        "ibsi_tag": IBSI_TAGS.get(f"{name}_{feature}", ""),
        "comparable": "no" if reason else "yes",
        "why_not": reason,
    }


def _image(chosen: FeatureSet, image: str) -> str:
    grey = {
        None: "CT",
        "log": f"Laplacian of Gaussian, {image.removeprefix(chosen.name + '-')}",
        "wavelet": f"{chosen.wavelet} wavelet, {image.rpartition('-')[2]}",
    }[chosen.filter]
    return f"{grey}, voxels shuffled" if chosen.shuffle else grey


def _why_not(chosen: FeatureSet, name: str, feature: str) -> str:
    if chosen.shuffle and not name.startswith("shape"):
        return "a control: the voxels are shuffled"
    if chosen.filter:
        return "pyradiomics' filters are not those of IBSI's second chapter"
    if chosen.settings["normalize"] and not name.startswith("shape"):
        return "grey values are normalised"
    if name == "shape2D":
        return SHAPE_2D
    key = f"{name}_{feature}"
    return NOT_COMPARABLE.get(key, "" if key in IBSI_TAGS else _NO_TAG)


def unit(name: str, feature: str, grey: str = "HU") -> str:
    """The unit of a feature whose image has the unit `grey`; "1" where it has none."""
    for found, features in _UNITS.get(name, {}).items():
        if feature in features.split():
            return found.replace("HU", grey)
    return "1"


def meaning(name: str, feature: str) -> str:
    """A feature's title and, where it says so in plain words, pyradiomics' explanation."""
    text = getattr(feature_classes[name], f"get{feature}FeatureValue").__doc__
    title, *parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
    title = re.sub(r"^\*\*\d+\.\s*|\*\*$", "", title)
    for part in parts:
        first = part.split(". ")[0].rstrip(".")
        if re.match(r"[A-Z]", first) and not re.match(
            r"Here|Where|Note|However|The principal|.*([\\=`]|:math)", first
        ):
            return f"{title}: {first}"
    return title
