libfairlead_la_SOURCES += %D%/report-room.h %D%/json.c %D%/compare.c %D%/table.c %D%/plot.c
