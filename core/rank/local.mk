libfairlead_la_SOURCES += %D%/rank-room.h %D%/lists.c %D%/lists-real.inc
