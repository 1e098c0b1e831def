/* Makes layouts of what Python gives.
 *
 * It must check every number: what is written later believes it.
 */

#ifndef SLS_SYSLOG_COMPILE_H
#define SLS_SYSLOG_COMPILE_H

#include "layout.h"

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

/* Whether a node may have this place: none, or that of a value inside JSON. */
static int
is_place_of_json(const event_layout *event, Py_ssize_t place)
{
    return place < 0 ||
           (place < (Py_ssize_t)event->place_count && event->sources[place] == NO_SOURCE);
}

/* Read a field with JSON: source, nodes. */
static int
read_json(PyObject *from, size_t key_count, const event_layout *event, json_field *to)
{
    PyObject *nodes;
    if (!PyTuple_Check(from)) {
        PyErr_SetString(PyExc_TypeError, "expected a field with JSON as a tuple");
        return 0;
    }
    if (!PyArg_ParseTuple(from, "nO!", &to->source, &PyTuple_Type, &nodes)) {
        return 0;
    }
    to->node_count = (size_t)PyTuple_Size(nodes);
    to->nodes = calloc(to->node_count + 1, sizeof(node));
    if (!to->nodes) {
        PyErr_NoMemory();
        return 0;
    }
    int is_right = to->source >= 0 && to->source < (Py_ssize_t)key_count && to->node_count;
    for (size_t i = 0; is_right && i < to->node_count; i++) {
        PyObject *next = PyTuple_GetItem(nodes, (Py_ssize_t)i), *key;
        node *own = &to->nodes[i];
        Py_ssize_t depth, first, count;
        if (!PyTuple_Check(next)) {
            PyErr_SetString(PyExc_TypeError, "expected a node as a tuple");
            return 0;
        }
        if (!PyArg_ParseTuple(next, "Snnnnn", &key, &own->number, &own->place, &depth, &first, &count) ||
            !point_to(key, &own->key)) {
            return 0;
        }
        own->depth = (size_t)depth;
        own->first = (size_t)first;
        own->count = (size_t)count;
        /* Children come later, so no way through the trie has an end other than its leaves. */
        is_right = is_place_of_json(event, own->place) && depth >= 0 && count >= 0 &&
                   first > (Py_ssize_t)i && own->first <= to->node_count &&
                   own->count <= to->node_count - own->first;
    }
    if (!is_right) {
        PyErr_SetString(PyExc_ValueError, "a node has an unknown source, place or child");
    }
    return is_right;
}

/* Read the layout of an event: sources by place, fields with JSON, head, parts, special bytes, what
 * replaces each of these, and whether the mapping fits. */
static int
read_event(PyObject *from, size_t key_count, event_layout *to)
{
    PyObject *sources, *jsons, *head, *parts, *special, *replacements;
    if (!PyArg_ParseTuple(from, "O!O!OO!SO!p", &PyTuple_Type, &sources, &PyTuple_Type, &jsons, &head,
                          &PyTuple_Type, &parts, &special, &PyTuple_Type, &replacements,
                          &to->is_found) ||
        !point_to(special, &to->special)) {
        return 0;
    }
    if ((size_t)PyTuple_Size(replacements) != to->special.size) {
        PyErr_SetString(PyExc_ValueError, "not every special byte has a replacement");
        return 0;
    }
    to->place_count = (size_t)PyTuple_Size(sources);
    to->sources = calloc(to->place_count + 1, sizeof(Py_ssize_t));
    to->json_count = (size_t)PyTuple_Size(jsons);
    to->jsons = calloc(to->json_count + 1, sizeof(json_field));
    to->part_count = (size_t)PyTuple_Size(parts);
    to->parts = calloc(to->part_count + 1, sizeof(event_part));
    to->replacements = calloc(to->special.size + 1, sizeof(text));
    if (!to->sources || !to->jsons || !to->parts || !to->replacements) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < to->place_count; i++) {
        Py_ssize_t source = PyLong_AsSsize_t(PyTuple_GetItem(sources, (Py_ssize_t)i));
        if (PyErr_Occurred()) {
            return 0;
        }
        if (source < NANOSECONDS || source >= (Py_ssize_t)key_count) {
            PyErr_SetString(PyExc_ValueError, "an event has an unknown source");
            return 0;
        }
        to->sources[i] = source;
    }
    int done = read_question(head, to->place_count, &to->head);
    for (size_t i = 0; done && i < to->json_count; i++) {
        PyObject *next = PyTuple_GetItem(jsons, (Py_ssize_t)i);
        done = read_json(next, key_count, to, &to->jsons[i]);
    }
    for (size_t i = 0; done && i < to->special.size; i++) {
        done = point_to(PyTuple_GetItem(replacements, (Py_ssize_t)i), &to->replacements[i]);
    }
    for (size_t i = 0; done && i < to->part_count; i++) {
        PyObject *next = PyTuple_GetItem(parts, (Py_ssize_t)i);
        done = read_event_part(next, to->place_count, &to->parts[i]);
    }
    return done;
}

#endif
