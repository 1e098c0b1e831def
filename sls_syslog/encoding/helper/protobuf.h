/* Reads logs from the bytes of a group, as protobuf has them.
 *
 * Only take_* read: each looks at the end first. A log in a form that writers do not use is STRANGE.
 */

#ifndef SLS_SYSLOG_PROTOBUF_H
#define SLS_SYSLOG_PROTOBUF_H

#include "text.h"

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

enum {
    GROUP_LOG = 0x0A,
    GROUP_RESERVED = 0x12,
    GROUP_TOPIC = 0x1A,
    GROUP_SOURCE = 0x22,
    GROUP_MACHINE = 0x2A,
    GROUP_TAG = 0x32,
};

/* Whether a part of a group can begin with this byte. */
static int
is_group_tag(byte tag)
{
    return tag == GROUP_LOG || tag == GROUP_RESERVED || tag == GROUP_TOPIC ||
           tag == GROUP_SOURCE || tag == GROUP_MACHINE || tag == GROUP_TAG;
}

enum { LOG_TIME = 0x08, LOG_FIELD = 0x12, LOG_NANOSECONDS = 0x25 };
enum { FIELD_KEY = 0x0A, FIELD_VALUE = 0x12 };

enum { STRANGE, READ, NO_MEMORY };

/* Return a list of what was read, Py_None if it is STRANGE, or NULL if there is an exception. */
static PyObject *
end_list(PyObject *list, int found)
{
    if (found == READ) {
        return list;
    }
    Py_XDECREF(list);
    if (found == NO_MEMORY) {
        return NULL;
    }
    Py_INCREF(Py_None);
    return Py_None;
}

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

#endif
