libfairlead_la_SOURCES += %D%/descriptor.c %D%/instance.c %D%/load.h %D%/params.c \
	%D%/plugin-room.h %D%/probe.c %D%/registry.c %D%/run.c
