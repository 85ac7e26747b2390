libfairlead_la_SOURCES += %D%/rank-room.h %D%/lists.c
