fairlead_SOURCES += %D%/cli.h %D%/main.c %D%/fail.c %D%/guard.h %D%/guard.c %D%/gate.h %D%/gate.c
fairlead_SOURCES += %D%/inspect.h %D%/inspect.c %D%/inspect-words.c %D%/inspect-text.c %D%/inspect-json.c %D%/inspect-man.c
fairlead_SOURCES += %D%/check.c %D%/cells.c %D%/cells.h
fairlead_SOURCES += %D%/run.c %D%/meter.h %D%/meter.c %D%/runs.c %D%/show.h %D%/show.c %D%/worker.c
fairlead_SOURCES += %D%/table.h %D%/table.c %D%/data.h %D%/data.c %D%/data-what.c %D%/data-info.c %D%/data-json.c \
	%D%/data-import.c %D%/data-export.c
