/* Tells what a value looks like, as the forms of `columns.py` and the cleaning of `fields.py` do.
 *
 * It must accept no value that the mapping would change: one too few costs time only.
 */

#ifndef SLS_SYSLOG_FORM_H
#define SLS_SYSLOG_FORM_H

#include "layout.h"

/* Whether all of a text are digits, without a zero in front of others, and not above a number. */
static int
is_number(text value, uint64_t least, uint64_t most)
{
    uint64_t number = 0;
    if (!value.size || value.size > 18 || (value.at[0] == '0' && value.size > 1)) {
        return 0;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return 0;
        }
        number = 10 * number + (uint64_t)(value.at[i] - '0');
    }
    return number >= least && number <= most;
}

static size_t
count_digits(text value)
{
    size_t i = 0;
    while (i < value.size && value.at[i] >= '0' && value.at[i] <= '9') {
        i++;
    }
    return i;
}

static size_t
count_letters(text value)
{
    size_t i = 0;
    while (i < value.size && (byte)((value.at[i] | 0x20) - 'a') < 26) {
        i++;
    }
    return i;
}

static int
is_decimal(text value)
{
    size_t whole = count_digits(value);
    if (!whole || whole == value.size) {
        return whole > 0;
    }
    text fraction = {value.at + whole + 1, value.size - whole - 1};
    return value.at[whole] == '.' && fraction.size && count_digits(fraction) == fraction.size;
}

static int
is_address(text value)
{
    for (int i = 0; i < 4; i++) {
        text octet = {value.at, count_digits(value)};
        if (!is_number(octet, 0, 255)) {
            return 0;
        }
        value.at += octet.size;
        value.size -= octet.size;
        if (i < 3 && !take_tag(&value, '.')) {
            return 0;
        }
    }
    return !value.size;
}

/* Take a number of some digits that is at most `most`; 0 if there is none. */
static int
take_fixed(text *from, size_t digits, uint32_t most, uint32_t *number)
{
    if (from->size < digits || count_digits((text){from->at, digits}) != digits) {
        return 0;
    }
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        *number = 10 * *number + (uint32_t)(from->at[i] - '0');
    }
    from->at += digits;
    from->size -= digits;
    return *number <= most;
}

/* Count the days from 1970 to a day of the Gregorian calendar; -1 if there is no such day. */
static int64_t
count_days(uint32_t year, uint32_t month, uint32_t day)
{
    static const uint32_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    if (year < 1971 || month < 1 || month > 12 || day < 1) {
        return -1;
    }
    uint32_t is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > before[month] - before[month - 1] + (month == 2 && is_leap)) {
        return -1;
    }
    uint32_t last = year - 1;
    return (int64_t)365 * (year - 1970) + last / 4 - last / 100 + last / 400 - 477 +
           before[month - 1] + (month > 2 && is_leap) + day - 1;
}

/* Convert a time such as 2026-11-03T12:00:00.123+08:00 to milliseconds since 1970; 0 if it has another
 * form, which Python may know. */
static uint64_t
convert_time(text from)
{
    uint32_t year, month, day, hour, minute, second, fraction = 0, hours = 0, minutes = 0;
    if (!take_fixed(&from, 4, 2285, &year) || !take_tag(&from, '-') ||
        !take_fixed(&from, 2, 12, &month) || !take_tag(&from, '-') ||
        !take_fixed(&from, 2, 31, &day) || !take_tag(&from, 'T') ||
        !take_fixed(&from, 2, 23, &hour) || !take_tag(&from, ':') ||
        !take_fixed(&from, 2, 59, &minute) || !take_tag(&from, ':') ||
        !take_fixed(&from, 2, 59, &second)) {
        return 0;
    }
    if (take_tag(&from, '.')) {
        size_t digits = count_digits(from);
        if (digits < 1 || digits > 9) {
            return 0;
        }
        for (size_t i = 0; i < 3; i++) {
            fraction = 10 * fraction + (i < digits ? (uint32_t)(from.at[i] - '0') : 0);
        }
        from.at += digits;
        from.size -= digits;
    }
    int64_t sign = take_tag(&from, '+') ? -1 : 1; /* to UTC */
    if ((sign < 0 || !take_tag(&from, 'Z')) &&
        ((sign > 0 && !take_tag(&from, '-')) || !take_fixed(&from, 2, 14, &hours) ||
         !take_tag(&from, ':') || !take_fixed(&from, 2, 59, &minutes))) {
        return 0;
    }
    int64_t days = count_days(year, month, day);
    if (days < 0 || from.size) {
        return 0;
    }
    int64_t seconds = 86400 * days + (int64_t)(3600 * hour + 60 * minute + second) +
                      sign * (int64_t)(3600 * hours + 60 * minutes);
    return (uint64_t)(1000 * seconds + fraction);
}

static int
is_in_form(text value, int form)
{
    switch (form) {
    case ADDRESS: return is_address(value);
    case PORT: return is_number(value, 0, 65535);
    case NUMBER: return is_number(value, 0, UINT64_C(999999999));
    case LONG: return is_number(value, 0, UINT64_MAX);
    case DECIMAL: return is_decimal(value);
    case TIME: return is_number(value, UINT64_C(1000000000000), UINT64_C(9999999999999));
    case SECONDS_OF_TIME: return is_number(value, UINT64_C(1000000000), UINT64_C(9999999999));
    case HOST:
        return !memchr(value.at, ':', value.size) &&
               (count_letters(value) || memchr(value.at, '.', value.size));
    case PATH: return value.size && *value.at == '/';
    default: return value.size > 0;
    }
}

/* Whether a legal text begins or ends with white space outside ASCII. */
static int
has_space_at_an_end(text value)
{
    for (size_t i = 0; i < 2; i++) {
        size_t size = value.size < 3 ? value.size : 3;
        const byte *at = i ? value.at + value.size - size : value.at;
        for (size_t j = 0; j + 1 < size; j++) {
            byte one = at[j], two = at[j + 1];
            if ((one == 0xC2 && two == 0xA0) || (one == 0xE1 && two == 0x9A) ||
                (one == 0xE2 && (two == 0x80 || two == 0x81)) || (one == 0xE3 && two == 0x80)) {
                return 1; /* or something else that is rare */
            }
        }
    }
    return 0;
}

/* Whether a legal text has no white space around it. */
static int
has_tidy_ends(text value)
{
    if (!value.size) {
        return 1;
    }
    byte first = value.at[0], last = value.at[value.size - 1];
    return first > ' ' && last > ' ' &&
           !((first >= 0x80 || last >= 0x80) && has_space_at_an_end(value));
}

/* Whether a text is legal but for line ends, and without white space around it. */
static int
is_tidy(text value)
{
    return !(classify_text(value) & ILLEGAL) && has_tidy_ends(value);
}

static int
is_nothing(text value)
{
    return !value.size || (value.size == 1 && value.at[0] == '-');
}

#endif
