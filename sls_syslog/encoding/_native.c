/* The compiled helper of encoding; native.py loads it, and says what each function promises.
 *
 * It must give the result of pure Python, or none. Whatever its input holds, it must not read outside
 * of it: only take_* and the functions that look at one text read, and each looks at the end first. It
 * must not write outside of its buffer: only `reserve` gives room. It uses the limited API, so that one
 * build serves all versions of CPython.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Raise it, here and in native.py, with each change of what is offered: else a clone whose helper was
 * built before the change would use it. */
enum { INTERFACE = 6 };

typedef unsigned char byte;

/* Bytes that somebody else keeps. */
typedef struct {
    const byte *at;
    size_t size;
} text;

/* ---- Texts ---- */

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


/* ---- Reading protobuf ---- */

/* Take a varint of 32 bits; 0 if there is none. */
static int
take_varint(text *from, uint32_t *number)
{
    uint64_t found = 0;
    for (size_t i = 0; i < 5 && i < from->size; i++) {
        found |= (uint64_t)(from->at[i] & 0x7F) << (7 * i);
        if (from->at[i] < 0x80) {
            from->at += i + 1;
            from->size -= i + 1;
            *number = (uint32_t)found;
            return found <= UINT32_MAX;
        }
    }
    return 0;
}

/* Take a byte if it is the one expected. */
static int
take_tag(text *from, byte tag)
{
    if (!from->size || *from->at != tag) {
        return 0;
    }
    from->at++;
    from->size--;
    return 1;
}

/* Take what a length before it says; 0 if there is less. */
static int
take_block(text *from, text *block)
{
    uint32_t size;
    if (!take_varint(from, &size) || size > from->size) {
        return 0;
    }
    block->at = from->at;
    block->size = size;
    from->at += size;
    from->size -= size;
    return 1;
}

static int
take_fixed32(text *from, uint32_t *number)
{
    if (from->size < 4) {
        return 0;
    }
    const byte *at = from->at;
    *number = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    from->at += 4;
    from->size -= 4;
    return 1;
}

typedef struct {
    text key, value;
} field;

typedef struct {
    uint32_t seconds, nanoseconds;
    size_t count, room; /* of fields */
    field *fields;
} log_entry;

enum { GROUP_LOG = 0x0A, LOG_TIME = 0x08, LOG_FIELD = 0x12, LOG_NANOSECONDS = 0x25 };
enum { FIELD_KEY = 0x0A, FIELD_VALUE = 0x12 };

enum { STRANGE, READ, NO_MEMORY };

static int
make_field_room(log_entry *log)
{
    size_t room = log->room ? 2 * log->room : 32;
    field *fields = realloc(log->fields, room * sizeof(field));
    if (!fields) {
        return 0;
    }
    log->fields = fields;
    log->room = room;
    return 1;
}

/* Read a log whose parts stand once and in the order of their numbers, as all writers have them. */
static int
read_log(text from, log_entry *log)
{
    log->count = 0;
    log->nanoseconds = 0;
    if (!take_tag(&from, LOG_TIME) || !take_varint(&from, &log->seconds)) {
        return STRANGE;
    }
    while (take_tag(&from, LOG_FIELD)) {
        text inner;
        if (log->count == log->room && !make_field_room(log)) {
            return NO_MEMORY;
        }
        field *own = &log->fields[log->count];
        if (!take_block(&from, &inner) || !take_tag(&inner, FIELD_KEY) ||
            !take_block(&inner, &own->key) || !take_tag(&inner, FIELD_VALUE) ||
            !take_block(&inner, &own->value) || inner.size) {
            return STRANGE;
        }
        log->count++;
    }
    if (take_tag(&from, LOG_NANOSECONDS) && !take_fixed32(&from, &log->nanoseconds)) {
        return STRANGE;
    }
    return from.size ? STRANGE : READ;
}

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

/* ---- Layouts: how to write logs with the same keys ---- */

enum { NO_SOURCE = -1, SECONDS = -2, NANOSECONDS = -3 }; /* or the number of a field */
enum { COPY = 0, JSON_STRING = 1, KEY_VALUE_QUOTES = 2, LAST_ESCAPE = KEY_VALUE_QUOTES };

/* A literal, and the value after it. */
typedef struct {
    text literal;
    Py_ssize_t source;
    int escape;
} part;

struct event_layout;

typedef struct {
    uint64_t hash;
    int has_nanoseconds;
    int is_for_python; /* no part counts: Python writes these logs */
    size_t key_count, part_count;
    text *keys;
    part *parts;
    text separator;
    struct event_layout *event; /* in place of parts, for logs that become events */
    PyObject *owner;            /* keeps the bytes of all texts */
} layout;

static const char LAYOUT[] = "sls_syslog.layout";

static uint64_t
hash_keys(size_t count, const text *keys, size_t stride)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325) + count;
    for (size_t i = 0; i < count; i++) {
        const text *key = (const text *)((const byte *)keys + i * stride);
        hash = (hash ^ key->size) * UINT64_C(0x100000001B3);
        for (size_t j = 0; j < key->size; j++) {
            hash = (hash ^ key->at[j]) * UINT64_C(0x100000001B3);
        }
    }
    return hash;
}

static int
has_layout(const log_entry *log, const layout *of)
{
    if (log->count != of->key_count || !log->nanoseconds != !of->has_nanoseconds) {
        return 0;
    }
    for (size_t i = 0; i < log->count; i++) {
        text key = log->fields[i].key;
        if (key.size != of->keys[i].size || memcmp(key.at, of->keys[i].at, key.size)) {
            return 0;
        }
    }
    return 1;
}

/* ---- Layouts of events: `columns.EventLayout` says what they mean ---- */

enum { VALUE, PRESENT, SAME, WORD };
enum { TEXT, ADDRESS, PORT, NUMBER, LONG, DECIMAL, TIME, SECONDS_OF_TIME, MILLISECONDS, HOST };
enum { PATH = HOST + 1, DECODED, NAME, DECODED_NAME, NAME_OF_ANY, LAST_FORM = NAME_OF_ANY };
enum { SEPARATOR = 0x12 }; /* BETWEEN of columns.py */

typedef struct {
    int kind;
    size_t place, other;
} fact;

typedef struct {
    size_t count;
    fact *facts;
    PyObject *answers;
} question;

typedef struct {
    size_t place;
    int form;
} copy;

typedef struct {
    int is_same; /* in every event: only `before` counts */
    int is_simple, is_found, has_exact;
    text before, behind;
    copy value;
    Py_ssize_t room;
    question usual, exact;
} event_part;

typedef struct event_layout {
    size_t place_count, part_count;
    Py_ssize_t *sources; /* by place */
    question head;
    event_part *parts;
    text special, *replacements; /* of each special byte */
    int is_found;
} event_layout;

static void
free_event(event_layout *old)
{
    if (old) {
        for (size_t i = 0; old->parts && i < old->part_count; i++) {
            free(old->parts[i].usual.facts);
            free(old->parts[i].exact.facts);
        }
        free(old->head.facts);
        free(old->sources);
        free(old->parts);
        free(old->replacements);
        free(old);
    }
}

static void
free_layout(layout *old)
{
    if (old) {
        free_event(old->event);
        free(old->keys);
        free(old->parts);
        Py_XDECREF(old->owner);
        free(old);
    }
}

static void
destroy_capsule(PyObject *capsule)
{
    free_layout(PyCapsule_GetPointer(capsule, LAYOUT));
}

/* ---- Writing ---- */

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

/* ---- Rendering a group ---- */

/* Bytes that were written, or a log that Python has to write. */
typedef struct {
    size_t begin, end;
    Py_ssize_t log; /* -1 for bytes */
} piece;

enum { NEWLINE = 0, OCTET_COUNTING = 1, DATAGRAM = 2 };
enum { LARGEST_PIECE = 256 * 1024 }; /* bytes of messages that are joined; one may be larger */

typedef struct {
    /* what Python gave */
    PyObject *find_layout, *make_start;
    Py_ssize_t fraction_at, limit;
    int framing;
    int is_as_sent; /* one strange log makes the whole group strange */
    /* layouts; each reference is ours */
    PyObject **capsules;
    const layout **layouts;
    size_t layout_count, layout_room;
    const layout *last;
    /* the start of messages of a second; Py_None if Python has to write these */
    PyObject *start;
    text start_text;
    uint32_t start_second;
    /* results */
    log_entry log;
    buffer out, key, decoded;
    text *values; /* of an event, by place */
    size_t value_room;
    byte time_digits[2][LONGEST_NUMBER];
    piece *pieces;
    size_t piece_count, piece_room;
    size_t log_count;
    int is_strange; /* Python has to render the whole group */
} rendering;

static int
add_layout(rendering *r, PyObject *capsule)
{
    const layout *added = PyCapsule_GetPointer(capsule, LAYOUT);
    if (!added) {
        return 0;
    }
    if (r->layout_count == r->layout_room) {
        size_t room = r->layout_room ? 2 * r->layout_room : 16;
        PyObject **capsules = realloc(r->capsules, room * sizeof(*capsules));
        if (capsules) {
            r->capsules = capsules;
        }
        const layout **layouts = realloc(r->layouts, room * sizeof(*layouts));
        if (layouts) {
            r->layouts = layouts;
        }
        if (!capsules || !layouts) {
            PyErr_NoMemory();
            return 0;
        }
        r->layout_room = room;
    }
    Py_INCREF(capsule);
    r->capsules[r->layout_count] = capsule;
    r->layouts[r->layout_count++] = added;
    return 1;
}

static PyObject *
make_keys(const log_entry *log)
{
    PyObject *keys = PyTuple_New((Py_ssize_t)log->count);
    for (size_t i = 0; keys && i < log->count; i++) {
        text key = log->fields[i].key;
        PyObject *made = PyBytes_FromStringAndSize((const char *)key.at, (Py_ssize_t)key.size);
        if (!made || PyTuple_SetItem(keys, (Py_ssize_t)i, made) < 0) {
            Py_CLEAR(keys);
        }
    }
    return keys;
}

/* Find the layout of the log that was read. Set *found to NULL if Python has none (yet). */
static int
find_layout(rendering *r, const layout **found)
{
    if (r->last && has_layout(&r->log, r->last)) {
        *found = r->last;
        return 1;
    }
    *found = NULL;
    uint64_t hash = hash_keys(r->log.count, &r->log.fields->key, sizeof(field));
    for (size_t i = 0; i < r->layout_count; i++) {
        if (r->layouts[i]->hash == hash && has_layout(&r->log, r->layouts[i])) {
            *found = r->last = r->layouts[i];
            return 1;
        }
    }
    PyObject *keys = make_keys(&r->log);
    if (!keys) {
        return 0;
    }
    PyObject *has_nanoseconds = r->log.nanoseconds ? Py_True : Py_False;
    PyObject *capsule = PyObject_CallFunctionObjArgs(r->find_layout, keys, has_nanoseconds, NULL);
    Py_DECREF(keys);
    if (!capsule) {
        return 0;
    }
    int done = 1;
    if (capsule != Py_None) {
        done = add_layout(r, capsule);
        if (done && has_layout(&r->log, r->layouts[r->layout_count - 1])) {
            *found = r->last = r->layouts[r->layout_count - 1];
        }
    }
    Py_DECREF(capsule);
    return done;
}

/* Have the start of messages for the second of the log that was read. */
static int
find_start(rendering *r)
{
    if (r->start && r->start_second == r->log.seconds) {
        return 1;
    }
    Py_CLEAR(r->start);
    r->start = PyObject_CallFunction(r->make_start, "k", (unsigned long)r->log.seconds);
    r->start_second = r->log.seconds;
    return r->start == Py_None || point_to(r->start, &r->start_text);
}

static int
append_start(rendering *r)
{
    text whole = r->start_text;
    /* SLS keeps nanoseconds, RFC 5424 has six digits; no more than a second counts. */
    uint32_t microseconds = r->log.nanoseconds < 1000000000 ? r->log.nanoseconds / 1000 : 0;
    if (!microseconds || r->fraction_at < 0 || (size_t)r->fraction_at > whole.size) {
        return append(&r->out, whole);
    }
    byte digits[LONGEST_NUMBER];
    text fraction = format_number(1000000 + microseconds, digits); /* with zeros in front */
    digits[LONGEST_NUMBER - 7] = '.';
    text before = {whole.at, (size_t)r->fraction_at};
    text behind = {whole.at + before.size, whole.size - before.size};
    return append(&r->out, before) && append(&r->out, fraction) && append(&r->out, behind);
}

static int
append_parts(rendering *r, const layout *as)
{
    byte digits[LONGEST_NUMBER];
    for (size_t i = 0; i < as->part_count; i++) {
        const part *next = &as->parts[i];
        if (!append(&r->out, next->literal)) {
            return 0;
        }
        if (next->source == NO_SOURCE) {
            continue;
        }
        text value;
        if (next->source == SECONDS) {
            value = format_number(r->log.seconds, digits);
        }
        else if (next->source == NANOSECONDS) {
            value = format_number(r->log.nanoseconds, digits);
        }
        else {
            value = r->log.fields[next->source].value; /* compile_layout checked the number */
        }
        if (!append_value(&r->out, value, next->escape, as->separator)) {
            return 0;
        }
    }
    return 1;
}

/* ---- Rendering an event ---- */

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

/* Whether a text is legal but for line ends, and without white space around it. */
static int
is_tidy(text value)
{
    if (!value.size) {
        return 1;
    }
    byte first = value.at[0], last = value.at[value.size - 1];
    return !(classify_text(value) & ILLEGAL) && first > ' ' && last > ' ' &&
           !((first >= 0x80 || last >= 0x80) && has_space_at_an_end(value));
}

static int
is_nothing(text value)
{
    return !value.size || (value.size == 1 && value.at[0] == '-');
}

/* Have the values of the log that was read; 0 if Python has to write it. */
static int
find_values(rendering *r, const event_layout *as)
{
    if (as->place_count > r->value_room) {
        text *values = realloc(r->values, as->place_count * sizeof(text));
        if (!values) {
            r->out.is_out_of_memory = 1;
            return 0;
        }
        r->values = values;
        r->value_room = as->place_count;
    }
    for (size_t i = 0; i < as->place_count; i++) {
        Py_ssize_t source = as->sources[i];
        if (source == SECONDS || source == NANOSECONDS) {
            uint32_t number = source == SECONDS ? r->log.seconds : r->log.nanoseconds;
            r->values[i] = format_number(number, r->time_digits[source == SECONDS]);
            continue;
        }
        text value = r->log.fields[source].value; /* compile_event_layout checked the number */
        if (!is_tidy(value)) {
            return 0;
        }
        r->values[i] = (text){value.at, is_nothing(value) ? 0 : value.size};
    }
    return 1;
}

/* Ask a question about the log; NULL if there is an exception or no memory. */
static PyObject *
ask(rendering *r, const question *about)
{
    r->key.size = 0;
    for (size_t i = 0; i < about->count; i++) {
        const fact *of = &about->facts[i];
        text value = r->values[of->place], told = {(const byte *)"1", 1};
        byte separator = SEPARATOR;
        if (i && !append(&r->key, (text){&separator, 1})) {
            return NULL;
        }
        if (of->kind == VALUE) {
            told = value;
        }
        else if (of->kind == PRESENT) {
            told.size = value.size > 0;
        }
        else if (of->kind == WORD) {
            told = (text){value.at, count_letters(value)};
            told = told.size ? told : value;
        }
        else {
            text other = r->values[of->other];
            told.size = value.size == other.size && !memcmp(value.at, other.at, value.size);
        }
        if (!append(&r->key, told)) {
            return NULL;
        }
    }
    PyObject *key = PyBytes_FromStringAndSize((const char *)r->key.data, (Py_ssize_t)r->key.size);
    PyObject *answer = key ? PyObject_GetItem(about->answers, key) : NULL;
    Py_XDECREF(key);
    return answer;
}

/* Append a value in which each special byte is replaced. */
static int
append_replaced(buffer *out, const event_layout *as, text value)
{
    for (size_t begin = 0, i = 0; i <= value.size; i++) {
        const byte *found = NULL;
        if (i < value.size) {
            found = memchr(as->special.at, value.at[i], as->special.size);
        }
        if (i == value.size || found) {
            if (!append(out, (text){value.at + begin, i - begin}) ||
                (found && !append(out, as->replacements[found - as->special.at]))) {
                return 0;
            }
            begin = i + 1;
        }
    }
    return 1;
}

/* Whether a special byte becomes a space. */
static int
becomes_space(const event_layout *as, byte octet)
{
    const byte *found = memchr(as->special.at, octet, as->special.size);
    if (!found) {
        return 0;
    }
    text replacement = as->replacements[found - as->special.at];
    return replacement.size == 1 && *replacement.at == ' ';
}

enum { FOR_PYTHON, WRITTEN, NOTHING, INEXACT };

/* Append a value that is not empty. */
static int
append_text(buffer *out, const event_layout *as, text value)
{
    for (size_t i = 0; i < as->special.size; i++) {
        if (memchr(value.at, as->special.at[i], value.size)) {
            if (becomes_space(as, value.at[0]) || becomes_space(as, value.at[value.size - 1])) {
                return INEXACT;
            }
            return append_replaced(out, as, value) ? WRITTEN : FOR_PYTHON;
        }
    }
    return append(out, value) ? WRITTEN : FOR_PYTHON;
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

/* Decode a URL-encoded text into a buffer; 0 if there is no memory. */
static int
decode_url(buffer *to, text *value)
{
    to->size = 0;
    byte *begin = reserve(to, value->size);
    if (!begin) {
        return 0;
    }
    for (size_t i = 0; i < value->size; i++) {
        byte octet = value->at[i];
        if (octet == '%' && value->size - i > 2) {
            int high = read_hex(value->at[i + 1]), low = read_hex(value->at[i + 2]);
            if (high >= 0 && low >= 0) {
                octet = (byte)(16 * high + low);
                i += 2;
            }
        }
        begin[to->size++] = octet;
    }
    *value = (text){begin, to->size};
    return 1;
}

static void
cut_name(text *path, int form)
{
    for (size_t i = path->size; i-- > 0;) {
        if (path->at[i] == '/' || (form == NAME_OF_ANY && path->at[i] == '\\')) {
            path->at += i + 1;
            path->size -= i + 1;
            return;
        }
    }
}

/* Append a value in its form, and add its size to `taken`. */
static int
append_copy(rendering *r, const event_layout *as, const copy *from, size_t *taken, Py_ssize_t room)
{
    text value = r->values[from->place];
    byte digits[LONGEST_NUMBER];
    if (from->form == MILLISECONDS) {
        uint32_t milliseconds =
            r->log.nanoseconds < 1000000000 ? r->log.nanoseconds / 1000000 : 0;
        value = format_number(1000 + milliseconds, digits); /* with zeros in front */
        value = (text){value.at + 1, 3};
    }
    else if (from->form >= DECODED) {
        if ((from->form == DECODED || from->form == DECODED_NAME) &&
            !decode_url(&r->decoded, &value)) {
            return FOR_PYTHON;
        }
        if (from->form != DECODED) {
            cut_name(&value, from->form);
        }
        if (is_nothing(value) || !is_tidy(value)) {
            return INEXACT;
        }
    }
    else if (!is_in_form(value, from->form)) {
        return INEXACT;
    }
    *taken += value.size;
    if (room >= 0 && *taken > (size_t)room) {
        return INEXACT;
    }
    return append_text(&r->out, as, value);
}

/* Read `(place, form)`; 0 if it is something else. */
static int
read_copy(PyObject *from, size_t place_count, copy *to)
{
    if (!PyTuple_Check(from) || PyTuple_Size(from) != 2) {
        return 0;
    }
    to->place = PyLong_AsSize_t(PyTuple_GetItem(from, 0));
    long form = PyLong_AsLong(PyTuple_GetItem(from, 1));
    if (PyErr_Occurred()) {
        return 0;
    }
    to->form = (int)form;
    return to->place < place_count && form >= TEXT && form <= LAST_FORM;
}

/* Append an answer, `(room, pieces)` or None. */
static int
append_answer(rendering *r, const event_layout *as, PyObject *answer)
{
    if (answer == Py_None) {
        return INEXACT;
    }
    int is_pair = PyTuple_Check(answer) && PyTuple_Size(answer) == 2;
    PyObject *pieces = is_pair ? PyTuple_GetItem(answer, 1) : NULL;
    if (!pieces || !PyTuple_Check(pieces)) {
        PyErr_SetString(PyExc_TypeError, "expected an answer as a tuple");
        return FOR_PYTHON;
    }
    Py_ssize_t room = PyLong_AsSsize_t(PyTuple_GetItem(answer, 0));
    size_t taken = 0;
    Py_ssize_t count = PyTuple_Size(pieces);
    for (Py_ssize_t i = 0; i < count && !PyErr_Occurred(); i++) {
        PyObject *next = PyTuple_GetItem(pieces, i);
        text literal;
        copy from;
        if (PyBytes_Check(next)) {
            if (!point_to(next, &literal) || !append(&r->out, literal)) {
                return FOR_PYTHON;
            }
            continue;
        }
        if (!read_copy(next, as->place_count, &from)) {
            PyErr_SetString(PyExc_ValueError, "an answer has an unknown piece");
            return FOR_PYTHON;
        }
        int outcome = append_copy(r, as, &from, &taken, room);
        if (outcome != WRITTEN) {
            return outcome;
        }
    }
    return PyErr_Occurred() ? FOR_PYTHON : count ? WRITTEN : NOTHING;
}

/* Ask a question, and append the answer. */
static int
append_asked(rendering *r, const event_layout *as, const question *about)
{
    size_t before = r->out.size;
    PyObject *answer = ask(r, about);
    if (!answer) {
        return FOR_PYTHON;
    }
    int outcome = append_answer(r, as, answer);
    Py_DECREF(answer);
    if (outcome == INEXACT) {
        r->out.size = before;
    }
    return outcome;
}

static int
append_event_part(rendering *r, const event_layout *as, const event_part *next)
{
    int outcome;
    if (next->is_simple) {
        size_t before = r->out.size, taken = 0;
        if (!r->values[next->value.place].size) {
            return NOTHING;
        }
        outcome = append(&r->out, next->before)
                      ? append_copy(r, as, &next->value, &taken, next->room)
                      : FOR_PYTHON;
        if (outcome == WRITTEN) {
            return append(&r->out, next->behind) ? WRITTEN : FOR_PYTHON;
        }
        r->out.size = before;
    }
    else {
        outcome = append_asked(r, as, &next->usual);
    }
    if (outcome == INEXACT && next->has_exact) {
        outcome = append_asked(r, as, &next->exact);
    }
    return outcome == INEXACT ? FOR_PYTHON : outcome;
}

/* Append an event; 0 if Python has to write the log, an exception is set, or there is no memory. */
static int
append_event(rendering *r, const event_layout *as)
{
    text before, behind;
    if (!find_values(r, as)) {
        return 0;
    }
    PyObject *head = ask(r, &as->head);
    if (!head || head == Py_None) {
        Py_XDECREF(head);
        return 0;
    }
    /* `(room, (before, behind))`; what has another form is refused. */
    int is_pair = PyTuple_Check(head) && PyTuple_Size(head) == 2;
    PyObject *around = is_pair ? PyTuple_GetItem(head, 1) : NULL;
    int done = around && PyTuple_Check(around) && PyTuple_Size(around) == 2;
    if (!done) {
        PyErr_SetString(PyExc_TypeError, "expected the head of an event as a tuple");
    }
    done = done && point_to(PyTuple_GetItem(around, 0), &before) &&
           point_to(PyTuple_GetItem(around, 1), &behind) && append(&r->out, before);
    int is_found = as->is_found;
    for (size_t i = 0; done && i < as->part_count; i++) {
        const event_part *next = &as->parts[i];
        if (next->is_same) {
            done = append(&r->out, next->before);
            continue;
        }
        int outcome = append_event_part(r, as, next);
        done = outcome != FOR_PYTHON;
        is_found = is_found || (next->is_found && outcome == WRITTEN);
    }
    done = done && is_found && append(&r->out, behind);
    Py_DECREF(head);
    return done;
}

static piece *
add_piece(rendering *r, Py_ssize_t log, size_t begin)
{
    if (r->piece_count == r->piece_room) {
        size_t room = r->piece_room ? 2 * r->piece_room : 16;
        piece *pieces = realloc(r->pieces, room * sizeof(piece));
        if (!pieces) {
            r->out.is_out_of_memory = 1;
            return NULL;
        }
        r->pieces = pieces;
        r->piece_room = room;
    }
    piece *added = &r->pieces[r->piece_count++];
    *added = (piece){begin, begin, log};
    return added;
}

/* Frame the message that was written last. */
static int
frame_message(rendering *r, size_t begin)
{
    if (r->framing == NEWLINE) {
        if (!append(&r->out, (text){(const byte *)"\n", 1})) {
            return 0;
        }
        piece *last = r->piece_count ? &r->pieces[r->piece_count - 1] : NULL;
        if (!last || last->log >= 0 || r->out.size - last->begin > LARGEST_PIECE) {
            last = add_piece(r, -1, begin);
        }
        if (last) {
            last->end = r->out.size;
        }
        return last != NULL;
    }
    piece *own = add_piece(r, -1, begin);
    if (!own) {
        return 0;
    }
    own->end = r->out.size;
    if (r->framing == OCTET_COUNTING) {
        byte digits[LONGEST_NUMBER];
        text count = format_number(r->out.size - begin, digits);
        /* render_log left LONGEST_NUMBER + 1 bytes before the message. */
        r->out.data[begin - 1] = ' ';
        memcpy(r->out.data + begin - 1 - count.size, count.at, count.size);
        own->begin = begin - 1 - count.size;
    }
    return 1;
}

/* Write a log, or note that Python has to; 0 if an exception is set or there is no memory. */
static int
render_log(rendering *r, text from)
{
    Py_ssize_t number = (Py_ssize_t)r->log_count++;
    const layout *as = NULL;
    int outcome = read_log(from, &r->log);
    if (outcome == NO_MEMORY) {
        r->out.is_out_of_memory = 1;
        return 0;
    }
    if (outcome == STRANGE && r->is_as_sent) {
        r->is_strange = 1;
    }
    if (outcome == READ && !find_layout(r, &as)) {
        return 0;
    }
    if (as && !as->is_for_python) {
        if (!find_start(r)) {
            return 0;
        }
        size_t before = r->out.size;
        if (r->start != Py_None) {
            if (r->framing == OCTET_COUNTING) {
                if (!reserve(&r->out, LONGEST_NUMBER + 1)) {
                    return 0;
                }
                r->out.size += LONGEST_NUMBER + 1;
            }
            size_t begin = r->out.size;
            if (append_start(r) && (as->event ? append_event(r, as->event) : append_parts(r, as)) &&
                (r->limit < 0 || r->out.size - begin <= (size_t)r->limit)) {
                return frame_message(r, begin);
            }
            if (r->out.is_out_of_memory || r->key.is_out_of_memory || r->decoded.is_out_of_memory ||
                PyErr_Occurred()) {
                return 0;
            }
        }
        r->out.size = before;
    }
    return add_piece(r, number, r->out.size) != NULL;
}

/* Render all logs of a group. */
static int
render_logs(rendering *r, text group)
{
    while (group.size && !r->is_strange) {
        byte tag = *group.at;
        text block;
        /* Besides logs: Reserved, Topic, Source, MachineUUID, LogTags. */
        int is_known = tag == GROUP_LOG || tag == 0x12 || tag == 0x1A || tag == 0x22 ||
                       tag == 0x2A || tag == 0x32;
        if (!is_known || !take_tag(&group, tag) || !take_block(&group, &block)) {
            r->is_strange = 1;
            return 1;
        }
        if (tag == GROUP_LOG && !render_log(r, block)) {
            return 0;
        }
    }
    return 1;
}

static PyObject *
make_run(PyObject *frames, Py_ssize_t log)
{
    PyObject *number = log < 0 ? Py_None : PyLong_FromSsize_t(log);
    if (!number) {
        return NULL;
    }
    PyObject *run = PyTuple_Pack(2, frames, number);
    if (log >= 0) {
        Py_DECREF(number);
    }
    return run;
}

/* Make the list of runs: frames that follow one another, and the log after them, or None. */
static PyObject *
make_runs(const rendering *r)
{
    PyObject *runs = PyList_New(0), *frames = PyList_New(0);
    for (size_t i = 0; runs && frames && i <= r->piece_count; i++) {
        const piece *next = i < r->piece_count ? &r->pieces[i] : NULL;
        int done;
        if (next && next->log < 0) {
            PyObject *frame = PyBytes_FromStringAndSize((const char *)r->out.data + next->begin,
                                                        (Py_ssize_t)(next->end - next->begin));
            done = frame ? PyList_Append(frames, frame) : -1;
            Py_XDECREF(frame);
        }
        else {
            PyObject *run = make_run(frames, next ? next->log : -1);
            done = run ? PyList_Append(runs, run) : -1;
            Py_XDECREF(run);
            Py_DECREF(frames);
            frames = PyList_New(0);
        }
        if (done < 0) {
            Py_CLEAR(runs);
        }
    }
    if (!frames) {
        Py_CLEAR(runs);
    }
    Py_XDECREF(frames);
    return runs;
}

static void
end_rendering(rendering *r)
{
    for (size_t i = 0; i < r->layout_count; i++) {
        Py_DECREF(r->capsules[i]);
    }
    free(r->capsules);
    free((void *)r->layouts);
    free(r->log.fields);
    free(r->out.data);
    free(r->key.data);
    free(r->decoded.data);
    free(r->values);
    free(r->pieces);
    Py_XDECREF(r->start);
}

/* ---- What Python calls ---- */

static PyObject *
is_legal(PyObject *self, PyObject *object)
{
    text whole;
    (void)self;
    return point_to(object, &whole) ? PyBool_FromLong(!(classify_text(whole) & (ILLEGAL | LINE_END))) : NULL;
}

/* Read one part of a layout: literal, source, escape. */
static int
read_part(PyObject *from, size_t key_count, part *to)
{
    PyObject *literal;
    if (!PyTuple_Check(from)) {
        PyErr_SetString(PyExc_TypeError, "expected a part as a tuple");
        return 0;
    }
    if (!PyArg_ParseTuple(from, "Sni", &literal, &to->source, &to->escape)) {
        return 0;
    }
    if (to->source < NANOSECONDS || to->source >= (Py_ssize_t)key_count || to->escape < COPY ||
        to->escape > LAST_ESCAPE) {
        PyErr_SetString(PyExc_ValueError, "a part has an unknown source or escape");
        return 0;
    }
    return point_to(literal, &to->literal);
}

/* Make a layout without its parts; NULL and an exception if that fails. */
static layout *
make_layout(PyObject *owner, PyObject *keys, int has_nanoseconds, size_t part_count)
{
    size_t key_count = (size_t)PyTuple_Size(keys);
    layout *made = calloc(1, sizeof(layout));
    if (made) {
        made->keys = calloc(key_count + 1, sizeof(text));
        made->parts = calloc(part_count + 1, sizeof(part));
    }
    if (!made || !made->keys || !made->parts) {
        free_layout(made);
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(owner);
    made->owner = owner;
    made->has_nanoseconds = has_nanoseconds;
    made->key_count = key_count;
    made->part_count = part_count;
    for (size_t i = 0; i < key_count; i++) {
        if (!point_to(PyTuple_GetItem(keys, (Py_ssize_t)i), &made->keys[i])) {
            free_layout(made);
            return NULL;
        }
    }
    made->hash = hash_keys(key_count, made->keys, sizeof(text));
    return made;
}

/* Make the object of Python for a layout, or free it. */
static PyObject *
wrap_layout(layout *made, int is_done)
{
    PyObject *capsule = is_done ? PyCapsule_New(made, LAYOUT, destroy_capsule) : NULL;
    if (!capsule) {
        free_layout(made);
    }
    return capsule;
}

static PyObject *
compile_layout(PyObject *self, PyObject *arguments)
{
    PyObject *keys, *parts, *separator;
    int has_nanoseconds;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OpOS", &keys, &has_nanoseconds, &parts, &separator)) {
        return NULL;
    }
    int is_for_python = parts == Py_None;
    if (!PyTuple_Check(keys) || !(is_for_python || PyTuple_Check(parts))) {
        PyErr_SetString(PyExc_TypeError, "expected keys and parts as tuples");
        return NULL;
    }
    size_t part_count = is_for_python ? 0 : (size_t)PyTuple_Size(parts);
    layout *made = make_layout(arguments, keys, has_nanoseconds, part_count);
    if (!made) {
        return NULL;
    }
    made->is_for_python = is_for_python;
    int done = point_to(separator, &made->separator);
    for (size_t i = 0; done && i < part_count; i++) {
        PyObject *next = PyTuple_GetItem(parts, (Py_ssize_t)i);
        done = read_part(next, made->key_count, &made->parts[i]);
    }
    return wrap_layout(made, done);
}

/* Read the facts and the answers of a question. */
static int
read_question(PyObject *from, size_t place_count, question *to)
{
    PyObject *facts;
    if (!PyTuple_Check(from)) {
        PyErr_SetString(PyExc_TypeError, "expected a question as a tuple");
        return 0;
    }
    if (!PyArg_ParseTuple(from, "O!O", &PyTuple_Type, &facts, &to->answers)) {
        return 0;
    }
    to->count = (size_t)PyTuple_Size(facts);
    to->facts = calloc(to->count + 1, sizeof(fact));
    if (!to->facts) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < to->count; i++) {
        PyObject *next = PyTuple_GetItem(facts, (Py_ssize_t)i);
        Py_ssize_t place, other;
        if (!PyTuple_Check(next)) {
            PyErr_SetString(PyExc_TypeError, "expected a fact as a tuple");
            return 0;
        }
        if (!PyArg_ParseTuple(next, "inn", &to->facts[i].kind, &place, &other)) {
            return 0;
        }
        if (to->facts[i].kind < VALUE || to->facts[i].kind > WORD || place < 0 || other < 0 ||
            (size_t)place >= place_count || (size_t)other >= place_count) {
            PyErr_SetString(PyExc_ValueError, "a fact has an unknown kind or place");
            return 0;
        }
        to->facts[i].place = (size_t)place;
        to->facts[i].other = (size_t)other;
    }
    return 1;
}

/* Read the simple form of a part: before, copy, behind, room. */
static int
read_simple(PyObject *from, size_t place_count, event_part *to)
{
    PyObject *before, *value, *behind;
    to->is_simple = 1;
    if (!PyArg_ParseTuple(from, "SOSn", &before, &value, &behind, &to->room)) {
        return 0;
    }
    if (!read_copy(value, place_count, &to->value)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a copy has an unknown place or form");
        }
        return 0;
    }
    return point_to(before, &to->before) && point_to(behind, &to->behind);
}

/* Read a part of an event: bytes, or the simple form or the usual question, the exact question, and
 * whether it shows that the mapping fits. */
static int
read_event_part(PyObject *from, size_t place_count, event_part *to)
{
    PyObject *usual, *exact;
    if (PyBytes_Check(from)) {
        to->is_same = 1;
        return point_to(from, &to->before);
    }
    if (!PyTuple_Check(from)) {
        PyErr_SetString(PyExc_TypeError, "expected a part of an event as bytes or a tuple");
        return 0;
    }
    if (!PyArg_ParseTuple(from, "O!Op", &PyTuple_Type, &usual, &exact, &to->is_found)) {
        return 0;
    }
    to->has_exact = exact != Py_None;
    return (PyTuple_Size(usual) == 4 ? read_simple(usual, place_count, to)
                                     : read_question(usual, place_count, &to->usual)) &&
           (!to->has_exact || read_question(exact, place_count, &to->exact));
}

/* Read the layout of an event: sources by place, head, parts, special bytes, what replaces each of
 * these, and whether the mapping fits. */
static int
read_event(PyObject *from, size_t key_count, event_layout *to)
{
    PyObject *sources, *head, *parts, *special, *replacements;
    if (!PyArg_ParseTuple(from, "O!OO!SO!p", &PyTuple_Type, &sources, &head, &PyTuple_Type, &parts,
                          &special, &PyTuple_Type, &replacements, &to->is_found) ||
        !point_to(special, &to->special)) {
        return 0;
    }
    if ((size_t)PyTuple_Size(replacements) != to->special.size) {
        PyErr_SetString(PyExc_ValueError, "not every special byte has a replacement");
        return 0;
    }
    to->place_count = (size_t)PyTuple_Size(sources);
    to->sources = calloc(to->place_count + 1, sizeof(Py_ssize_t));
    to->part_count = (size_t)PyTuple_Size(parts);
    to->parts = calloc(to->part_count + 1, sizeof(event_part));
    to->replacements = calloc(to->special.size + 1, sizeof(text));
    if (!to->sources || !to->parts || !to->replacements) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < to->place_count; i++) {
        Py_ssize_t source = PyLong_AsSsize_t(PyTuple_GetItem(sources, (Py_ssize_t)i));
        if (PyErr_Occurred()) {
            return 0;
        }
        if (source < NANOSECONDS || source == NO_SOURCE || source >= (Py_ssize_t)key_count) {
            PyErr_SetString(PyExc_ValueError, "an event has an unknown source");
            return 0;
        }
        to->sources[i] = source;
    }
    int done = read_question(head, to->place_count, &to->head);
    for (size_t i = 0; done && i < to->special.size; i++) {
        done = point_to(PyTuple_GetItem(replacements, (Py_ssize_t)i), &to->replacements[i]);
    }
    for (size_t i = 0; done && i < to->part_count; i++) {
        PyObject *next = PyTuple_GetItem(parts, (Py_ssize_t)i);
        done = read_event_part(next, to->place_count, &to->parts[i]);
    }
    return done;
}

static PyObject *
compile_event_layout(PyObject *self, PyObject *arguments)
{
    PyObject *keys, *event;
    int has_nanoseconds;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O!pO!", &PyTuple_Type, &keys, &has_nanoseconds, &PyTuple_Type,
                          &event)) {
        return NULL;
    }
    layout *made = make_layout(arguments, keys, has_nanoseconds, 0);
    if (!made) {
        return NULL;
    }
    made->event = calloc(1, sizeof(event_layout));
    if (!made->event) {
        free_layout(made);
        return PyErr_NoMemory();
    }
    return wrap_layout(made, read_event(event, made->key_count, made->event));
}

static PyObject *
render_group(PyObject *self, PyObject *arguments)
{
    PyObject *body, *layouts;
    rendering r = {0};
    text group;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "SO!OOnnip", &body, &PyList_Type, &layouts, &r.find_layout,
                          &r.make_start, &r.fraction_at, &r.limit, &r.framing, &r.is_as_sent) ||
        !point_to(body, &group)) {
        return NULL;
    }
    int done = 1;
    for (Py_ssize_t i = 0; done && i < PyList_Size(layouts); i++) {
        done = add_layout(&r, PyList_GetItem(layouts, i));
    }
    /* A good guess saves copies; `reserve` makes the room that is needed. */
    done = done && make_field_room(&r.log) && reserve(&r.out, group.size + group.size / 4 + 4096) &&
           reserve(&r.key, 256) &&
           reserve(&r.decoded, 256) && render_logs(&r, group);
    PyObject *runs = NULL;
    if (done && r.is_strange) {
        Py_INCREF(Py_None);
        runs = Py_None;
    }
    else if (done) {
        runs = make_runs(&r);
    }
    else if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    end_rendering(&r);
    return runs;
}

static PyMethodDef methods[] = {
    {"compile_event_layout", compile_event_layout, METH_VARARGS, NULL},
    {"compile_layout", compile_layout, METH_VARARGS, NULL},
    {"is_legal", is_legal, METH_O, NULL},
    {"render_group", render_group, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* Name in __all__ what is offered. */
static int
fill_module(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0) {
        return -1;
    }
    PyObject *offered = Py_BuildValue("[s]", "INTERFACE");
    for (PyMethodDef *method = methods; offered && method->ml_name; method++) {
        PyObject *name = PyUnicode_FromString(method->ml_name);
        if (!name || PyList_Append(offered, name) < 0) {
            Py_CLEAR(offered);
        }
        Py_XDECREF(name);
    }
    int done = offered ? PyObject_SetAttrString(module, "__all__", offered) : -1;
    Py_XDECREF(offered);
    return done;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)fill_module},
    {0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "The compiled helper; ``native.Helper`` says what it offers.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module);
}
