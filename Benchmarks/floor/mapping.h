/* The mapping of the type Customer Sync in ferry.yaml, compiled in, and what it changes in a target.
 * Invariant: a change keeps the old value and the new one, in the order of the mapping, which is that of the names. */
#ifndef MAPPING_H
#define MAPPING_H

#include "broker.h"
#include "flat_json.h"

/* Target field, source field. */
static const char *const mapping[][2] = {
    {"city", "city"},   {"country", "country"}, {"credit", "credit"}, {"mail", "email"},
    {"phone", "phone"}, {"street", "street"},   {"title", "label"},
};
enum { MAPPED = sizeof mapping / sizeof *mapping };

typedef struct {
    flat_text name;
    flat_field old, new;
    bool is_added;
} field_change;

/* Applies the mapping to the target; answers how many fields differ. */
static inline size_t apply_mapping(flat_object *source, flat_object *target, field_change *changes) {
    size_t count = 0;
    for (size_t i = 0; i < MAPPED; i++) {
        flat_field *old = flat_find(target, mapping[i][0]), *new = flat_find(source, mapping[i][1]);
        if (!new || (old && flat_same(old, new))) continue;
        field_change *change = &changes[count++];
        *change = (field_change){.name = {mapping[i][0], strlen(mapping[i][0])}, .new = *new, .is_added = !old};
        if (old) change->old = *old;
        if (!old) {
            if (target->count == FLAT_MAX_FIELDS) fail("floor: too many fields");
            old = &target->fields[target->count++];
            old->name = change->name;
        }
        old->value = new->value;
        old->is_string = new->is_string;
    }
    return count;
}

/* Writes a document as an object, its fields in the order in which they were read. */
static inline void put_document(flat_writer *writer, const flat_object *document) {
    writer->length = 0;
    flat_put(writer, "{", 1);
    for (size_t i = 0; i < document->count; i++) {
        if (i) flat_put(writer, ",", 1);
        flat_put_string(writer, document->fields[i].name);
        flat_put(writer, ":", 1);
        flat_put_value(writer, &document->fields[i]);
    }
    flat_put(writer, "}", 1);
}

#endif
