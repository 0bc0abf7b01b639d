/* The proleptic Gregorian calendar as day numbers: day 0 is 1970-01-01. Pure; years -9999 to 9999
 * and a little beyond. */
#ifndef LANDWAITER_BASE_DATE_H
#define LANDWAITER_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

#define DATE_DAY_SECONDS 86400

struct date {
    int year, month, day; /* month and day from 1 */
};

int64_t date_days(struct date date);
struct date date_of(int64_t days);
/* 0 is Sunday. */
int date_weekday(int64_t days);
int date_month_length(int year, int month);
/* The day of a second, rounded towards the past. */
int64_t date_days_of_seconds(int64_t seconds);
/* Accepts only the form "2026-12-20"; the day must exist. */
bool date_parse(const char *text, int64_t *out_days) MUST_USE;

#endif
