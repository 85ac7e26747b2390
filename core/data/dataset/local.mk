libfairlead_la_SOURCES += %D%/dataset-room.h %D%/dataset-parts.h %D%/dataset.c %D%/finish.c \
	%D%/load.c %D%/cache.c %D%/cache-load.c %D%/info.c %D%/export.c %D%/membership.c
