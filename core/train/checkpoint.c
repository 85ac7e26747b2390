/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* checkpoint.c: pieces of memory in a file, all or nothing.
 *
 *   "FLCHECK1", number of pieces, what they are (hash of names and sizes),
 *   the pieces, hash of all before (XXH3, 64 bits)
 *
 * A gradient: its penalty, then of each block how many rows are listed, which, and
 * their numbers.
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

static size_t
row_bytes (const FlGradientBlock *block)
{
  return block->n_cols * (block->f64 != NULL ? sizeof (double) : sizeof (float));
}

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
      for (size_t b = 0; piece->gradient != NULL && b < piece->gradient->n_blocks; b++)
        g_string_append_printf (text, " %u x %" G_GSIZE_FORMAT, piece->gradient->block[b].n_rows,
                                row_bytes (&piece->gradient->block[b]));
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
put_gradient (FILE *out, XXH3_state_t *hash, const FlGradient *gradient)
{
  gboolean ok = put (out, hash, &gradient->penalty, sizeof gradient->penalty);

  for (size_t b = 0; ok && b < gradient->n_blocks; b++)
    {
      const FlGradientBlock *block = &gradient->block[b];

      ok = put (out, hash, &block->n_used, sizeof block->n_used)
           && put (out, hash, block->row, block->n_used * sizeof *block->row)
           && put (out, hash, fl_gradient_place (block, 0), block->n_used * row_bytes (block));
    }
  return ok;
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

      ok = piece->gradient != NULL ? put_gradient (out, hash, piece->gradient)
                                   : put (out, hash, piece->data, piece->size);
    }
  sum = XXH3_64bits_digest (hash);
  XXH3_freeState (hash);
  return ok && fwrite (&sum, sizeof sum, 1, out) == 1;
}

/* Another process may remove the folder, when it is empty, before the file is in it. */
static int
open_temporary (const char *folder, char *temporary)
{
  int fd = -1;

  for (int tries = 0; fd < 0 && tries < 10; tries++)
    {
      memcpy (temporary + strlen (temporary) - 6, "XXXXXX", 6);
      if (g_mkdir_with_parents (folder, 0777) == 0)
        fd = g_mkstemp_full (temporary, O_RDWR, 0666);
      if (fd < 0 && errno != ENOENT)
        break;
    }
  return fd;
}

/* Under another name until it is whole. */
gboolean
fl_checkpoint_save (const char *path, const GArray *pieces, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *temporary = g_strconcat (path, ".XXXXXX", NULL);
  int fd = open_temporary (folder, temporary);
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

/* Bytes of a piece that begins at `text`; FALSE where it is not in `left` bytes. */
static gboolean
measure_piece (const FlPiece *piece, const char *text, size_t left, size_t *size)
{
  size_t at = sizeof piece->gradient->penalty;

  *size = piece->gradient != NULL ? at : piece->size;
  for (size_t b = 0; piece->gradient != NULL && b < piece->gradient->n_blocks; b++)
    {
      const FlGradientBlock *block = &piece->gradient->block[b];
      uint32_t n = 0;

      if (at + sizeof n > left)
        return FALSE;
      memcpy (&n, text + at, sizeof n);
      if (n > block->n_rows)
        return FALSE;
      *size = at += sizeof n + n * (sizeof *block->row + row_bytes (block));
    }
  return *size <= left;
}

/* Bytes of all pieces in a file of `length`; what does not fit counts as one more. */
static size_t
measure_pieces (const char *text, size_t length, const GArray *pieces)
{
  size_t at = sizeof (Head);

  for (guint i = 0; i < pieces->len; i++)
    {
      const FlPiece *piece = &g_array_index (pieces, FlPiece, i);
      size_t size;

      if (!measure_piece (piece, text + at, length - at, &size))
        return length + 1;
      at += size;
    }
  return at + sizeof (uint64_t);
}

static gboolean
is_whole (const char *text, size_t length, const GArray *pieces, GError **error)
{
  Head head = make_head (pieces), found;
  size_t size;
  uint64_t sum;

  if (length < sizeof head || memcmp (text, head.magic, sizeof head.magic) != 0)
    return fl_fail (error, FL_ERROR_DATA, "is no checkpoint");
  memcpy (&found, text, sizeof found);
  if (found.n_pieces != head.n_pieces || found.layout != head.layout)
    return fl_fail (error, FL_ERROR_DATA, "is of another training");
  size = measure_pieces (text, length, pieces);
  if (length != size)
    return fl_fail (error, FL_ERROR_DATA, "has %zu bytes, not %zu", length, size);
  memcpy (&sum, text + size - sizeof sum, sizeof sum);
  return XXH3_64bits (text, size - sizeof sum) == sum
         || fl_fail (error, FL_ERROR_DATA, "is damaged");
}

/* Reads a gradient that is whole; FALSE where memory ends. */
static gboolean
get_gradient (FlGradient *gradient, const char *at, GError **error)
{
  fl_gradient_clear (gradient);
  memcpy (&gradient->penalty, at, sizeof gradient->penalty);
  at += sizeof gradient->penalty;
  for (size_t b = 0; b < gradient->n_blocks; b++)
    {
      FlGradientBlock *block = &gradient->block[b];
      uint32_t n, r;

      memcpy (&n, at, sizeof n);
      at += sizeof n;
      for (uint32_t k = 0; k < n; k++, at += sizeof r)
        {
          memcpy (&r, at, sizeof r);
          fl_gradient_list (block, r);
        }
      if (!fl_gradient_check (gradient, error))
        return FALSE;
      memcpy (fl_gradient_place (block, 0), at, n * row_bytes (block));
      at += n * row_bytes (block);
    }
  return TRUE;
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

      size_t size;

      measure_piece (piece, at, SIZE_MAX, &size);
      if (piece->gradient != NULL && !get_gradient (piece->gradient, at, error))
        return FALSE;
      if (piece->gradient == NULL && size > 0)
        memcpy (piece->data, at, size);
      at += size;
    }
  return TRUE;
}
