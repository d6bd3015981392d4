import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';

// Reads a URL over and over on one connection and throws the bytes away. For each line `URL TIMES` that it is told it
// says how many bytes of body came. The buffer is large and kept, so that the reader does not set the pace; over TLS, which node reads in
// records, it may. Every server is spoken to in the same cipher.

const buffer = Buffer.allocUnsafeSlow(1024 * 1024);

async function read(url: string, times: number): Promise<number> {
  const { protocol, hostname, port, pathname, host } = new URL(url);
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let done = 0;
    let bytes = 0;
    let head = '';
    let left: number | undefined;
    const take = (size: number, from: Buffer) => {
      if (left === undefined) {
        head += from.toString('latin1', 0, size);
        // An interim answer is followed by the real one.
        while (/^HTTP\/1\.1 100[^\n]*\r\n\r\n/.test(head)) head = head.slice(head.indexOf('\r\n\r\n') + 4);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return true;
        const length = Number(/^HTTP\/1\.1 200.*\r\ncontent-length: (\d+)/is.exec(head.slice(0, end))?.[1]);
        if (!(length > 0)) reject(new Error(`unexpected answer: ${head.slice(0, end)}`));
        left = length - (head.length - end - 4);
        bytes += length;
        head = '';
      } else {
        left -= size;
      }
      if (left > 0) return true;
      left = undefined;
      if (++done === times) socket.end(() => resolve(bytes));
      else socket.write(request);
      return true;
    };
    const at = { host: hostname, port: Number(port) };
    const socket =
      protocol === 'https:'
        ? connectTls({ ...at, rejectUnauthorized: false, minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' })
        : connect({ ...at, onread: { buffer, callback: (size) => take(size, buffer) } });
    if (protocol === 'https:') socket.on('data', (chunk: Buffer) => take(chunk.byteLength, chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      if (done < times) reject(new Error('the connection ended early'));
    });
    socket.write(request);
  });
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [url = '', times = '1'] = line.split(' ');
  console.log(await read(url, Number(times)));
}
