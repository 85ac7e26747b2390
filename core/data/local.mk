libfairlead_la_SOURCES += %D%/data-room.h %D%/data-private.h %D%/keys.c %D%/builder.c %D%/dataset.c %D%/names.c \
	%D%/rows.c %D%/table.c
