/* Finds the groups of a batch, and reads what all logs of a group share.
 *
 * Of logs it reads only the time; rendering reads the rest.
 */

#ifndef SLS_SYSLOG_BATCH_H
#define SLS_SYSLOG_BATCH_H

#include "protobuf.h"

enum { BATCH_GROUP = 0x0A };
enum { TAG_NAME = 0x0A, TAG_VALUE = 0x12 };

/* What SLS says of a group. */
typedef struct {
    text topic, source;
    PyObject *tags; /* a list of pairs */
    Py_ssize_t logs;
    uint32_t first, last; /* seconds since 1970 */
} group_head;

/* Make a text of Python, or bytes if it is not UTF-8, as protobuf does. */
static PyObject *
make_text(text from)
{
    PyObject *made = PyUnicode_DecodeUTF8((const char *)from.at, (Py_ssize_t)from.size, "strict");
    if (!made && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        made = PyBytes_FromStringAndSize((const char *)from.at, (Py_ssize_t)from.size);
    }
    return made;
}

/* Add a tag, in the bytes of a message; STRANGE if it is not as writers have it. */
static int
add_tag(PyObject *tags, text from)
{
    text name, value;
    if (!take_tag(&from, TAG_NAME) || !take_block(&from, &name) || !take_tag(&from, TAG_VALUE) ||
        !take_block(&from, &value) || from.size) {
        return STRANGE;
    }
    PyObject *made_name = make_text(name), *made_value = make_text(value);
    PyObject *pair = made_name && made_value ? PyTuple_Pack(2, made_name, made_value) : NULL;
    int done = pair ? PyList_Append(tags, pair) : -1;
    Py_XDECREF(made_name);
    Py_XDECREF(made_value);
    Py_XDECREF(pair);
    return done < 0 ? NO_MEMORY : READ;
}

/* Take a text that may stand once. */
static int
take_once(text *from, text *block)
{
    return !block->at && take_block(from, block);
}

/* Read the head of a group; NO_MEMORY if there is an exception of Python. */
static int
read_head(text from, group_head *head)
{
    while (from.size) {
        text block;
        int found = STRANGE;
        if (take_tag(&from, GROUP_LOG)) {
            if (take_block(&from, &block) && take_tag(&block, LOG_TIME) &&
                take_varint(&block, &head->last) && !take_tag(&block, LOG_TIME)) {
                head->first = head->logs++ ? head->first : head->last;
                found = READ;
            }
        }
        else if (take_tag(&from, GROUP_TOPIC)) {
            found = take_once(&from, &head->topic) ? READ : STRANGE;
        }
        else if (take_tag(&from, GROUP_SOURCE)) {
            found = take_once(&from, &head->source) ? READ : STRANGE;
        }
        else if (take_tag(&from, GROUP_TAG)) {
            found = take_block(&from, &block) ? add_tag(head->tags, block) : STRANGE;
        }
        else if (take_tag(&from, GROUP_RESERVED) || take_tag(&from, GROUP_MACHINE)) {
            found = take_block(&from, &block) ? READ : STRANGE;
        }
        if (found != READ) {
            return found;
        }
    }
    return READ;
}

/* Make what native.FoundGroup says; NULL and an exception if that fails. */
static PyObject *
make_found_group(const group_head *head, size_t begin, size_t end)
{
    PyObject *topic = make_text(head->topic), *source = make_text(head->source);
    PyObject *tags = PyList_AsTuple(head->tags), *made = NULL;
    if (topic && source && tags) {
        made = Py_BuildValue("(OOOnII)(nn)", topic, source, tags, head->logs, (unsigned)head->first,
                             (unsigned)head->last, (Py_ssize_t)begin, (Py_ssize_t)end);
    }
    Py_XDECREF(topic);
    Py_XDECREF(source);
    Py_XDECREF(tags);
    return made;
}

/* Add the group in the bytes from `begin` to `end` of a batch. */
static int
add_group(PyObject *groups, text whole, size_t begin, size_t end)
{
    group_head head = {.tags = PyList_New(0)};
    text bytes = {whole.at + begin, end - begin};
    int found = head.tags ? read_head(bytes, &head) : NO_MEMORY;
    if (found == READ) {
        PyObject *made = make_found_group(&head, begin, end);
        found = made && PyList_Append(groups, made) == 0 ? READ : NO_MEMORY;
        Py_XDECREF(made);
    }
    Py_XDECREF(head.tags);
    return found;
}

/* List the groups of a batch; Py_None if the bytes are not as most writers have them. */
static PyObject *
list_groups(text whole)
{
    PyObject *groups = PyList_New(0);
    text rest = whole, block;
    int found = groups ? READ : NO_MEMORY;
    while (found == READ && rest.size) {
        if (!take_tag(&rest, BATCH_GROUP) || !take_block(&rest, &block)) {
            found = STRANGE;
            break;
        }
        size_t begin = (size_t)(block.at - whole.at);
        found = add_group(groups, whole, begin, begin + block.size);
    }
    return end_list(groups, found);
}

#endif
