plugin_LTLIBRARIES += %D%/exposure.la
%C%_exposure_la_SOURCES = %D%/exposure.c
%C%_exposure_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_exposure_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/exposure.json %D%/exposure-kl.md %D%/calibration-kl.md
