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
