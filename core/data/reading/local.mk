libfairlead_la_SOURCES += %D%/reading-room.h %D%/reading-parts.h %D%/text-file.c %D%/cut.c \
	%D%/columns.c %D%/bad-lines.c %D%/table.c %D%/ratings-file.c %D%/time.c %D%/builder.c
