plugin_LTLIBRARIES += %D%/restaurant.la
%C%_restaurant_la_SOURCES = %D%/restaurant.c
nodist_%C%_restaurant_la_SOURCES = %D%/restaurant-data.h
%C%_restaurant_la_CPPFLAGS = $(AM_CPPFLAGS) -I%D%
%C%_restaurant_la_LDFLAGS = $(PLUGIN_LDFLAGS)
%C%_restaurant_la_LIBADD = $(PLUGIN_LIBS)
restaurant_tables = %D%/ratings.tsv %D%/users.tsv %D%/items.tsv
EXTRA_DIST += %D%/restaurant.md %D%/embed.awk $(restaurant_tables)
# The data's licence asks for credit wherever the data go.
restaurantdocdir = $(docdir)/restaurant
dist_restaurantdoc_DATA = %D%/LICENSE %D%/PROVENANCE.md
BUILT_SOURCES += %D%/restaurant-data.h
# Named by a variable, or Automake takes this for the whole rule.
restaurant_object = %D%/restaurant_la-restaurant.lo
$(restaurant_object): %D%/restaurant-data.h
CLEANFILES += %D%/restaurant-data.h
%D%/restaurant-data.h: %D%/embed.awk $(restaurant_tables)
	$(AM_V_GEN)mkdir -p %D% && (cd $(srcdir) && LC_ALL=C $(AWK) -f %D%/embed.awk \
	  $(restaurant_tables)) > $@.tmp && mv $@.tmp $@
