/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* names.c: a table of texts, for ids and attribute values.
 *
 * Open addressing.  A text of up to 8 bytes, as nearly all ids are, is its own
 * key, so that finding it compares two integers and touches no text.
 */
#include "core/data/rows/rows-room.h"

#include <string.h>

#define N_SLOTS_START 64

void
fl_names_init (FlNames *names)
{
  *names = (FlNames) { .slot = g_new0 (FlNameSlot, N_SLOTS_START),
                       .mask = N_SLOTS_START - 1,
                       .text = g_ptr_array_new (),
                       .arena = g_string_chunk_new (4096) };
}

void
fl_names_clear (FlNames *names)
{
  g_clear_pointer (&names->slot, g_free);
  g_clear_pointer (&names->text, g_ptr_array_unref);
  g_clear_pointer (&names->arena, g_string_chunk_free);
  names->n = 0;
}

/* Finaliser of SplitMix64. */
static inline uint64_t
mix (uint64_t h)
{
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9u;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBu;
  return h ^ (h >> 31);
}

/* Up to 8 bytes as a number.  Where there are 4 or more, two loads of 4 overlap. */
static inline uint64_t
short_key (FlSpan text)
{
  uint64_t key = 0;
  uint32_t head, tail;

  if (text.length >= 4)
    {
      memcpy (&head, text.text, 4);
      memcpy (&tail, text.text + text.length - 4, 4);
      return (uint64_t) tail << 32 | head;
    }
  for (size_t i = 0; i < text.length; i++)
    key = key << 8 | (uint8_t) text.text[i];
  return key;
}

static inline uint64_t
key_of (FlSpan text)
{
  uint64_t key = 0, word = 0;

  if (text.length <= 8)
    return short_key (text);
  for (; text.length >= 8; text.text += 8, text.length -= 8)
    {
      memcpy (&word, text.text, 8);
      key = mix (key ^ word);
    }
  word = 0;
  memcpy (&word, text.text, text.length);
  return mix (key ^ word);
}

static gboolean
grow (FlNames *names, GError **error)
{
  size_t n_slots = (names->mask + 1) * 2;
  FlNameSlot *slot = fl_alloc (n_slots, sizeof *slot, error);

  if (slot == NULL)
    return FALSE;
  for (size_t i = 0; i <= names->mask; i++)
    if (names->slot[i].index != 0)
      {
        size_t at = mix (names->slot[i].key) & (n_slots - 1);

        while (slot[at].index != 0)
          at = (at + 1) & (n_slots - 1);
        slot[at] = names->slot[i];
      }
  g_free (names->slot);
  names->slot = slot;
  names->mask = n_slots - 1;
  return TRUE;
}

static inline gboolean
matches (const FlNames *names, const FlNameSlot *slot, uint64_t key, FlSpan text)
{
  return slot->key == key && slot->length == text.length
         && (text.length <= 8
             || memcmp (fl_names_text (names, slot->index - 1), text.text, text.length) == 0);
}

uint32_t
fl_names_add (FlNames *names, FlSpan text, GError **error)
{
  uint64_t key = key_of (text);
  size_t at;

  /* Ratings mostly come user by user. */
  if (names->last.index != 0 && matches (names, &names->last, key, text))
    return names->last.index - 1;
  for (at = mix (key) & names->mask; names->slot[at].index != 0; at = (at + 1) & names->mask)
    if (matches (names, &names->slot[at], key, text))
      {
        names->last = names->slot[at];
        return names->last.index - 1;
      }
  if (text.length > G_MAXINT || names->n == G_MAXINT)
    {
      fl_fail (error, FL_ERROR_DATA, "an id is too long, or there are too many");
      return G_MAXUINT32;
    }
  names->slot[at] = names->last
      = (FlNameSlot) { .key = key, .length = (uint32_t) text.length, .index = ++names->n };
  g_ptr_array_add (names->text,
                   g_string_chunk_insert_len (names->arena, text.text, (gssize) text.length));
  if (names->n > (names->mask + 1) / 2 && !grow (names, error))
    return G_MAXUINT32;
  return names->n - 1;
}

/* ---- order --------------------------------------------------------------- */

static int
compare_bytes (gconstpointer a, gconstpointer b, gpointer names)
{
  return strcmp (fl_names_text (names, *(const uint32_t *) a),
                 fl_names_text (names, *(const uint32_t *) b));
}

/* Decimal integers of any length. */
static int
compare_numbers (gconstpointer a, gconstpointer b, gpointer names)
{
  const char *s = fl_names_text (names, *(const uint32_t *) a);
  const char *t = fl_names_text (names, *(const uint32_t *) b);
  size_t s_length = strlen (s), t_length = strlen (t);
  size_t s_zeros = strspn (s, "0"), t_zeros = strspn (t, "0");
  size_t s_digits = s_length - s_zeros, t_digits = t_length - t_zeros;
  int order;

  if (s_digits != t_digits)
    return s_digits < t_digits ? -1 : 1;
  order = strcmp (s + s_zeros, t + t_zeros);
  return order != 0 ? order : (s_length > t_length) - (s_length < t_length);
}

void
fl_names_sort (const FlNames *names, uint32_t *member, uint32_t n)
{
  gboolean numbers = TRUE, sorted = TRUE;
  GCompareDataFunc compare;

  for (uint32_t i = 0; i < n && numbers; i++)
    {
      const char *text = fl_names_text (names, member[i]);

      numbers = text[0] != '\0' && text[strspn (text, "0123456789")] == '\0';
    }
  compare = numbers ? compare_numbers : compare_bytes;
  for (uint32_t i = 1; i < n && sorted; i++)
    sorted = compare (&member[i - 1], &member[i], (gpointer) names) < 0;
  if (!sorted)
    g_qsort_with_data (member, (gint) n, sizeof *member, compare, (gpointer) names);
}
