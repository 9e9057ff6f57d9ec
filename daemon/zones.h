#ifndef DAEMON_ZONES_H
#define DAEMON_ZONES_H

/* Zones of time by their names in the machine's database (Europe/Berlin), by GLib. */

#include "detect/zone.h"

/* Its changes from 2000 to 2060. */
zone_find zones_find;

#endif
