plugin_LTLIBRARIES += %D%/lastfm-360k.la
%C%_lastfm_360k_la_SOURCES = %D%/lastfm-360k.c
%C%_lastfm_360k_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_lastfm_360k_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/lastfm-360k.md
