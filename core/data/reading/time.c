/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* time.c: moments as data have them: seconds since 1970 with or without a fraction, or
 * dates and times of day in the forms of ISO 8601.  Without a zone they are UTC.
 */
#include "core/data/reading/reading-parts.h"

#include <math.h>

/* What is left to read. */
typedef struct
{
  const char *at, *end;
} Text;

static gboolean
skip (Text *text, char c)
{
  if (text->at == text->end || *text->at != c)
    return FALSE;
  text->at++;
  return TRUE;
}

/* A number of exactly n digits. */
static gboolean
read_digits (Text *text, int n, int *number)
{
  *number = 0;
  for (int i = 0; i < n; i++)
    {
      if (text->at == text->end || !g_ascii_isdigit (*text->at))
        return FALSE;
      *number = 10 * *number + (*text->at++ - '0');
    }
  return TRUE;
}

/* Days from 1970-01-01 of the Gregorian calendar; FALSE where there is no such day. */
static gboolean
count_days (int year, int month, int day, int64_t *days)
{
  static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
  gboolean leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  int64_t years = year - 1;

  if (year < 1 || month < 1 || month > 12 || day < 1
      || day > (month == 2 ? 28 + leap : month == 4 || month == 6 || month == 9 || month == 11
                                             ? 30 : 31))
    return FALSE;
  *days = 365 * years + years / 4 - years / 100 + years / 400 + before[month - 1]
          + (month > 2 && leap) + day - 1 - 719162;
  return TRUE;
}

/* "2018-01-02" or "2018/01/02". */
static gboolean
read_date (Text *text, int64_t *days)
{
  int year, month, day;
  char separator;

  if (!read_digits (text, 4, &year) || text->at == text->end)
    return FALSE;
  separator = *text->at == '/' ? '/' : '-';
  return skip (text, separator) && read_digits (text, 2, &month) && skip (text, separator)
         && read_digits (text, 2, &day) && count_days (year, month, day, days);
}

/* The digits behind a point or comma, in ticks; those beyond a tick are cut off. */
static gboolean
read_fraction (Text *text, int64_t *ticks)
{
  int64_t unit = FL_TIME_SECOND;

  if (!skip (text, '.') && !skip (text, ','))
    return TRUE;
  if (text->at == text->end || !g_ascii_isdigit (*text->at))
    return FALSE;
  for (; text->at < text->end && g_ascii_isdigit (*text->at); text->at++)
    {
      unit /= 10;
      *ticks += unit * (*text->at - '0');
    }
  return TRUE;
}

/* "10:20", "10:20:30", "10:20:30.5". */
static gboolean
read_time_of_day (Text *text, int64_t *ticks)
{
  int hour, minute, second = 0;

  if (!read_digits (text, 2, &hour) || !skip (text, ':') || !read_digits (text, 2, &minute)
      || (skip (text, ':') && !read_digits (text, 2, &second)) || hour > 23 || minute > 59
      || second > 60)
    return FALSE;
  *ticks += (int64_t) (3600 * hour + 60 * minute + second) * FL_TIME_SECOND;
  return read_fraction (text, ticks);
}

/* "Z", "+02:00", "-0330", " UTC", or nothing. */
static gboolean
read_zone (Text *text, int64_t *ticks)
{
  int hour, minute, sign;

  skip (text, ' ');
  if (text->at == text->end || skip (text, 'Z'))
    return TRUE;
  if (text->end - text->at == 3 && strncmp (text->at, "UTC", 3) == 0)
    {
      text->at += 3;
      return TRUE;
    }
  sign = *text->at == '-' ? -1 : 1;
  if ((!skip (text, '+') && !skip (text, '-')) || !read_digits (text, 2, &hour))
    return FALSE;
  skip (text, ':');
  if (!read_digits (text, 2, &minute) || hour > 23 || minute > 59)
    return FALSE;
  *ticks -= sign * (int64_t) (3600 * hour + 60 * minute) * FL_TIME_SECOND;
  return TRUE;
}

static gboolean
parse_moment (FlSpan span, int64_t *time)
{
  Text text = { span.text, span.text + span.length };
  int64_t days = 0, ticks = 0;

  if (!read_date (&text, &days))
    return FALSE;
  if ((skip (&text, 'T') || skip (&text, ' '))
      && (!read_time_of_day (&text, &ticks) || !read_zone (&text, &ticks)))
    return FALSE;
  *time = days * 86400 * FL_TIME_SECOND + ticks;
  return text.at == text.end;
}

/* A decimal number of seconds to the tick, without a detour by double, which has not
 * enough digits for microseconds of our days. */
static gboolean
parse_decimal (FlSpan span, int64_t *time)
{
  const char *point = memchr (span.text, '.', span.length);
  size_t n = point != NULL ? (size_t) (point - span.text) : 0;
  Text text = { point, span.text + span.length };
  int64_t seconds = 0, fraction = 0;

  if (point == NULL || !fl_parse_int ((FlSpan) { span.text, n }, &seconds)
      || !read_fraction (&text, &fraction) || text.at != text.end
      || ABS (seconds) > FL_TIME_MAX / FL_TIME_SECOND)
    return FALSE;
  *time = seconds * FL_TIME_SECOND + (*span.text == '-' ? -fraction : fraction);
  return TRUE;
}

gboolean
fl_parse_time (FlSpan text, int64_t *time)
{
  int64_t seconds = 0;
  double number = 0;

  if (fl_parse_int (text, &seconds))
    {
      *time = seconds * FL_TIME_SECOND;
      return ABS (seconds) <= FL_TIME_MAX / FL_TIME_SECOND;
    }
  if (parse_decimal (text, time) || parse_moment (text, time))
    return TRUE;
  if (!fl_parse_double (text, &number)
      || !(fabs (number) <= (double) (FL_TIME_MAX / FL_TIME_SECOND)))
    return FALSE;
  *time = (int64_t) (number * (double) FL_TIME_SECOND);
  return TRUE;
}
