# One line a plugin; deleting its folder and its line removes it.
include plugins/objectives/rating-error/local.mk
