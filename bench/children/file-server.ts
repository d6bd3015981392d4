import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

// What one writes first to send a file with node: nothing is checked.

const file = process.argv[2] ?? '';
const server = createServer((_, response) => {
  response.writeHead(200, { 'Content-Length': statSync(file).size });
  pipeline(createReadStream(file), response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
