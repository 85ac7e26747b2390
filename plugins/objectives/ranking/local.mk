plugin_LTLIBRARIES += %D%/ranking.la
%C%_ranking_la_SOURCES = %D%/ranking.c
%C%_ranking_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_ranking_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/ranking.json %D%/hr.md %D%/ndcg.md %D%/precision.md %D%/recall.md %D%/mrr.md
