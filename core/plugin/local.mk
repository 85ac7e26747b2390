libfairlead_la_SOURCES += %D%/plugin-room.h
