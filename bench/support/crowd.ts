import { createHash } from 'node:crypto';
import { Agent, type ClientRequest, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startUpstream, type TestUpstream } from '../../test/support/upstream.ts';

// Clients of many addresses of loopback, and an index that has every project whose name begins with `p`.

const FILE_BYTES = 100_000;
/** How long the index takes to say that it has no such project. */
const ABSENT_MS = 300;

export const fileName = (project: string) => `${project.replaceAll('-', '_')}-1.0-py3-none-any.whl`;

export function contentOf(project: string): Buffer {
  return Buffer.alloc(FILE_BYTES, `${project} `);
}

export function digestOf(project: string): string {
  return createHash('sha256').update(contentOf(project)).digest('hex');
}

/** `stalls`: its files never come, nor do pages of names that begin with `never`. */
export function startIndex({ stalls }: { readonly stalls: boolean }): Promise<TestUpstream> {
  return startUpstream({
    handler({ url = '' }, response) {
      const [, kind, name = ''] = url.split('/');
      if (kind === 'files') {
        if (!stalls) response.end(contentOf(name));
        return;
      }
      if (stalls && name.startsWith('never')) return;
      if (!name.startsWith('p')) {
        setTimeout(() => response.writeHead(404).end(), ABSENT_MS);
        return;
      }
      const file = {
        filename: fileName(name),
        url: `../../files/${name}/${fileName(name)}`,
        hashes: { sha256: digestOf(name) },
        size: FILE_BYTES,
      };
      const page = { meta: { 'api-version': '1.0' }, name, files: [file] };
      response.setHeader('Content-Type', 'application/vnd.pypi.simple.v1+json');
      response.end(JSON.stringify(page));
    },
  });
}

/** One client: its address, and its connections. */
export class Client {
  readonly #base: URL;
  readonly #from: string;
  readonly #agent: Agent;

  constructor(base: string, from: string) {
    this.#base = new URL(base);
    this.#from = from;
    this.#agent = new Agent({ keepAlive: true });
  }

  /** Status and body of the whole answer. */
  get(path: string): Promise<{ readonly status: number; readonly body: Buffer }> {
    return new Promise((resolve, reject) => {
      this.#ask(path, reject)
        .on('response', (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
          response.on('error', reject);
        })
        .end();
    });
  }

  /** Asks, and leaves after so long. */
  async leave(path: string, afterMs: number): Promise<void> {
    const asked = this.#ask(path, () => undefined);
    asked.end();
    await sleep(afterMs);
    asked.destroy();
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(path: string, failed: (error: Error) => void): ClientRequest {
    const { hostname, port } = this.#base;
    return request({ hostname, port, path, agent: this.#agent, localAddress: this.#from }).on('error', failed);
  }
}
