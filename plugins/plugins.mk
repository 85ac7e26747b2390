# One line a plugin; deleting its folder and its line removes it.
