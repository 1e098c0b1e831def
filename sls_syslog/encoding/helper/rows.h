/* Reads the logs of a group as rows, for logs that Python has to write.
 *
 * It must not judge keys or values: they are copied as they are.
 */

#ifndef SLS_SYSLOG_ROWS_H
#define SLS_SYSLOG_ROWS_H

#include "protobuf.h"

/* The keys of a log; most logs have those of the log before them. */
typedef struct {
    PyObject *made; /* a tuple of bytes; NULL before the first log */
    text *texts;
    size_t count, room;
} known_keys;

static PyObject *
make_bytes(text from)
{
    return PyBytes_FromStringAndSize((const char *)from.at, (Py_ssize_t)from.size);
}

static int
has_known_keys(const known_keys *known, const log_entry *log)
{
    int is_same = known->made != NULL && known->count == log->count;
    for (size_t i = 0; is_same && i < log->count; i++) {
        text one = known->texts[i], other = log->fields[i].key;
        is_same = one.size == other.size && !memcmp(one.at, other.at, one.size);
    }
    return is_same;
}

/* Make a tuple of the keys of a log, or of its values. */
static PyObject *
make_texts(const log_entry *log, int of_keys)
{
    PyObject *made = PyTuple_New((Py_ssize_t)log->count);
    for (size_t i = 0; made && i < log->count; i++) {
        PyObject *next = make_bytes(of_keys ? log->fields[i].key : log->fields[i].value);
        if (!next || PyTuple_SetItem(made, (Py_ssize_t)i, next) < 0) {
            Py_CLEAR(made);
        }
    }
    return made;
}

/* Have the keys of a log; 0 and an exception if there is no memory. */
static int
learn_keys(known_keys *known, const log_entry *log)
{
    if (has_known_keys(known, log)) {
        return 1;
    }
    if (known->room < log->count) {
        text *texts = realloc(known->texts, log->room * sizeof(text));
        if (!texts) {
            PyErr_NoMemory();
            return 0;
        }
        known->texts = texts;
        known->room = log->room;
    }
    for (size_t i = 0; i < log->count; i++) {
        known->texts[i] = log->fields[i].key;
    }
    known->count = log->count;
    Py_XDECREF(known->made);
    known->made = make_texts(log, 1);
    return known->made != NULL;
}

/* Add the row of a log; STRANGE if it is not as writers have it. */
static int
add_row(PyObject *rows, text from, log_entry *log, known_keys *known)
{
    int found = read_log(from, log);
    if (found != READ) {
        if (found == NO_MEMORY) {
            PyErr_NoMemory();
        }
        return found;
    }
    PyObject *values = learn_keys(known, log) ? make_texts(log, 0) : NULL;
    PyObject *row = values ? Py_BuildValue("OIIO", known->made, (unsigned)log->seconds,
                                           (unsigned)log->nanoseconds, values)
                           : NULL;
    found = row && PyList_Append(rows, row) == 0 ? READ : NO_MEMORY;
    Py_XDECREF(values);
    Py_XDECREF(row);
    return found;
}

/* List the rows of a group; Py_None if one log is not as most writers have it. */
static PyObject *
list_rows(text group)
{
    PyObject *rows = PyList_New(0);
    log_entry log = {0};
    known_keys known = {0};
    int found = rows ? READ : NO_MEMORY;
    while (found == READ && group.size) {
        text block;
        byte tag = *group.at;
        if (!is_group_tag(tag) || !take_tag(&group, tag) || !take_block(&group, &block)) {
            found = STRANGE;
        }
        else if (tag == GROUP_LOG) {
            found = add_row(rows, block, &log, &known);
        }
    }
    free(log.fields);
    free(known.texts);
    Py_XDECREF(known.made);
    return end_list(rows, found);
}

#endif
