libfairlead_la_SOURCES += %D%/evaluate-room.h %D%/view.c %D%/evaluate.c %D%/validation.c \
	%D%/rerank.c %D%/outcome.c
