/* The compiled helper of encoding; native.py loads it, and says what each function promises.
 *
 * It must give the result of pure Python, or none. All other files are included here, so that the
 * compiler sees the helper as a whole; each has a part that can be read alone:
 *
 *     text.h       what bytes hold                 protobuf.h   logs in the bytes of a group
 *     layout.h     how to write kinds of logs      compile.h    makes these from what Python gives
 *     buffer.h     bytes that are written          form.h       what values look like
 *     rendering.h  what is known of a group        event.h      writes a log as an event
 *     json.h       values inside JSON              group.h      renders a group
 *     batch.h      finds the groups of a batch  rows.h       logs as rows, for Python
 */

#include "batch.h"
#include "compile.h"
#include "group.h"

/* Raise it, here and in native.py, with each change of what is offered: else a clone whose helper was
 * built before the change would use it. */
enum { INTERFACE = 9 };

static PyObject *
is_legal(PyObject *self, PyObject *object)
{
    text whole;
    (void)self;
    return point_to(object, &whole) ? PyBool_FromLong(!(classify_text(whole) & (ILLEGAL | LINE_END))) : NULL;
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
find_groups(PyObject *self, PyObject *object)
{
    text whole;
    (void)self;
    return point_to(object, &whole) ? list_groups(whole) : NULL;
}

/* Point to a part of the bytes of an object; 0 and an exception if it has no such part. */
static int
point_into(PyObject *body, Py_ssize_t begin, Py_ssize_t end, text *to)
{
    text whole;
    if (!point_to(body, &whole)) {
        return 0;
    }
    size_t stop = end == PY_SSIZE_T_MAX ? whole.size : (size_t)end;
    if (begin < 0 || end < begin || stop > whole.size || (size_t)begin > stop) {
        PyErr_SetString(PyExc_ValueError, "expected begin <= end <= the size of body");
        return 0;
    }
    *to = (text){whole.at + begin, stop - (size_t)begin};
    return 1;
}

static PyObject *
read_rows(PyObject *self, PyObject *arguments)
{
    PyObject *body;
    Py_ssize_t begin, end;
    text group;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Snn", &body, &begin, &end) ||
        !point_into(body, begin, end, &group)) {
        return NULL;
    }
    return list_rows(group);
}

static PyObject *
render_group(PyObject *self, PyObject *arguments)
{
    PyObject *body, *layouts;
    Py_ssize_t begin = 0, end = PY_SSIZE_T_MAX;
    rendering r = {0};
    text group;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "SO!OOnnip|nn", &body, &PyList_Type, &layouts, &r.find_layout,
                          &r.make_start, &r.fraction_at, &r.limit, &r.framing, &r.is_as_sent,
                          &begin, &end) ||
        !point_into(body, begin, end, &group)) {
        return NULL;
    }
    int done = 1;
    for (Py_ssize_t i = 0; done && i < PyList_Size(layouts); i++) {
        done = add_layout(&r, PyList_GetItem(layouts, i));
    }
    /* A good guess saves copies; `reserve` makes the room that is needed. */
    done = done && make_field_room(&r.log) && reserve(&r.out, group.size + group.size / 4 + 4096) &&
           reserve(&r.key, 256) &&
           reserve(&r.decoded, 256) && reserve(&r.json, 256) && render_logs(&r, group);
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
    {"find_groups", find_groups, METH_O, NULL},
    {"is_legal", is_legal, METH_O, NULL},
    {"read_rows", read_rows, METH_VARARGS, NULL},
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
