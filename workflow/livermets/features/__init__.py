"""The features table: one row a lesion, from our own radiomics or from a user's file.

In: the radiomics of each patient, or the table named in `features:`. Out:
`results/features.parquet`.
Front doors: `features_table.assemble_features`, `user_table.read_features`.
May not import imaging or radiomics: it joins tables, it measures nothing.
"""
