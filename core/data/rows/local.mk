libfairlead_la_SOURCES += %D%/rows-room.h %D%/rows.c %D%/gather.c %D%/ratings.c %D%/csr.c %D%/names.c \
	%D%/triplets.c
