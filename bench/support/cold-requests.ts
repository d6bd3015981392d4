import { Agent, get, type IncomingMessage } from 'node:http';
import { JSON_PAGE } from './ask.ts';
import { cpuOf } from './cpu.ts';
import type { Mirror } from './mirror.ts';
import type { Packages } from './packages.ts';

/** As many as an installer has under way. */
const CONNECTIONS = 8;

/** Asks for the page of every package, its core metadata and its wheel, by the page's own links; says how many requests that took. */
export async function askForAll(mirror: Mirror, { projects }: Pick<Packages, 'projects'>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const waiting = [...projects];
  let requests = 0;
  const ask = async (url: URL) => {
    requests++;
    return bytesOf(url, agent);
  };
  const work = async () => {
    for (let project = waiting.shift(); project !== undefined; project = waiting.shift()) {
      const url = new URL(`simple/${project}/`, mirror.url);
      const page = JSON.parse((await ask(url)).toString()) as { readonly files: readonly { readonly url: string }[] };
      for (const file of page.files) {
        await ask(new URL(`${file.url}.metadata`, url));
        await ask(new URL(file.url, url));
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, work));
    return requests;
  } finally {
    agent.destroy();
  }
}

/** CPU of one request of these, in milliseconds. */
export async function cpuOfEach(mirror: Mirror, asked: Pick<Packages, 'projects'>): Promise<number> {
  const before = cpuOf(mirror.pid);
  const requests = await askForAll(mirror, asked);
  return (cpuOf(mirror.pid) - before) / requests;
}

function bytesOf(url: URL, agent: Agent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { agent, headers: JSON_PAGE }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`${url.href}: ${response.statusCode} ${Buffer.concat(chunks)}`));
      });
    });
    asked.on('error', reject);
  });
}
