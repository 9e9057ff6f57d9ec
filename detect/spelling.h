#ifndef DETECT_SPELLING_H
#define DETECT_SPELLING_H

/* Words that were probably meant for others. */

#include "parsers/slice.h"

/* How many letters must be added, removed, replaced or exchanged with their neighbour to make `b`
 * of `a` (optimal string alignment), in any ASCII letter case; SIZE_MAX for words that are too long
 * to be words. */
size_t spelling_distance(struct slice a, struct slice b);

/* Is `written` probably a slip for `word`: other letter case, one slip in a word of four letters
 * and more, two from eight on? */
bool spelling_is_near(struct slice written, struct slice word);

#endif
