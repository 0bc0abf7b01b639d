/* The kinds of rows that replicas share, as numbers in SQL (the column shared.kind). */
#ifndef LANDWAITER_AGENT_STORE_KINDS_H
#define LANDWAITER_AGENT_STORE_KINDS_H

#define SHARE_PUSH "1"     /* key: the push's id */
#define SHARE_UPDATE "2"   /* key: the update's id */
#define SHARE_HOLD "3"     /* key: the target */
#define SHARE_REJECTED "4" /* key: the target, a space, and the digest */

#endif
