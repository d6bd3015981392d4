// Loaded before a program (`node --import`): notes every network socket that it opens outwards, and every name that it looks up, in the file that
// VERBATIM_TEST_SOCKETS names.
import { createHook } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';

const OUTWARD = new Set([
  'TCPCONNECTWRAP',
  'UDPWRAP',
  'UDPSENDWRAP',
  'GETADDRINFOREQWRAP',
  'GETNAMEINFOREQWRAP',
  'QUERYWRAP',
]);
const path = process.env['VERBATIM_TEST_SOCKETS'] ?? '';

createHook({
  init(_, type) {
    if (OUTWARD.has(type)) appendFileSync(path, `${type}\n`);
  },
}).enable();
