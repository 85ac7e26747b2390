libfairlead_la_SOURCES += %D%/run-room.h %D%/cell.c %D%/cell-audit.c %D%/cell-data.c %D%/artefact.c \
	%D%/rounds.c %D%/worker.h %D%/worker.c %D%/worker-spawn.c %D%/schedule.c
