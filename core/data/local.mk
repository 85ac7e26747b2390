# In the order in which data flow.
include core/data/rows/local.mk
include core/data/reading/local.mk
include core/data/dataset/local.mk
include core/data/shaping/local.mk
