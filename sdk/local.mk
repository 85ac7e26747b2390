pkgincludedir = $(includedir)/fairlead
pkginclude_HEADERS = %D%/fairlead/base.h %D%/fairlead/data.h %D%/fairlead/groups.h %D%/fairlead/layers.h %D%/fairlead/linalg.h \
	%D%/fairlead/mitigator.h %D%/fairlead/model.h %D%/fairlead/objective.h %D%/fairlead/params.h \
	%D%/fairlead/plugin.h %D%/fairlead/random.h %D%/fairlead/run.h %D%/fairlead/source.h \
	%D%/fairlead/train.h %D%/fairlead/view.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/fairlead.pc
