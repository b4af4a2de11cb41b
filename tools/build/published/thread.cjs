/* The first file of every worker thread. */
'use strict';

require('./load.cjs').moduleNamed('twinvault:std-node-thread-bootstrap');
