/* Texts: bytes that somebody else keeps, and what they hold.
 *
 * It must not read outside of a text.
 */

#ifndef SLS_SYSLOG_TEXT_H
#define SLS_SYSLOG_TEXT_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;

/* Bytes that somebody else keeps. */
typedef struct {
    const byte *at;
    size_t size;
} text;

/* No bytes, at a place that functions of C accept. */
#define NO_TEXT ((text){(const byte *)"", 0})

/* Point to the bytes of an object; 0 and an exception if it has none. */
static int
point_to(PyObject *object, text *to)
{
    char *data;
    Py_ssize_t size;
    if (!object || PyBytes_AsStringAndSize(object, &data, &size) < 0) {
        return 0;
    }
    to->at = (const byte *)data;
    to->size = (size_t)size;
    return 1;
}

enum {
    PLAIN = 0,
    ILLEGAL = 1, /* a newline policy would change it, or it is not UTF-8 */
    SPECIAL = 2, /* JSON escapes it */
    LINE_END = 4, /* illegal, but events can write it otherwise */
};

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))
#define HAS_ZERO(word) (((word) - EACH(0x01)) & ~(word) & EACH(0x80))

/* Whether eight bytes are ASCII and PLAIN. */
static int
is_plain_word(uint64_t word)
{
    uint64_t below_space = (word - EACH(0x20)) & ~word & EACH(0x80);
    return !((word & EACH(0x80)) | below_space | HAS_ZERO(word ^ EACH(0x7F)) |
             HAS_ZERO(word ^ EACH('"')) | HAS_ZERO(word ^ EACH('\\')));
}

static int
classify_ascii(byte octet)
{
    if (octet == '"' || octet == '\\' || octet == '\t') {
        return SPECIAL;
    }
    if (octet == '\n' || octet == '\r') {
        return LINE_END;
    }
    return octet < 0x20 || octet == 0x7F ? ILLEGAL : PLAIN;
}

/* The bytes of the character outside ASCII at the start of a text; 0 if it is illegal. */
static size_t
measure_character(const byte *at, size_t size)
{
    byte first = at[0], least = 0x80, most = 0xBF;
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || length > size) {
        return 0;
    }
    switch (first) {
    case 0xC2: least = 0xA0; break; /* C1 */
    case 0xE0: least = 0xA0; break; /* overlong */
    case 0xED: most = 0x9F; break;  /* surrogates */
    case 0xF0: least = 0x90; break; /* overlong */
    case 0xF4: most = 0x8F; break;  /* beyond Unicode */
    default: break;
    }
    if (at[1] < least || at[1] > most) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (at[i] < 0x80 || at[i] > 0xBF) {
            return 0;
        }
    }
    /* LINE SEPARATOR and PARAGRAPH SEPARATOR */
    int is_separator = first == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9);
    return is_separator ? 0 : length;
}

/* What a text holds: ILLEGAL, or SPECIAL, LINE_END, both, or only PLAIN. */
static int
classify_text(text whole)
{
    const byte *at = whole.at, *end = whole.at + whole.size;
    int found = PLAIN;
    while (at < end) {
        if (*at >= 0x80) {
            size_t length = measure_character(at, (size_t)(end - at));
            if (!length) {
                return ILLEGAL;
            }
            at += length;
            continue;
        }
        if (end - at >= 8) {
            uint64_t word;
            memcpy(&word, at, 8);
            if (is_plain_word(word)) {
                at += 8;
                continue;
            }
        }
        found |= classify_ascii(*at++);
        if (found & ILLEGAL) {
            return ILLEGAL;
        }
    }
    return found;
}

static int
read_hex(byte digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    digit |= 0x20; /* lower case */
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

#endif
