libfairlead_la_SOURCES += %D%/run-room.h
libfairlead_la_SOURCES += %D%/view.c %D%/evaluate.c %D%/rounds.c
libfairlead_la_SOURCES += %D%/run.c %D%/validation.c %D%/partial.c %D%/outcome.c %D%/artefact.c %D%/cell.c %D%/cell-audit.c %D%/cell-data.c
libfairlead_la_SOURCES += %D%/record.c %D%/store-sql.h %D%/store-sql.c %D%/store.c %D%/store-read.c
libfairlead_la_SOURCES += %D%/pipeline-parts.h %D%/pipeline-load.h %D%/pipeline.c \
	%D%/pipeline-conf.c %D%/pipeline-section.c %D%/pipeline-point.c %D%/pipeline-cell.c
libfairlead_la_SOURCES += %D%/worker.h %D%/worker.c %D%/worker-spawn.c %D%/schedule.c
