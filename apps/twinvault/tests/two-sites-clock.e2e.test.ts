/* The clock of one of two served sites is a year ahead: see support/wrong-clock.ts. A year behind is two-sites-clock.slow.test.ts. */

import { test } from 'node:test';
import { liveWithWrongClock, noFaketime } from './support/wrong-clock.ts';

const title = 'a clock that is a year ahead deletes nothing, is named, and holds up neither backup nor restore';

test(title, { skip: noFaketime }, (t) => liveWithWrongClock(t, 366));
