/* Decides about single characters. */
#include "base/unicode.h"

#include "base/own.h"

size_t unicode_decode(const unsigned char *bytes, size_t len, uint32_t *out) {
    static const struct {
        unsigned char mask, mark;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 1; n <= ARRAY_LENGTH(forms) && n <= len; n++) {
        if ((bytes[0] & forms[n - 1].mask) != forms[n - 1].mark) {
            continue;
        }
        uint32_t point = bytes[0] & (unsigned char)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((bytes[i] & 0xc0) != 0x80) {
                return 0;
            }
            point = point << 6 | (bytes[i] & 0x3f);
        }
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        *out = point;
        return point < forms[n - 1].least || point > 0x10ffff || surrogate ? 0 : n;
    }
    return 0;
}

bool unicode_unprintable(uint32_t point) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200b, 0x200f},
                  {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
    for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}
