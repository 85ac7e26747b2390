# One line a plugin; deleting its folder and its line removes it.
include plugins/objectives/rating-error/local.mk
include plugins/sources/biased-factors/local.mk
include plugins/sources/block-model/local.mk
include plugins/sources/lastfm-360k/local.mk
include plugins/sources/movielens/local.mk
include plugins/sources/restaurant/local.mk
include plugins/sources/tables/local.mk
include plugins/objectives/individual/local.mk
include plugins/objectives/group/local.mk
include plugins/objectives/unfairness/local.mk
include plugins/objectives/polarization/local.mk
include plugins/models/als-mf/local.mk
include plugins/models/gccf/local.mk
include plugins/models/ncf/local.mk
include plugins/mitigators/antidote/local.mk
include plugins/mitigators/group-dro/local.mk
include plugins/mitigators/simulator/local.mk
