import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { GOOD, TEST_KEY } from '../../test/support/certificates.ts';
import type { Answer } from '../support/answer.ts';

// node:http, or node:https where it is called with `tls`, and nothing else: the same bytes under the same headers, by
// URL. Told what to say on its standard input.

let told = '';
for await (const text of process.stdin.setEncoding('utf8')) {
  told += text;
  if (told.endsWith('\n')) break;
}
const answers = new Map(
  (JSON.parse(told) as readonly Answer[]).map(({ path, status, headers, body }) => [
    path,
    { status, headers: [...headers], body: Buffer.from(body, 'base64') },
  ]),
);

const listener: RequestListener = (request, response) => {
  const answer = answers.get(request.url ?? '');
  if (answer === undefined) return void response.writeHead(404).end();
  response.writeHead(answer.status, answer.headers).end(answer.body);
};
const server =
  process.argv[2] === 'tls' ? createTlsServer({ cert: GOOD, key: TEST_KEY }, listener) : createServer(listener);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
