/* Writes into a buffer that grows.
 *
 * Only `reserve` gives room. What is written must be no more than was reserved.
 */

#ifndef SLS_SYSLOG_BUFFER_H
#define SLS_SYSLOG_BUFFER_H

#include "text.h"

typedef struct {
    byte *data;
    size_t size, room;
    int is_out_of_memory;
} buffer;

/* Make room for that many bytes more, and return the place; NULL if there is no memory. */
static byte *
reserve(buffer *out, size_t more)
{
    if (more > out->room - out->size) {
        size_t room = out->room;
        if (more > SIZE_MAX / 4 || room > SIZE_MAX / 4) {
            out->is_out_of_memory = 1;
            return NULL;
        }
        room = 2 * room > out->size + more ? 2 * room : out->size + more;
        byte *data = realloc(out->data, room);
        if (!data) {
            out->is_out_of_memory = 1;
            return NULL;
        }
        out->data = data;
        out->room = room;
    }
    return out->data + out->size;
}

static int
append(buffer *out, text from)
{
    byte *to = reserve(out, from.size);
    if (!to) {
        return 0;
    }
    memcpy(to, from.at, from.size);
    out->size += from.size;
    return 1;
}

/* Append a text in which a backslash comes before some characters. */
static int
append_escaped(buffer *out, text from, int has_quotes)
{
    if (from.size > (SIZE_MAX - 2) / 2) {
        out->is_out_of_memory = 1;
        return 0;
    }
    byte *begin = reserve(out, 2 * from.size + 2), *to = begin;
    if (!to) {
        return 0;
    }
    if (has_quotes) {
        *to++ = '"';
    }
    for (size_t i = 0; i < from.size; i++) {
        byte octet = from.at[i];
        if (octet == '"' || octet == '\\' || (octet == '\t' && !has_quotes)) {
            *to++ = '\\';
            octet = octet == '\t' ? 't' : octet;
        }
        *to++ = octet;
    }
    if (has_quotes) {
        *to++ = '"';
    }
    out->size += (size_t)(to - begin);
    return 1;
}

/* Whether a value, with the separator after it, holds the separator before its end. */
static int
holds_separator(text value, text separator)
{
    for (size_t i = 0; i < value.size; i++) {
        size_t j = 0;
        while (j < separator.size) {
            byte octet = i + j < value.size ? value.at[i + j] : separator.at[i + j - value.size];
            if (octet != separator.at[j]) {
                break;
            }
            j++;
        }
        if (j == separator.size) {
            return 1;
        }
    }
    return 0;
}

/* Append a value; 0 if it is illegal, or there is no memory. */
static int
append_value(buffer *out, text value, int escape, text separator)
{
    int found = classify_text(value);
    if (found & (ILLEGAL | LINE_END)) {
        return 0;
    }
    if (escape == JSON_STRING && found & SPECIAL) {
        return append_escaped(out, value, 0);
    }
    if (escape == KEY_VALUE_QUOTES &&
        (!value.size || (found & SPECIAL && memchr(value.at, '"', value.size)) ||
         holds_separator(value, separator))) {
        return append_escaped(out, value, 1);
    }
    return append(out, value);
}

enum { LONGEST_NUMBER = 20 }; /* digits of 64 bits */

/* Write a number so that it ends at the end of `digits`. */
static text
format_number(uint64_t number, byte *digits)
{
    byte *at = digits + LONGEST_NUMBER;
    do {
        *--at = (byte)('0' + number % 10);
        number /= 10;
    } while (number);
    return (text){at, (size_t)(digits + LONGEST_NUMBER - at)};
}

#endif
