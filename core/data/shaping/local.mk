libfairlead_la_SOURCES += %D%/shaping-room.h %D%/shaping-parts.h %D%/keys.c %D%/filter-text.c \
	%D%/filter.c %D%/grouping.c %D%/groups.c %D%/split-parts.c %D%/judge.c %D%/split.c %D%/split-dataset.c \
	%D%/audit.c
