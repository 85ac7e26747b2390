plugin_LTLIBRARIES += %D%/rating-error.la
%C%_rating_error_la_SOURCES = %D%/rating-error.c
%C%_rating_error_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_rating_error_la_LIBADD = $(PLUGIN_LIBS)
EXTRA_DIST += %D%/rmse.md %D%/mae.md
