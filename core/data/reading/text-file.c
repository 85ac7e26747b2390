/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* text-file.c: a file of text, plain or compressed, in blocks of whole lines. */
#include "config.h"

#include "core/data/reading/reading-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

/* No table has such lines; a file that does is no table. */
#define LINE_LENGTH_MAX (16 << 20)
#define BLOCK_SIZE ((size_t) 1 << 20)
#define PACKED_SIZE ((size_t) 1 << 18) /* of a compressed file, read at once */

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
read_plain (const FlLines *lines, char *to, size_t size, size_t *n_read, GError **error)
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

/* ---- compressed bytes ---------------------------------------------------- */

/* A compressed file on the way.  A step uses some of the input and makes some of
 * the output; *ended: a stream of the file, which may hold several, is whole. */
struct FlUnpacker
{
  char input[PACKED_SIZE];
  size_t n, at;        /* bytes there; of which are used  */
  gboolean end;        /* there are no more               */
  gboolean within;     /* a stream has begun, not ended   */
  GConverter *gzip;    /* or NULL                         */
#ifdef HAVE_ZSTD
  ZSTD_DStream *zstd;
#endif
};

static gboolean
step_gzip (FlUnpacker *unpacker, char *to, size_t size, size_t *made, gboolean *ended,
           GError **error)
{
  gsize used = 0, written = 0;
  GError *reason = NULL;
  GConverterResult result
      = g_converter_convert (unpacker->gzip, unpacker->input + unpacker->at,
                             unpacker->n - unpacker->at, to, size, G_CONVERTER_NO_FLAGS, &used,
                             &written, &reason);

  *made = written;
  unpacker->at += used;
  *ended = result == G_CONVERTER_FINISHED;
  if (*ended)
    g_converter_reset (unpacker->gzip);
  if (reason == NULL || g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
    {
      g_clear_error (&reason);
      return TRUE;
    }
  g_error_free (reason);
  return fl_fail (error, FL_ERROR_DATA, "the compressed data are damaged");
}

#ifdef HAVE_ZSTD
static gboolean
step_zstd (FlUnpacker *unpacker, char *to, size_t size, size_t *made, gboolean *ended,
           GError **error)
{
  ZSTD_inBuffer in = { unpacker->input, unpacker->n, unpacker->at };
  ZSTD_outBuffer out = { to, size, 0 };
  size_t left = ZSTD_decompressStream (unpacker->zstd, &out, &in);

  unpacker->at = in.pos;
  *made = out.pos;
  *ended = left == 0;
  return !ZSTD_isError (left)
         || fl_fail (error, FL_ERROR_DATA, "the compressed data are damaged");
}
#endif

static gboolean
step (FlUnpacker *unpacker, char *to, size_t size, size_t *made, gboolean *ended, GError **error)
{
#ifdef HAVE_ZSTD
  if (unpacker->gzip == NULL)
    return step_zstd (unpacker, to, size, made, ended, error);
#endif
  return step_gzip (unpacker, to, size, made, ended, error);
}

static gboolean
read_packed (const FlLines *lines, char *to, size_t size, size_t *n_read, GError **error)
{
  FlUnpacker *unpacker = lines->unpacker;

  for (*n_read = 0; *n_read < size;)
    {
      size_t made = 0, at;
      gboolean ended = FALSE;

      if (unpacker->at == unpacker->n && !unpacker->end)
        {
          unpacker->at = 0;
          if (!read_plain (lines, unpacker->input, PACKED_SIZE, &unpacker->n, error))
            return FALSE;
          unpacker->end = unpacker->n < PACKED_SIZE;
        }
      if (unpacker->at == unpacker->n && !unpacker->within)
        return TRUE;
      at = unpacker->at;
      if (!step (unpacker, to + *n_read, size - *n_read, &made, &ended, error))
        {
          g_prefix_error (error, "%s: ", lines->path);
          return FALSE;
        }
      *n_read += made;
      unpacker->within = !ended;
      if (!ended && made == 0 && unpacker->at == at && unpacker->end)
        return fl_fail (error, FL_ERROR_DATA, "%s: the compressed file is cut short", lines->path);
    }
  return TRUE;
}

static void
unpacker_free (FlUnpacker *unpacker)
{
  if (unpacker == NULL)
    return;
  g_clear_object (&unpacker->gzip);
#ifdef HAVE_ZSTD
  ZSTD_freeDStream (unpacker->zstd);
#endif
  g_free (unpacker);
}

/* What the first bytes of a file say of it. */
static gboolean
open_packed (FlLines *lines, GError **error)
{
  char head[6] = "";
  ssize_t n = pread (lines->file, head, sizeof head, 0);

  if (n >= 4 && memcmp (head, "PK\x03\x04", 4) == 0)
    return fl_fail (error, FL_ERROR_DATA, "%s is a zip archive: unpack it first", lines->path);
  if (n >= 6 && memcmp (head, "\xFD" "7zXZ\0", 6) == 0)
    return fl_fail (error, FL_ERROR_DATA, "%s is compressed by xz: unpack it first", lines->path);
  if (n >= 2 && memcmp (head, "\x1F\x8B", 2) == 0)
    {
      lines->unpacker = g_new0 (FlUnpacker, 1);
      lines->unpacker->gzip
          = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
    }
  if (n >= 4 && memcmp (head, "\x28\xB5\x2F\xFD", 4) == 0)
    {
#ifdef HAVE_ZSTD
      lines->unpacker = g_new0 (FlUnpacker, 1);
      lines->unpacker->zstd = ZSTD_createDStream ();
#else
      return fl_fail (error, FL_ERROR_DATA, "%s is compressed by zstd: this Fairlead was built "
                      "without libzstd", lines->path);
#endif
    }
  return TRUE;
}

static gboolean
read_bytes (const FlLines *lines, char *to, size_t size, size_t *n_read, GError **error)
{
  return lines->unpacker != NULL ? read_packed (lines, to, size, n_read, error)
                                 : read_plain (lines, to, size, n_read, error);
}

/* ---- lines --------------------------------------------------------------- */

gboolean
fl_lines_open (FlLines *lines, const char *path, size_t block_size, GError **error)
{
  *lines = (FlLines) { .path = path, .file = open_file (path, error), .begin = TRUE,
                       .block_size = block_size > 0 ? block_size : BLOCK_SIZE };
  if (lines->file < 0)
    return FALSE;
  if (open_packed (lines, error))
    return TRUE;
  close (lines->file);
  return FALSE;
}

void
fl_lines_close (FlLines *lines)
{
  close (lines->file);
  unpacker_free (lines->unpacker);
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
keep_rest (FlLines *lines, FlTextBlock *block, size_t n)
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
fl_lines_read (FlLines *lines, FlTextBlock *block, GError **error)
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
