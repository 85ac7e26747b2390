libfairlead_la_SOURCES += %D%/data-room.h
