libfairlead_la_SOURCES += %D%/descriptor.c %D%/door.h %D%/door.c %D%/door-mitigator.c \
	%D%/door-model.c %D%/instance.c %D%/load.h %D%/params.c \
	%D%/plugin-room.h %D%/probe.c %D%/kinds.c %D%/registry.c %D%/run.c
