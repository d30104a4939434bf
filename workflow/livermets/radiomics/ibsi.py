"""Every tag of the IBSI reference values (Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145):
which pyradiomics feature gives its number, or why none does.

`python -m livermets.radiomics.ibsi` prints the table, in workflow/.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("tag", "feature", "settings", "comparable", "why_not")

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

_PLAIN = """
morph_ volume vol_approx area_mesh av comp_1 comp_2 sph_dispr sphericity asphericity com diam
 pca_maj_axis pca_min_axis pca_least_axis pca_elongation pca_flatness vol_dens_aabb area_dens_aabb
 vol_dens_ombb area_dens_ombb vol_dens_aee area_dens_aee vol_dens_mvee area_dens_mvee
 vol_dens_conv_hull area_dens_conv_hull integ_int moran_i geary_c
loc_ peak_loc peak_glob
stat_ mean var skew kurt median min p10 p90 max iqr range mad rmad medad cov qcod energy rms
ih_ mean var skew kurt median min p10 p90 max mode iqr range mad rmad medad cov qcod entropy
 uniformity max_grad max_grad_g min_grad min_grad_g
ivh_ v10 v90 i10 i90 diff_v10_v90 diff_i10_i90 auc
"""
_TEXTURES = """
cm_ joint_max joint_avg joint_var joint_entr diff_avg diff_var diff_entr sum_avg sum_var sum_entr
 energy contrast dissimilarity inv_diff inv_diff_norm inv_diff_mom inv_diff_mom_norm inv_var corr
 auto_corr clust_tend clust_shade clust_prom info_corr1 info_corr2
rlm_ sre lre lgre hgre srlge srhge lrlge lrhge glnu glnu_norm rlnu rlnu_norm r_perc gl_var rl_var
 rl_entr
szm_ sze lze lgze hgze szlge szhge lzlge lzhge glnu glnu_norm zsnu zsnu_norm z_perc gl_var zs_var
 zs_entr
dzm_ sde lde lgze hgze sdlge sdhge ldlge ldhge glnu glnu_norm zdnu zdnu_norm z_perc gl_var zd_var
 zd_entr
ngt_ coarseness contrast busyness complexity strength
ngl_ lde hde lgce hgce ldlge ldhge hdlge hdhge glnu glnu_norm dcnu dcnu_norm dc_perc gl_var dc_var
 dc_entr dc_energy
"""
_DIRECTIONS = ("2D_avg", "2D_comb", "2_5D_avg", "2_5D_comb", "3D_avg", "3D_comb")
_VOLUMES = ("2D", "2_5D", "3D")

# What pyradiomics calls the ways of making a matrix from slices and directions.
_FLAT, _MERGED = {"force2D": True}, {"weightingNorm": "no_weighting"}
_WAYS = {
    "_2_5D_avg": _FLAT,
    "_2_5D_comb": _FLAT | _MERGED,
    "_2_5D": _FLAT,
    "_3D_avg": {},
    "_3D_comb": _MERGED,
    "_3D": {},
}
_SAME_AS = {
    **dict.fromkeys(
        ("morph_comp_1", "morph_comp_2", "morph_sph_dispr", "morph_asphericity"), "Sphericity"
    ),
    "cm_dissimilarity": "DifferenceAverage",
    "cm_sum_var": "ClusterTendency",
    "ngl_glnu_norm": "firstorder_Uniformity",
}


def tags() -> list[str]:
    """The 487 tags of the reference values, in their order."""
    found = [f"{prefix}{name}" for prefix, names in _families(_PLAIN) for name in names]
    for prefix, names in _families(_TEXTURES):
        ways = _DIRECTIONS if prefix in ("cm_", "rlm_") else _VOLUMES
        found += [f"{prefix}{name}_{way}" for way in ways for name in names]
    return found


def _families(text: str) -> Iterator[tuple[str, list[str]]]:
    for family in text.strip().replace("\n ", " ").split("\n"):
        prefix, *names = family.split()
        yield prefix, names


def tag_of(feature: str, settings: Mapping[str, Any]) -> str:
    """The tag of `{class}_{Feature}` as these settings of pyradiomics measure it; "" for none."""
    tag = IBSI_TAGS.get(feature, "")
    if settings.get("force2D"):
        tag = tag.replace("_3D", "_2_5D")
    if settings.get("weightingNorm"):
        tag = tag.replace("D_avg", "D_comb")
    return tag


def difference(feature: str, settings: Mapping[str, Any]) -> str:
    """Why `{class}_{Feature}` under these settings differs from its tag; "" where it does not."""
    kind = feature.partition("_")[0]
    if kind in ("glcm", "ngtdm", "gldm") and settings.get("distances", [1]) != [1]:
        return "neighbours are not those at one voxel's distance"
    if kind in ("glcm", "glrlm") and settings.get("weightingNorm") not in (None, "no_weighting"):
        return "directions have different weights"
    if kind == "glcm" and not settings.get("symmetricalGLCM", True):
        return "the matrix is not symmetrical"
    if kind == "gldm" and settings.get("gldm_a", 0) != 0:
        return "grey levels that differ count as dependent"
    return NOT_COMPARABLE.get(feature, "" if feature in IBSI_TAGS else _NO_TAG)


def table() -> Iterator[dict[str, str]]:
    """One row (`COLUMNS`) a tag: pyradiomics' feature of this definition and the settings it takes
    beside a suitable bin width, or the reason why there is none.
    """
    known = {
        tag_of(feature, settings): (feature, settings)
        for settings in _WAYS.values()
        for feature in IBSI_TAGS
    }
    known |= {tag: (feature, {}) for feature, tag in IBSI_TAGS.items()}
    for tag in tags():
        feature, settings = known.get(tag, ("", {}))
        reason = difference(feature, settings) if feature else _why_not(tag)
        yield {
            "tag": tag,
            "feature": feature,
            "settings": json.dumps(settings)[1:-1].replace('"', ""),
            "comparable": "no" if reason else "yes",
            "why_not": reason,
        }


def _why_not(tag: str) -> str:
    """Why no feature of pyradiomics has this tag."""
    without = {
        "dzm_": "distance zones",
        "ivh_": "intensity-volume histogram",
        "loc_": "local intensity peaks",
    }
    for prefix, what in without.items():
        if tag.startswith(prefix):
            return f"pyradiomics has no {what}"
    if "_dens_" in tag:
        return "pyradiomics has no bounding or enclosing bodies"
    if tag.endswith(("_2D", "_2D_avg", "_2D_comb")):
        return "pyradiomics has no matrices of single slices"
    if tag.startswith("ih_") and f"stat_{tag[3:]}" in IBSI_TAGS.values():
        return "pyradiomics takes it from the intensities (stat_), not from their bins"
    plain = next((tag.removesuffix(way) for way in _WAYS if tag.endswith(way)), tag)
    if plain in _SAME_AS:
        return f"pyradiomics left it out, as {_SAME_AS[plain]} says the same"
    return "pyradiomics has no such feature"


if __name__ == "__main__":
    out = csv.DictWriter(sys.stdout, COLUMNS, delimiter="\t", lineterminator="\n")
    out.writeheader()
    out.writerows(table())
