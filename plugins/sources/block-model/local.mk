plugin_LTLIBRARIES += %D%/block-model.la
%C%_block_model_la_SOURCES = %D%/block-model.c
%C%_block_model_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_block_model_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/block-model.md
