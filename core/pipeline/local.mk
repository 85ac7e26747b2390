libfairlead_la_SOURCES += %D%/pipeline-room.h %D%/parts.h %D%/load.h %D%/pipeline.c %D%/conf.c \
	%D%/keys.c %D%/section.c %D%/override.c %D%/point.c %D%/tune.c %D%/cell.c %D%/canonical.c \
	%D%/source.c %D%/needs.c
