/* JSON: owns the rules for hostile documents; jansson parses. Never quotes its input in an error,
 * never coerces one type into another. */
#include "base/json.h"

#include "base/clock.h"

#define UTF8_REPLACEMENT "\xEF\xBF\xBD"

void json_release(json_t **json) {
    json_decref(*json);
    *json = NULL;
}

/* jansson allows 2048 levels of recursion, so brackets are counted first. A malformed string makes
 * the count wrong, but jansson then refuses the document. */
static bool depth_exceeds(const char *bytes, size_t len, size_t limit) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
            continue;
        }
        if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limit) {
                return true;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* Not jansson's text, which quotes the input. */
static const char *fault_text(const json_error_t *error) {
    static const struct {
        enum json_error_code code;
        const char *text;
    } texts[] = {
        {json_error_stack_overflow, "nested too deeply"},
        {json_error_invalid_utf8, "not valid UTF-8"},
        {json_error_premature_end_of_input, "ends too early"},
        {json_error_end_of_input_expected, "something follows the document"},
        {json_error_null_character, "zero character"},
        {json_error_null_byte_in_key, "zero character in a member name"},
        {json_error_duplicate_key, "duplicate member"},
        {json_error_numeric_overflow, "number out of range"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i].code == json_error_code(error)) {
            return texts[i].text;
        }
    }
    return "syntax error";
}

bool json_parse_deep(const void *bytes, size_t len, size_t depth, json_t **out, struct err *err) {
    if (!bytes || len == 0) {
        return err_set(err, ERR_INVALID, "JSON: empty");
    }
    if (depth_exceeds(bytes, len, depth)) {
        return err_set(err, ERR_INVALID, "JSON: nested more than %zu levels deep", depth);
    }
    json_error_t error;
    json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            return err_set(err, ERR_BUG, "JSON: out of memory");
        }
        return err_set(err, ERR_INVALID, "JSON: %s at line %d, column %d", fault_text(&error),
                       error.line, error.column);
    }
    *out = json;
    return true;
}

bool json_parse(const void *bytes, size_t len, json_t **out, struct err *err) {
    return json_parse_deep(bytes, len, JSON_DEPTH_MAX, out, err);
}

static int append_piece(const char *bytes, size_t len, void *out) {
    buf_append(out, bytes, len);
    return ((struct buf *)out)->overflow ? -1 : 0;
}

void json_write(const json_t *json, struct buf *out) {
    /* Turns every failure into an overflow, so that no partial document passes for a whole one. */
    if (json_dump_callback(json, append_piece, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
        out->overflow = true;
    }
}

const char *json_text(const json_t *object, const char *member) {
    return json_string_value(json_object_get(object, member));
}

int64_t json_int(const json_t *object, const char *member, int64_t fallback) {
    const json_t *value = json_object_get(object, member);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

bool json_bool(const json_t *object, const char *member, bool fallback) {
    const json_t *value = json_object_get(object, member);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

json_t *json_member(const json_t *object, const char *member) {
    json_t *value = json_object_get(object, member);
    return json_is_null(value) ? NULL : value;
}

json_t *json_object_member(const json_t *object, const char *member) {
    json_t *value = json_object_get(object, member);
    return json_is_object(value) ? value : NULL;
}

json_t *json_array_member(const json_t *object, const char *member) {
    json_t *value = json_object_get(object, member);
    return json_is_array(value) ? value : NULL;
}

const char *json_text_at(const json_t *object, const char *const *path) {
    const json_t *value = object;
    for (; *path; path++) {
        value = json_object_get(value, *path);
    }
    return json_string_value(value);
}

size_t json_utf8_length(const char *start) {
    const unsigned char *text = (const unsigned char *)start;
    static const struct {
        unsigned char first, last, second_min, second_max, length;
    } rows[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t row = 0; row < ARRAY_LENGTH(rows); row++) {
        if (text[0] < rows[row].first || text[0] > rows[row].last) {
            continue;
        }
        if (rows[row].length > 1 &&
            (text[1] < rows[row].second_min || text[1] > rows[row].second_max)) {
            return 0;
        }
        /* The closing zero byte is no continuation byte, so this stays within the text. */
        for (size_t i = 2; i < rows[row].length; i++) {
            if (text[i] < 0x80 || text[i] > 0xBF) {
                return 0;
            }
        }
        return rows[row].length;
    }
    return 0;
}

json_t *json_text_or_null(const char *text) {
    if (!text) {
        return json_null();
    }
    json_t *json = json_string(text);
    if (json) {
        return json;
    }
    /* At worst every byte becomes the three bytes of U+FFFD. */
    CLEANUP(buf_release) struct buf clean = BUF_INIT(3 * strlen(text));
    while (*text) {
        size_t length = json_utf8_length(text);
        if (length == 0) {
            buf_puts(&clean, UTF8_REPLACEMENT);
            text++;
        } else {
            buf_append(&clean, text, length);
            text += length;
        }
    }
    return clean.overflow ? NULL : json_string(buf_text(&clean));
}

json_t *json_time_or_null(int64_t ms) {
    if (ms == 0) {
        return json_null();
    }
    char text[CLOCK_TEXT_SIZE];
    return json_string(clock_format(ms, text));
}
