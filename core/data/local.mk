libfairlead_la_SOURCES += %D%/export.c
libfairlead_la_SOURCES += %D%/data-room.h %D%/data-private.h %D%/builder.c %D%/cache.c %D%/cache-load.c \
	%D%/cut.c %D%/dataset.c %D%/filter.c %D%/grouping.c %D%/groups.c %D%/keys.c %D%/names.c \
	%D%/ratings-file.c %D%/rows.c %D%/split.c %D%/table.c %D%/text-file.c
libfairlead_la_SOURCES += %D%/builder-parts.h %D%/finish.c %D%/gather.c
libfairlead_la_SOURCES += %D%/info.c
libfairlead_la_SOURCES += %D%/audit.c %D%/filter-text.c %D%/split-parts.c
libfairlead_la_SOURCES += %D%/columns.c %D%/csr.c
