import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Load, Loaded } from '../support/load.ts';

// A load generator on raw sockets: says how many answers came, and how many a second, as JSON. Reads a head once; later answers on the same
// connection are taken by their length.

const { url, headers, connections, seconds } = JSON.parse(process.argv[2] ?? '') as Load;
const { protocol, hostname, port, pathname, host } = new URL(url);
const secure = protocol === 'https:';
const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
const request = Buffer.from(`GET ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');

let answers = 0;
let ending = false;

/** One connection after another, until the time is over. */
function drive(): void {
  let head = '';
  /** Bytes of the present answer still to come; undefined while its head is being read. */
  let left: number | undefined;
  const to = { host: hostname, port: Number(port), noDelay: true };
  const begin = () => socket.write(request);
  const socket = secure ? connectTls({ ...to, rejectUnauthorized: false }, begin) : connect(to, begin);
  socket.on('error', fail);
  socket.on('close', () => {
    // An answer without a length ends with its connection.
    if (left === Number.POSITIVE_INFINITY) answers++;
    if (!ending) drive();
  });
  socket.on('data', (chunk: Buffer) => {
    if (left === undefined) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      left = bodyLength(head.slice(0, end)) - (head.length - end - 4);
      head = '';
    } else {
      left -= chunk.length;
    }
    if (left > 0) return;
    if (left < 0) fail(new Error('more came than was announced'));
    left = undefined;
    answers++;
    if (ending) socket.end();
    else socket.write(request);
  });
}

function bodyLength(head: string): number {
  const status = Number(head.slice(9, 12));
  if (status === 304) return 0;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (status === 200 && length === undefined && /\r\nconnection: close/i.test(head)) return Number.POSITIVE_INFINITY;
  if (status !== 200 || length === undefined) fail(new Error(`unexpected answer: ${head}`));
  return Number(length);
}

function fail(error: Error): never {
  console.error(error);
  process.exit(1);
}

const begun = performance.now();
for (let i = 0; i < connections; i++) drive();
setTimeout(() => {
  ending = true;
  const loaded: Loaded = { answers, perSecond: answers / ((performance.now() - begun) / 1000) };
  console.log(JSON.stringify(loaded));
  process.exit(0);
}, seconds * 1000);
