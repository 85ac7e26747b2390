pkgincludedir = $(includedir)/fairlead
pkginclude_HEADERS = %D%/fairlead/base.h %D%/fairlead/data.h %D%/fairlead/linalg.h \
	%D%/fairlead/plugin.h %D%/fairlead/random.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/fairlead.pc
