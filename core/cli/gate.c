/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gate.c: the one way to the terminal. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cli/gate.h"

/* A stream behind the gate, and the bytes of a character that is not complete yet. */
typedef struct
{
  int fd;
  char begun[8];
  size_t n_begun;
} Gate;

static Gate gates[2] = { { .fd = STDOUT_FILENO }, { .fd = STDERR_FILENO } };
static FILE *open_stdout;

static gboolean
commands_terminal (gunichar c)
{
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c <= 0x9f) || c == 0x061c
         || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e)
         || (c >= 0x2066 && c <= 0x2069);
}

static gboolean
write_all (int fd, const char *bytes, size_t n)
{
  while (n > 0)
    {
      ssize_t done = write (fd, bytes, n);

      if (done < 0 && errno == EINTR)
        continue;
      if (done <= 0)
        return FALSE;
      bytes += done;
      n -= (size_t) done;
    }
  return TRUE;
}

/* One character, or one byte that begins none; returns its bytes, 0: the rest is to come. */
static size_t
pass_one (const char *at, size_t left, GString *out)
{
  gunichar c = *at != '\0' ? g_utf8_get_char_validated (at, (gssize) left) : 0;
  size_t n = 1;

  if (c == (gunichar) -2)
    return 0;
  if (c != (gunichar) -1)
    n = (size_t) (g_utf8_next_char (at) - at);
  if (c == (gunichar) -1)
    g_string_append_printf (out, "\\x%02x", (guchar) *at);
  else if (!commands_terminal (c))
    g_string_append_len (out, at, (gssize) n);
  else
    g_string_append_printf (out, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned) c);
  return n;
}

static ssize_t
gate_write (void *cookie, const char *bytes, size_t n)
{
  Gate *gate = cookie;
  g_autoptr (GString) in = g_string_new_len (gate->begun, (gssize) gate->n_begun);
  g_autoptr (GString) out = g_string_sized_new (n + 16);
  size_t at = 0, step = 1;

  g_string_append_len (in, bytes, (gssize) n);
  while (at < in->len && step > 0)
    {
      step = pass_one (in->str + at, in->len - at, out);
      at += step;
    }
  gate->n_begun = MIN (in->len - at, sizeof gate->begun);
  memcpy (gate->begun, in->str + at, gate->n_begun);
  return write_all (gate->fd, out->str, out->len) ? (ssize_t) n : 0;
}

static FILE *
gated (Gate *gate, int mode)
{
  const cookie_io_functions_t functions = { .write = gate_write };
  FILE *stream = fopencookie (gate, "w", functions);

  if (stream != NULL)
    setvbuf (stream, NULL, mode, BUFSIZ);
  return stream;
}

void
gate_close (void)
{
  FILE *out = gated (&gates[0], isatty (STDOUT_FILENO) ? _IOLBF : _IOFBF);
  FILE *err = gated (&gates[1], _IOLBF);

  fflush (NULL);
  open_stdout = stdout;
  stdout = out != NULL ? out : stdout;
  stderr = err != NULL ? err : stderr;
}

void
gate_open_stdout (void)
{
  if (open_stdout == NULL)
    return;
  fflush (stdout);
  stdout = open_stdout;
}

void
gate_command (const char *sequence)
{
  fflush (stderr);
  (void) write_all (STDERR_FILENO, sequence, strlen (sequence));
}
