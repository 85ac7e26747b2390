libfairlead_la_SOURCES += %D%/run-room.h
libfairlead_la_SOURCES += %D%/view.c %D%/evaluate.c
libfairlead_la_SOURCES += %D%/run.c %D%/outcome.c
