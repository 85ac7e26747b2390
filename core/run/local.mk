libfairlead_la_SOURCES += %D%/run-room.h
