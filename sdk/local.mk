pkgincludedir = $(includedir)/fairlead
pkginclude_HEADERS = %D%/fairlead/base.h %D%/fairlead/data.h %D%/fairlead/linalg.h \
	%D%/fairlead/plugin.h %D%/fairlead/random.h %D%/fairlead/train.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/fairlead.pc
