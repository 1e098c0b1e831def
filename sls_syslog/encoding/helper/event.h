/* Writes a log as an event, by the layout of an event.
 *
 * What is not certain must be left to Python: FOR_PYTHON.
 */

#ifndef SLS_SYSLOG_EVENT_H
#define SLS_SYSLOG_EVENT_H

#include "json.h"

/* Have the values of the log that was read; 0 if Python has to write it. */
static int
find_values(rendering *r, const event_layout *as)
{
    if (as->place_count > r->value_room) {
        text *values = realloc(r->values, as->place_count * sizeof(text));
        if (values) {
            r->values = values;
        }
        finding *found = realloc(r->found, as->place_count * sizeof(finding));
        if (found) {
            r->found = found;
        }
        if (!values || !found) {
            r->out.is_out_of_memory = 1;
            return 0;
        }
        r->value_room = as->place_count;
    }
    for (size_t i = 0; i < as->place_count; i++) {
        Py_ssize_t source = as->sources[i];
        if (source == SECONDS || source == NANOSECONDS) {
            uint32_t number = source == SECONDS ? r->log.seconds : r->log.nanoseconds;
            r->values[i] = format_number(number, r->time_digits[source == SECONDS]);
            continue;
        }
        if (source == NO_SOURCE) {
            r->values[i] = NO_TEXT;
            r->found[i] = (finding){NOT_FOUND, 0, 0};
            continue;
        }
        text value = r->log.fields[source].value; /* compile_event_layout checked the number */
        if (!is_tidy(value)) {
            return 0;
        }
        r->values[i] = (text){value.at, is_nothing(value) ? 0 : value.size};
    }
    return !as->json_count || find_values_in_json(r, as);
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
        uint64_t time = from->form == TIME ? convert_time(value) : 0;
        *taken += value.size;
        if (!time || (room >= 0 && *taken > (size_t)room)) {
            return INEXACT;
        }
        return append(&r->out, format_number(time, digits)) ? WRITTEN : FOR_PYTHON;
    }
    *taken += value.size;
    if (room >= 0 && *taken > (size_t)room) {
        return INEXACT;
    }
    return append_text(&r->out, as, value);
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
    text before = {0}, behind = {0};
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

#endif
