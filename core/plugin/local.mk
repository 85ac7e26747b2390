libfairlead_la_SOURCES += %D%/plugin-room.h %D%/hash.c %D%/kinds.c %D%/settings.c %D%/params.h %D%/params.c \
	%D%/descriptor.c %D%/load.h %D%/load.c %D%/search.c %D%/probe.c %D%/registry.c \
	%D%/door.h %D%/door.c %D%/door-mitigator.c %D%/door-model.c %D%/door-training.c %D%/instance.c %D%/run.c
