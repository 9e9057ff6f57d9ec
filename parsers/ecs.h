#ifndef PARSERS_ECS_H
#define PARSERS_ECS_H

/* Records of Winlogbeat's that went through Elastic's modules. */

#include "parsers/layout.h"

/* Elastic's schema: fill what is still absent from where the Sysmon and PowerShell modules moved
 * it, the fields that only rules name as well.  false: no memory. */
bool ecs_map(const struct layout_record *, struct wevent *, struct arena *);

#endif
