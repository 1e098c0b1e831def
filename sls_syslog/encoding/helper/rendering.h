/* What is known while a group is rendered: layouts, the start of messages, and the results so far.
 *
 * Only this file asks Python for layouts and starts.
 */

#ifndef SLS_SYSLOG_RENDERING_H
#define SLS_SYSLOG_RENDERING_H

#include "buffer.h"
#include "layout.h"
#include "rows.h"

/* Bytes that were written, or a log that Python has to write. */
typedef struct {
    size_t begin, end;
    Py_ssize_t log; /* -1 for bytes */
} piece;

/* Where a value inside JSON was found. */
typedef struct {
    size_t depth;  /* of its last key; NOT_FOUND if there is none yet */
    size_t offset; /* in `json`, if it had to be written there */
    int is_written;
} finding;

#define NOT_FOUND SIZE_MAX

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
    buffer out, key, decoded, json;
    text *values;   /* of an event, by place */
    finding *found; /* what is known of these inside JSON */
    size_t value_room;
    byte *is_seen; /* of a trie, by node */
    size_t seen_room;
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
    PyObject *keys = make_texts(&r->log, 1);
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

#endif
