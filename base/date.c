/* Dates and day numbers: owns the calendar and its leap years. Never knows a time zone. */
#include "base/date.h"

int64_t date_days(struct date date) {
    /* Years begin in March here, so that the leap day is the last one of its year. */
    int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = date.month + (date.month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct date date_of(int64_t days) {
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date = {.day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = (int)(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
    return date;
}

int date_weekday(int64_t days) {
    return (int)(((days + 4) % 7 + 7) % 7);
}

int date_month_length(int year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

int64_t date_days_of_seconds(int64_t seconds) {
    int64_t days = seconds / DATE_DAY_SECONDS;
    return seconds % DATE_DAY_SECONDS < 0 ? days - 1 : days;
}

bool date_parse(const char *text, int64_t *out_days) {
    static const char shape[] = "0000-00-00";
    if (strlen(text) != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool good = shape[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
        if (!good) {
            return false;
        }
    }
    struct date date = {.year = (int)strtol(text, NULL, 10),
                        .month = (int)strtol(text + 5, NULL, 10),
                        .day = (int)strtol(text + 8, NULL, 10)};
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > date_month_length(date.year, date.month)) {
        return false;
    }
    *out_days = date_days(date);
    return true;
}
