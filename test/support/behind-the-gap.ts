import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clientEnvironment, PYTHON } from './python.ts';

const BEHIND = fileURLToPath(new URL('../interop/behind-the-gap.py', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Behind {
  /** The configuration of the mirror there. */
  readonly config: string;
  readonly port: string;
  /** In which SIMPLE, METADATA and TARGETS stand for the mirror's addresses. */
  readonly commands: readonly (readonly string[])[];
  readonly cwd: string;
}

/** What each command ended with, and what it said, where no network is but the mirror's own loopback. */
export async function behindTheGap({
  config,
  port,
  commands,
  cwd,
}: Behind): Promise<readonly (readonly [number, string])[]> {
  const child = spawn('unshare', ['--net', '--map-root-user', PYTHON, BEHIND], {
    env: clientEnvironment({ UV_NO_PROGRESS: '1', UV_PYTHON_DOWNLOADS: 'never', UV_CACHE_DIR: join(cwd, 'uv-cache') }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const serve = [process.execPath, MAIN, 'serve', '--json', '--config', config, '--port', port];
  child.stdin.end(JSON.stringify({ serve, commands, cwd }));
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  await once(child, 'close');
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as readonly (readonly [number, string])[];
}
