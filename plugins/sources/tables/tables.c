/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tables: sources that read text files of one's own. */
#include "tables.h"

FL_PLUGINS (&tables_tsv, &tables_lists, &tables_recbole);
