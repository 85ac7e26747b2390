fairlead_SOURCES += %D%/cli.h %D%/main.c
