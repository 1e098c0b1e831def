/* Renders and frames all logs of a group.
 *
 * A log that cannot be written must leave no byte behind: it becomes a piece for Python.
 */

#ifndef SLS_SYSLOG_GROUP_H
#define SLS_SYSLOG_GROUP_H

#include "event.h"

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
                r->json.is_out_of_memory || PyErr_Occurred()) {
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
        if (!is_group_tag(tag) || !take_tag(&group, tag) || !take_block(&group, &block)) {
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
    free(r->json.data);
    free(r->values);
    free(r->found);
    free(r->is_seen);
    free(r->pieces);
    Py_XDECREF(r->start);
}

#endif
