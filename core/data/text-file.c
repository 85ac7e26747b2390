/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* text-file.c: a file of text in blocks of whole lines. */
#include "config.h"

#include "core/data/data-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No table has such lines; a file that does is no table. */
#define LINE_LENGTH_MAX (16 << 20)
#define BLOCK_SIZE ((size_t) 1 << 20)

/* ---- bytes --------------------------------------------------------------- */

static int
open_file (const char *path, GError **error)
{
  struct stat status;
  int file = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (file < 0 || fstat (file, &status) != 0)
    fl_fail (error, FL_ERROR_DATA, "cannot open %s: %s", path, g_strerror (errno));
  else if (S_ISDIR (status.st_mode))
    fl_fail (error, FL_ERROR_DATA, "%s is a folder: expected a file", path);
  else if (!S_ISREG (status.st_mode))
    fl_fail (error, FL_ERROR_DATA, "%s is not a regular file", path);
  else
    return file;
  if (file >= 0)
    close (file);
  return -1;
}

/* Reads `size` bytes, fewer only where the file ends. */
static gboolean
read_bytes (const FlLines *lines, char *to, size_t size, size_t *n_read, GError **error)
{
  *n_read = 0;
  while (*n_read < size)
    {
      ssize_t n = read (lines->file, to + *n_read, size - *n_read);

      if (n == 0)
        return TRUE;
      if (n > 0)
        *n_read += (size_t) n;
      else if (errno != EINTR)
        return fl_fail (error, FL_ERROR_DATA, "cannot read %s: %s", lines->path,
                        g_strerror (errno));
    }
  return TRUE;
}

/* ---- lines --------------------------------------------------------------- */

gboolean
fl_lines_open (FlLines *lines, const char *path, size_t block_size, GError **error)
{
  *lines = (FlLines) { .path = path, .file = open_file (path, error), .begin = TRUE,
                       .block_size = block_size > 0 ? block_size : BLOCK_SIZE };
  return lines->file >= 0;
}

void
fl_lines_close (FlLines *lines)
{
  close (lines->file);
  g_free (lines->rest);
}

/* The bytes of a mark that says how text is encoded. */
gboolean
fl_text_begin (const char *name, FlSpan *text, GError **error)
{
  if (text->length >= 2
      && (memcmp (text->text, "\xFF\xFE", 2) == 0 || memcmp (text->text, "\xFE\xFF", 2) == 0))
    return fl_fail (error, FL_ERROR_DATA, "%s: the text is UTF-16: expected UTF-8 (iconv -f UTF-16 "
                    "-t UTF-8 converts it)", name);
  if (text->length >= 3 && memcmp (text->text, "\xEF\xBB\xBF", 3) == 0)
    *text = (FlSpan) { text->text + 3, text->length - 3 };
  return TRUE;
}

/* Cuts the n bytes read behind the last end of a line and keeps the rest. */
static gboolean
keep_rest (FlLines *lines, FlBlock *block, size_t n)
{
  const char *stop = lines->end ? block->memory + n : memrchr (block->memory, '\n', n);

  if (stop == NULL)
    return FALSE;
  stop += !lines->end;
  block->text = (FlSpan) { block->memory, (size_t) (stop - block->memory) };
  lines->n_rest = n - block->text.length;
  if (lines->n_rest > lines->rest_size)
    {
      lines->rest_size = lines->n_rest;
      lines->rest = g_realloc (lines->rest, lines->rest_size);
    }
  if (lines->n_rest > 0)
    memcpy (lines->rest, stop, lines->n_rest);
  return TRUE;
}

gboolean
fl_lines_read (FlLines *lines, FlBlock *block, GError **error)
{
  size_t n = lines->n_rest, more = 0;

  do
    {
      if (n > LINE_LENGTH_MAX)
        return fl_fail (error, FL_ERROR_DATA, "%s: a line is longer than %d bytes", lines->path,
                        LINE_LENGTH_MAX);
      if (n + lines->block_size > block->size)
        {
          block->size = n + lines->block_size;
          block->memory = g_realloc (block->memory, block->size);
        }
      if (more == 0 && n > 0)
        memcpy (block->memory, lines->rest, n);
      if (!read_bytes (lines, block->memory + n, lines->block_size, &more, error))
        return FALSE;
      lines->end = more < lines->block_size;
      n += more;
    }
  while (!keep_rest (lines, block, n));
  if (!lines->begin)
    return TRUE;
  lines->begin = FALSE;
  return fl_text_begin (lines->path, &block->text, error);
}
