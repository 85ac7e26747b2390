/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* checkpoint.c: pieces of memory in a file, all or nothing.
 *
 *   "FLCHECK1", number of pieces, what they are (hash of names and sizes),
 *   the pieces, hash of all before (XXH3, 64 bits)
 *
 * Numbers are the machine's own: a file is read by the machine that wrote it, and a
 * foreign one does not match.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include <glib/gstdio.h>

#include "core/train/train-room.h"

typedef struct
{
  char magic[8];
  uint64_t n_pieces, layout;
} Head;

/* The instruction set too: another one goes on with other digits. */
static Head
make_head (const GArray *pieces)
{
  Head head = { .n_pieces = pieces->len };
  g_autoptr (GString) text = g_string_new (fl_isa_name ());

  memcpy (head.magic, "FLCHECK1", sizeof head.magic);
  for (guint i = 0; i < pieces->len; i++)
    {
      const FlPiece *piece = &g_array_index (pieces, FlPiece, i);

      g_string_append_printf (text, "\n%s %" G_GSIZE_FORMAT, piece->name, piece->size);
    }
  head.layout = XXH3_64bits (text->str, text->len);
  return head;
}

static gboolean
put (FILE *out, XXH3_state_t *hash, gconstpointer data, size_t size)
{
  if (size == 0)
    return TRUE; /* and perhaps no memory */
  XXH3_64bits_update (hash, data, size);
  return fwrite (data, 1, size, out) == size;
}

static gboolean
put_all (FILE *out, const GArray *pieces)
{
  XXH3_state_t *hash = XXH3_createState ();
  Head head = make_head (pieces);
  uint64_t sum;
  gboolean ok;

  XXH3_64bits_reset (hash);
  ok = put (out, hash, &head, sizeof head);
  for (guint i = 0; ok && i < pieces->len; i++)
    {
      const FlPiece *piece = &g_array_index (pieces, FlPiece, i);

      ok = put (out, hash, piece->data, piece->size);
    }
  sum = XXH3_64bits_digest (hash);
  XXH3_freeState (hash);
  return ok && fwrite (&sum, sizeof sum, 1, out) == 1;
}

/* Under another name until it is whole. */
gboolean
fl_checkpoint_save (const char *path, const GArray *pieces, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *temporary = g_strconcat (path, ".XXXXXX", NULL);
  int fd = g_mkdir_with_parents (folder, 0777) == 0 ? g_mkstemp_full (temporary, O_RDWR, 0666) : -1;
  FILE *out = fd >= 0 ? fdopen (fd, "wb") : NULL;
  gboolean ok = out != NULL && put_all (out, pieces);

  if (out != NULL)
    ok = fclose (out) == 0 && ok;
  else if (fd >= 0)
    close (fd);
  if (ok && g_rename (temporary, path) == 0)
    return TRUE;
  fl_fail (error, FL_ERROR_SYSTEM, "%s: %s", path, g_strerror (errno));
  if (fd >= 0)
    g_unlink (temporary);
  return FALSE;
}

static gboolean
is_whole (const char *text, size_t length, const GArray *pieces, GError **error)
{
  Head head = make_head (pieces), found;
  size_t size = sizeof head + sizeof (uint64_t);
  uint64_t sum;

  for (guint i = 0; i < pieces->len; i++)
    size += g_array_index (pieces, FlPiece, i).size;
  if (length < sizeof head || memcmp (text, head.magic, sizeof head.magic) != 0)
    return fl_fail (error, FL_ERROR_DATA, "is no checkpoint");
  memcpy (&found, text, sizeof found);
  if (found.n_pieces != head.n_pieces || found.layout != head.layout)
    return fl_fail (error, FL_ERROR_DATA, "is of another training");
  if (length != size)
    return fl_fail (error, FL_ERROR_DATA, "has %zu bytes, not %zu", length, size);
  memcpy (&sum, text + size - sizeof sum, sizeof sum);
  return XXH3_64bits (text, size - sizeof sum) == sum
         || fl_fail (error, FL_ERROR_DATA, "is damaged");
}

gboolean
fl_checkpoint_load (const char *path, const GArray *pieces, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  const char *at;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return FALSE;
  file = g_mapped_file_new (path, FALSE, error);
  if (file == NULL)
    return FALSE;
  at = g_mapped_file_get_contents (file);
  if (!is_whole (at, g_mapped_file_get_length (file), pieces, error))
    return FALSE;
  at += sizeof (Head);
  for (guint i = 0; i < pieces->len; i++)
    {
      const FlPiece *piece = &g_array_index (pieces, FlPiece, i);

      if (piece->size > 0)
        memcpy (piece->data, at, piece->size);
      at += piece->size;
    }
  return TRUE;
}
