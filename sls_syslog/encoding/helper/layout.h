/* Layouts: how to write logs with the same keys. `columns.py` says what they mean.
 *
 * They hold what Python gave, checked by compile.h, and must not change while a group is rendered.
 */

#ifndef SLS_SYSLOG_LAYOUT_H
#define SLS_SYSLOG_LAYOUT_H

#include "protobuf.h"

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

/* A key in JSON that is on the way to values: see json_trie.py. */
typedef struct {
    text key;
    Py_ssize_t number, place; /* -1 for none */
    size_t depth, first, count;
} node;

/* A field whose JSON holds values. */
typedef struct {
    Py_ssize_t source;
    size_t node_count;
    node *nodes;
} json_field;

typedef struct event_layout {
    size_t place_count, part_count, json_count;
    Py_ssize_t *sources; /* by place; NO_SOURCE for a value inside JSON */
    json_field *jsons;
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
        for (size_t i = 0; old->jsons && i < old->json_count; i++) {
            free(old->jsons[i].nodes);
        }
        free(old->jsons);
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

#endif
