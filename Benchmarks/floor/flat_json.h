/* Flat JSON objects for the floor: read into pairs of name and value, and written again. A value is a string, unescaped
 * here, a number, true, false or null as it was written; nested values are refused, because the floor has none.
 * Invariant: what is no flat object is refused, never guessed; names and values live in the object's own buffer until
 * the next reading into it. */
#ifndef FLAT_JSON_H
#define FLAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAT_MAX_FIELDS = 32, FLAT_MAX_BYTES = 8192 };

typedef struct {
    const char *bytes;
    size_t length;
} flat_text;

typedef struct {
    flat_text name, value;
    bool is_string;
} flat_field;

typedef struct {
    flat_field fields[FLAT_MAX_FIELDS];
    size_t count;
    char buffer[FLAT_MAX_BYTES];
} flat_object;

typedef struct {
    const char *at, *end;
    char *out, *out_end;
} flat_reader;

static inline void flat_skip(flat_reader *reader) {
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at) reader->at++;
}

static inline bool flat_take(flat_reader *reader, char wanted) {
    flat_skip(reader);
    if (reader->at >= reader->end || *reader->at != wanted) return false;
    reader->at++;
    return true;
}

static inline bool flat_put_scalar(flat_reader *reader, uint32_t scalar) {
    if (reader->out_end - reader->out < 4) return false;
    if (scalar < 0x80) {
        *reader->out++ = (char)scalar;
    } else if (scalar < 0x800) {
        *reader->out++ = (char)(0xC0 | scalar >> 6);
        *reader->out++ = (char)(0x80 | (scalar & 63));
    } else if (scalar < 0x10000) {
        *reader->out++ = (char)(0xE0 | scalar >> 12);
        *reader->out++ = (char)(0x80 | (scalar >> 6 & 63));
        *reader->out++ = (char)(0x80 | (scalar & 63));
    } else {
        *reader->out++ = (char)(0xF0 | scalar >> 18);
        *reader->out++ = (char)(0x80 | (scalar >> 12 & 63));
        *reader->out++ = (char)(0x80 | (scalar >> 6 & 63));
        *reader->out++ = (char)(0x80 | (scalar & 63));
    }
    return true;
}

static inline bool flat_hex(flat_reader *reader, uint32_t *unit) {
    *unit = 0;
    if (reader->end - reader->at < 4) return false;
    for (int digit = 0; digit < 4; digit++) {
        char c = *reader->at++;
        uint32_t value;
        if (c >= '0' && c <= '9') value = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f') value = (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') value = (uint32_t)(c - 'A' + 10);
        else return false;
        *unit = *unit << 4 | value;
    }
    return true;
}

static inline bool flat_escape(flat_reader *reader) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (reader->at >= reader->end) return false;
    char c = *reader->at++;
    if (c != 'u') {
        const char *found = c ? strchr(names, c) : NULL;
        return found && flat_put_scalar(reader, (unsigned char)values[found - names]);
    }
    uint32_t unit, low;
    if (!flat_hex(reader, &unit)) return false;
    if (unit >= 0xDC00 && unit < 0xE000) return false;
    if (unit < 0xD800 || unit > 0xDBFF) return flat_put_scalar(reader, unit);
    if (reader->end - reader->at < 6 || reader->at[0] != '\\' || reader->at[1] != 'u') return false;
    reader->at += 2;
    if (!flat_hex(reader, &low) || low < 0xDC00 || low > 0xDFFF) return false;
    return flat_put_scalar(reader, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
}

static inline bool flat_string(flat_reader *reader, flat_text *text) {
    if (!flat_take(reader, '"')) return false;
    text->bytes = reader->out;
    while (reader->at < reader->end) {
        char c = *reader->at++;
        if (c == '"') {
            text->length = (size_t)(reader->out - text->bytes);
            return true;
        }
        if (c == '\\') {
            if (!flat_escape(reader)) return false;
        } else if ((unsigned char)c < 0x20 || reader->out >= reader->out_end) {
            return false;
        } else {
            *reader->out++ = c;
        }
    }
    return false;
}

/* A number, true, false or null, kept as written. */
static inline bool flat_word(flat_reader *reader, flat_text *text) {
    text->bytes = reader->out;
    while (reader->at < reader->end && !strchr(",} \t\r\n", *reader->at)) {
        if (reader->out >= reader->out_end) return false;
        *reader->out++ = *reader->at++;
    }
    text->length = (size_t)(reader->out - text->bytes);
    if (text->length == 0) return false;
    char c = text->bytes[0];
    if (c == '-' || (c >= '0' && c <= '9')) {
        for (size_t i = 0; i < text->length; i++)
            if (!strchr("0123456789+-.eE", text->bytes[i])) return false;
        return true;
    }
    return (text->length == 4 && (!memcmp(text->bytes, "true", 4) || !memcmp(text->bytes, "null", 4)))
        || (text->length == 5 && !memcmp(text->bytes, "false", 5));
}

static inline bool flat_read(flat_object *object, const char *bytes, size_t length) {
    flat_reader reader = {bytes, bytes + length, object->buffer, object->buffer + sizeof object->buffer};
    object->count = 0;
    if (!flat_take(&reader, '{')) return false;
    if (flat_take(&reader, '}')) return true;
    do {
        if (object->count == FLAT_MAX_FIELDS) return false;
        flat_field *field = &object->fields[object->count++];
        if (!flat_string(&reader, &field->name) || !flat_take(&reader, ':')) return false;
        flat_skip(&reader);
        field->is_string = reader.at < reader.end && *reader.at == '"';
        if (!(field->is_string ? flat_string(&reader, &field->value) : flat_word(&reader, &field->value))) return false;
    } while (flat_take(&reader, ','));
    if (!flat_take(&reader, '}')) return false;
    flat_skip(&reader);
    return reader.at == reader.end;
}

static inline flat_field *flat_find(flat_object *object, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < object->count; i++)
        if (object->fields[i].name.length == length && !memcmp(object->fields[i].name.bytes, name, length))
            return &object->fields[i];
    return NULL;
}

static inline bool flat_same(const flat_field *left, const flat_field *right) {
    return left->is_string == right->is_string && left->value.length == right->value.length
        && !memcmp(left->value.bytes, right->value.bytes, left->value.length);
}

/* Text under construction, of bounded size. */
typedef struct {
    char bytes[2 * FLAT_MAX_BYTES];
    size_t length;
} flat_writer;

static inline void flat_put(flat_writer *writer, const char *bytes, size_t length) {
    if (writer->length + length > sizeof writer->bytes) {
        fprintf(stderr, "floor: a document is larger than %zu bytes\n", sizeof writer->bytes);
        exit(1);
    }
    memcpy(writer->bytes + writer->length, bytes, length);
    writer->length += length;
}

static inline void flat_put_string(flat_writer *writer, flat_text text) {
    flat_put(writer, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        char escaped[8];
        int length = snprintf(escaped, sizeof escaped, c < 0x20 ? "\\u%04x" : "\\%c", c);
        flat_put(writer, text.bytes + from, i - from);
        flat_put(writer, escaped, (size_t)length);
        from = i + 1;
    }
    flat_put(writer, text.bytes + from, text.length - from);
    flat_put(writer, "\"", 1);
}

static inline void flat_put_value(flat_writer *writer, const flat_field *field) {
    if (!field) flat_put(writer, "null", 4);
    else if (field->is_string) flat_put_string(writer, field->value);
    else flat_put(writer, field->value.bytes, field->value.length);
}

#endif
