/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* hash.c: what a file holds, as a name for it. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/plugin/plugin-room.h"

#define BUFFER (1 << 18)

char *
fl_hash_file (const char *path, GError **error)
{
  XXH3_state_t *state = XXH3_createState ();
  g_autofree guchar *buffer = g_malloc (BUFFER);
  int file = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  XXH128_hash_t hash;
  ssize_t n = -1;

  XXH3_128bits_reset (state);
  if (file >= 0)
    while ((n = read (file, buffer, BUFFER)) > 0 || (n < 0 && errno == EINTR))
      if (n > 0)
        XXH3_128bits_update (state, buffer, (size_t) n);
  if (n < 0)
    fl_fail (error, FL_ERROR_DATA, "cannot read %s: %s", path, g_strerror (errno));
  if (file >= 0)
    close (file);
  hash = XXH3_128bits_digest (state);
  XXH3_freeState (state);
  return n != 0 ? NULL : g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x",
                                          (guint64) hash.high64, (guint64) hash.low64);
}
