/* The compiled helper of encoding; native.py loads it, and says what each function promises.
 *
 * It must give the result of pure Python, or none. It must not read outside of its input, whatever
 * this holds. It uses the limited API, so that one build serves all versions of CPython.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

typedef unsigned char byte;

/* ---- Texts ---- */

enum {
    PLAIN = 0,
    ILLEGAL = 1, /* a newline policy would change it, or it is not UTF-8 */
    SPECIAL = 2, /* JSON escapes it */
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
    return octet < 0x20 || octet == 0x7F ? ILLEGAL : PLAIN;
}

/* The bytes of the character outside ASCII at the start of a text; 0 if it is illegal. */
static size_t
measure_character(const byte *text, size_t size)
{
    byte first = text[0], least = 0x80, most = 0xBF;
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
    if (text[1] < least || text[1] > most) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (text[i] < 0x80 || text[i] > 0xBF) {
            return 0;
        }
    }
    /* LINE SEPARATOR and PARAGRAPH SEPARATOR */
    int is_separator = first == 0xE2 && text[1] == 0x80 && (text[2] == 0xA8 || text[2] == 0xA9);
    return is_separator ? 0 : length;
}

/* What a text holds: ILLEGAL, or SPECIAL, or only PLAIN. */
static int
classify_text(const byte *text, size_t size)
{
    int found = PLAIN;
    size_t i = 0;
    while (i < size) {
        if (text[i] >= 0x80) {
            size_t length = measure_character(text + i, size - i);
            if (!length) {
                return ILLEGAL;
            }
            i += length;
            continue;
        }
        if (size - i >= 8) {
            uint64_t word;
            memcpy(&word, text + i, 8);
            if (is_plain_word(word)) {
                i += 8;
                continue;
            }
        }
        found |= classify_ascii(text[i++]);
        if (found & ILLEGAL) {
            return ILLEGAL;
        }
    }
    return found;
}

/* ---- What Python calls ---- */

static PyObject *
is_legal(PyObject *module, PyObject *text)
{
    char *data;
    Py_ssize_t size;
    (void)module;
    if (PyBytes_AsStringAndSize(text, &data, &size) < 0) {
        return NULL;
    }
    return PyBool_FromLong(classify_text((const byte *)data, (size_t)size) != ILLEGAL);
}

static PyMethodDef methods[] = {
    {"is_legal", is_legal, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* Offer each function in __all__. */
static int
fill_module(PyObject *module)
{
    PyObject *offered = PyList_New(0);
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
