libfairlead_la_SOURCES += %D%/store-room.h %D%/record.c %D%/store-sql.h %D%/store-sql.c \
	%D%/store.c %D%/store-read.c %D%/partial.c
