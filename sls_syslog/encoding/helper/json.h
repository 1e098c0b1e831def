/* Finds values inside the JSON of a field, by the paths of a trie, as `fields.py` does.
 *
 * It must read all of the JSON, as strictly as RFC 8259, and leave to Python what Python may read
 * otherwise: what is no JSON, a key that comes twice where that matters, halves of surrogate pairs.
 * Only peek and take_* read the JSON, and each looks at the end first.
 */

#ifndef SLS_SYSLOG_JSON_H
#define SLS_SYSLOG_JSON_H

#include "form.h"
#include "rendering.h"

enum { DEEPEST = 64 };      /* arrays and objects around a value; C's stack has an end */
enum { MOST_OPEN_KEYS = 96 }; /* of the objects around a place whose keys must differ */
enum { NO_MORE = 0 };       /* what `peek` finds at the end; this byte is never legal */

typedef struct {
    rendering *r;
    const json_field *in;
    const byte *at, *end;
    size_t odd;    /* places at which Python would write the JSON otherwise */
    size_t inside; /* arrays and objects around this place that are values of the event */
    size_t key_count;
    text keys[MOST_OPEN_KEYS]; /* of the objects that are values, or inside such */
} json_reader;

static int take_json(json_reader *j, const node *as, size_t depth);

static byte
peek(const json_reader *j)
{
    return j->at < j->end ? *j->at : NO_MORE;
}

static void
take_white_space(json_reader *j)
{
    for (byte next = peek(j); next == ' ' || next == '\t' || next == '\n' || next == '\r';
         next = peek(j)) {
        j->at++;
        j->odd++;
    }
}

static int
take_byte(json_reader *j, byte expected)
{
    if (peek(j) != expected) {
        return 0;
    }
    j->at++;
    return 1;
}

static int
take_word(json_reader *j, const char *word)
{
    for (; *word; word++) {
        if (!take_byte(j, (byte)*word)) {
            return 0;
        }
    }
    return 1;
}

static size_t
take_digits(json_reader *j)
{
    size_t count = count_digits((text){j->at, (size_t)(j->end - j->at)});
    j->at += count;
    return count;
}

static int
take_number(json_reader *j)
{
    (void)take_byte(j, '-');
    if (!(take_byte(j, '0') || take_digits(j))) {
        return 0;
    }
    if (take_byte(j, '.') && !take_digits(j)) {
        return 0;
    }
    if (peek(j) == 'e' || peek(j) == 'E') {
        j->at++;
        (void)(take_byte(j, '+') || take_byte(j, '-'));
        return take_digits(j) > 0;
    }
    return 1;
}

/* The letter after a backslash with which JSON writes a character; 0 if there is none. */
static byte
find_letter(uint32_t character)
{
    switch (character) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

/* Take the escape whose backslash was taken; 0 if there is none. A half of a pair is one, too. */
static int
take_escape(text *from, uint32_t *character)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (!from->size) {
        return 0;
    }
    byte letter = *from->at++;
    from->size--;
    if (letter != 'u') {
        const char *found = letter ? strchr(letters, letter) : NULL;
        *character = found ? (uint32_t)meant[found - letters] : 0;
        return found != NULL;
    }
    *character = 0;
    if (from->size < 4) {
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        int digit = read_hex(from->at[i]);
        if (digit < 0) {
            return 0;
        }
        *character = 16 * *character + (uint32_t)digit;
    }
    from->at += 4;
    from->size -= 4;
    return 1;
}

/* Take the rest of a string, whose first quote was taken. */
static int
take_string(json_reader *j, text *inside, int *has_escape)
{
    inside->at = j->at;
    *has_escape = 0;
    while (j->at < j->end) {
        uint64_t word;
        if (j->end - j->at >= 8) {
            memcpy(&word, j->at, 8);
            if (is_plain_word(word)) {
                j->at += 8;
                continue;
            }
        }
        byte octet = *j->at;
        if (octet == '"') {
            inside->size = (size_t)(j->at++ - inside->at);
            return 1;
        }
        if (octet == '\\') {
            text rest = {j->at + 1, (size_t)(j->end - j->at - 1)};
            uint32_t character;
            if (!take_escape(&rest, &character)) {
                return 0;
            }
            /* Python writes an escape only where it must, and then this one. */
            j->odd += find_letter(character) != j->at[1];
            j->at = rest.at;
            *has_escape = 1;
            continue;
        }
        size_t size = octet < 0x80 ? octet >= 0x20 && octet != 0x7F
                                   : measure_character(j->at, (size_t)(j->end - j->at));
        if (!size) {
            return 0;
        }
        j->at += size;
    }
    return 0;
}

/* Append a character of which UTF-8 needs at most three bytes; 0 if it is half of a pair. */
static int
append_character(buffer *out, uint32_t character)
{
    byte *to = reserve(out, 3);
    if (!to || (character >= 0xD800 && character <= 0xDFFF)) {
        return 0;
    }
    if (character < 0x80) {
        to[0] = (byte)character;
        out->size += 1;
    }
    else if (character < 0x800) {
        to[0] = (byte)(0xC0 | character >> 6);
        to[1] = (byte)(0x80 | (character & 0x3F));
        out->size += 2;
    }
    else {
        to[0] = (byte)(0xE0 | character >> 12);
        to[1] = (byte)(0x80 | (character >> 6 & 0x3F));
        to[2] = (byte)(0x80 | (character & 0x3F));
        out->size += 3;
    }
    return 1;
}

/* Append a character inside a string, escaped as Python does it. */
static int
append_in_string(buffer *out, uint32_t character)
{
    static const char digits[] = "0123456789abcdef";
    byte letter = find_letter(character);
    if (letter) {
        byte escape[] = {'\\', letter};
        return append(out, (text){escape, 2});
    }
    if (character < 0x20) {
        byte escape[] = {'\\', 'u', '0', '0', (byte)digits[character >> 4],
                         (byte)digits[character & 15]};
        return append(out, (text){escape, 6});
    }
    return append_character(out, character);
}

/* Append JSON that was read, as Python writes it, or the text of a string that was read. */
static int
append_json(buffer *out, text from, int is_string)
{
    int is_inside = is_string;
    while (from.size) {
        size_t plain = 0;
        while (plain < from.size && from.at[plain] > ' ' && from.at[plain] != '"' &&
               from.at[plain] != '\\') {
            plain++;
        }
        if (!append(out, (text){from.at, plain})) {
            return 0;
        }
        from.at += plain;
        from.size -= plain;
        if (!from.size) {
            break;
        }
        byte octet = *from.at++;
        from.size--;
        if (octet == '\\') {
            uint32_t character;
            if (!take_escape(&from, &character) ||
                !(is_string ? append_character(out, character) : append_in_string(out, character))) {
                return 0;
            }
            continue;
        }
        is_inside ^= octet == '"';
        /* Outside of strings, this is white space. */
        if ((octet == '"' || is_inside) && !append(out, (text){&octet, 1})) {
            return 0;
        }
    }
    return 1;
}

/* Note a value at a node, unless one with fewer keys on the way is known; 0 if Python has to look.
 * It has to be written if the event has another text than the JSON. */
static int
note_value(json_reader *j, const node *as, text value, int is_string, int is_written)
{
    rendering *r = j->r;
    finding *found = &r->found[as->place];
    if (found->depth <= as->depth) { /* NOT_FOUND is more than any */
        return 1;
    }
    size_t offset = r->json.size;
    if (is_written) {
        if (!append_json(&r->json, value, is_string)) {
            return 0;
        }
        value = (text){r->json.data + offset, r->json.size - offset};
    }
    if (is_written ? !is_tidy(value) : !has_tidy_ends(value)) {
        return 0;
    }
    r->values[as->place] = (text){value.at, is_nothing(value) ? 0 : value.size};
    *found = (finding){as->depth, offset, is_written};
    return 1;
}

static const node *
find_child(const json_reader *j, const node *as, text key)
{
    for (size_t i = 0; as && i < as->count; i++) {
        const node *child = &j->in->nodes[as->first + i];
        if (child->key.size == key.size && !memcmp(child->key.at, key.at, key.size)) {
            return child;
        }
    }
    return NULL;
}

static const node *
find_item(const json_reader *j, const node *as, size_t number)
{
    for (size_t i = 0; as && i < as->count; i++) {
        const node *child = &j->in->nodes[as->first + i];
        if (child->number >= 0 && (size_t)child->number == number) {
            return child;
        }
    }
    return NULL;
}

/* Whether a key is one that Python would read like this: only once where that matters. */
static int
is_new_key(json_reader *j, size_t before, text key, const node *child)
{
    if (child) {
        byte *is_seen = &j->r->is_seen[child - j->in->nodes];
        if (*is_seen) {
            return 0;
        }
        *is_seen = 1;
    }
    if (!j->inside) {
        return 1;
    }
    for (size_t i = before; i < j->key_count; i++) {
        if (j->keys[i].size == key.size && !memcmp(j->keys[i].at, key.at, key.size)) {
            return 0;
        }
    }
    if (j->key_count == MOST_OPEN_KEYS) {
        return 0;
    }
    j->keys[j->key_count++] = key;
    return 1;
}

/* Take the rest of an object, whose first byte was taken. */
static int
take_object(json_reader *j, const node *as, size_t depth)
{
    size_t before = j->key_count;
    take_white_space(j);
    if (take_byte(j, '}')) {
        return 1;
    }
    for (;;) {
        text key;
        int has_escape;
        if (!take_byte(j, '"') || !take_string(j, &key, &has_escape) ||
            (has_escape && (as || j->inside))) {
            return 0;
        }
        const node *child = find_child(j, as, key);
        if (!is_new_key(j, before, key, child)) {
            return 0;
        }
        take_white_space(j);
        if (!take_byte(j, ':') || !take_json(j, child, depth)) {
            return 0;
        }
        if (take_byte(j, '}')) {
            j->key_count = before;
            return 1;
        }
        if (!take_byte(j, ',')) {
            return 0;
        }
        take_white_space(j);
    }
}

/* Take the rest of an array, whose first byte was taken. */
static int
take_array(json_reader *j, const node *as, size_t depth)
{
    take_white_space(j);
    if (take_byte(j, ']')) {
        return 1;
    }
    for (size_t number = 0;; number++) {
        if (!take_json(j, find_item(j, as, number), depth)) {
            return 0;
        }
        if (take_byte(j, ']')) {
            return 1;
        }
        if (!take_byte(j, ',')) {
            return 0;
        }
    }
}

/* Take a value and the white space around it. Note it, and what is inside, if the trie wants it. */
static int
take_json(json_reader *j, const node *as, size_t depth)
{
    int is_wanted = as && as->place >= 0, is_string = 0, is_other = 0, done;
    take_white_space(j);
    size_t odd = j->odd;
    text value = {j->at, 0};
    byte first = peek(j);
    if (first == '{' || first == '[') {
        if (depth == DEEPEST) {
            return 0;
        }
        j->at++;
        j->inside += (size_t)is_wanted;
        done = first == '{' ? take_object(j, as, depth + 1) : take_array(j, as, depth + 1);
        j->inside -= (size_t)is_wanted;
        value.size = (size_t)(j->at - value.at);
        is_other = j->odd != odd;
    }
    else if (first == '"') {
        j->at++;
        is_string = 1;
        done = take_string(j, &value, &is_other);
    }
    else if (first == 'n') {
        is_wanted = 0; /* null is no value */
        done = take_word(j, "null");
    }
    else {
        done = first == 't' ? take_word(j, "true")
               : first == 'f' ? take_word(j, "false")
                              : take_number(j);
        value.size = (size_t)(j->at - value.at);
    }
    if (!done || (is_wanted && !note_value(j, as, value, is_string, is_other))) {
        return 0;
    }
    take_white_space(j);
    return 1;
}

/* Have the values inside the JSON of one field; 0 if Python has to write the log. */
static int
find_values_in_field(rendering *r, const json_field *in)
{
    text whole = r->log.fields[in->source].value; /* compile_event_layout checked the number */
    if (!whole.size || (*whole.at != '{' && *whole.at != '[')) {
        return is_tidy(whole); /* then it has no values inside */
    }
    if (in->node_count > r->seen_room) {
        byte *is_seen = realloc(r->is_seen, in->node_count);
        if (!is_seen) {
            r->json.is_out_of_memory = 1;
            return 0;
        }
        r->is_seen = is_seen;
        r->seen_room = in->node_count;
    }
    memset(r->is_seen, 0, in->node_count);
    json_reader j;
    j.r = r;
    j.in = in;
    j.at = whole.at;
    j.end = whole.at + whole.size;
    j.odd = j.inside = j.key_count = 0;
    /* White space behind the JSON is none of it for Python. */
    return take_json(&j, in->nodes, 0) && j.at == j.end && j.end[-1] > ' ';
}

/* Have the values inside the JSON of all fields; 0 if Python has to write the log. */
static int
find_values_in_json(rendering *r, const event_layout *as)
{
    r->json.size = 0;
    for (size_t i = 0; i < as->json_count; i++) {
        if (!find_values_in_field(r, &as->jsons[i])) {
            return 0;
        }
    }
    for (size_t i = 0; i < as->place_count; i++) {
        if (as->sources[i] == NO_SOURCE && r->found[i].is_written) {
            r->values[i].at = r->json.data + r->found[i].offset; /* the buffer may have moved */
        }
    }
    return 1;
}

#endif
