plugin_LTLIBRARIES += %D%/polarization.la
%C%_polarization_la_SOURCES = %D%/polarization.c
%C%_polarization_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_polarization_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/polarization.md
