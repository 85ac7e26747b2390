libfairlead_la_SOURCES += %D%/run-room.h %D%/cell.c %D%/execution.h %D%/execution.c %D%/recommend.c \
	%D%/trained.h %D%/trained.c %D%/cell-audit.c %D%/cell-data.c %D%/artefact.c %D%/rounds.c \
	%D%/worker.h %D%/worker.c %D%/worker-spawn.c %D%/plan.h %D%/plan.c %D%/schedule.h \
	%D%/schedule.c %D%/tune.c %D%/crew.c
