import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import type { Password } from '../upstream/credentials.ts';
import { readGiven } from './given-file.ts';

// Passwords of registries live for hours: a job writes a new one into a file, or a command makes one.

/** In a file, which is read again when it has changed, and when upstream refuses what it held. Throws Refusal `state` where there is none. */
export function filePassword(path: string): Password {
  const read = () => readGiven(path, 'the password file').toString().trim();
  let seen = stampOf(path);
  let password = read();
  if (password === '') throw noPassword(path);
  const again = () => {
    try {
      // One that is being written is empty for a moment, or not there: what it held goes on until then.
      seen = stampOf(path);
      password = read() || password;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  };
  return {
    async current() {
      if (stampOf(path) !== seen) again();
      return password;
    },
    async instead(refused) {
      if (password === refused) again();
      return password === refused ? undefined : password;
    },
  };
}

export function noPassword(where: string): Refusal {
  return new Refusal('state', `There is no password in ${where}.`, { subject: 'state' });
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

/** A command that hangs ends. Milliseconds. */
const LONGEST_RUN = 30_000;
/** Bytes of what it writes; tokens have some thousand. */
const MOST_OUTPUT = 64 * 1024;
/** It is not run again for so long after a run that did not help. Milliseconds. */
const APART = 10_000;

export interface CommandOptions {
  readonly command: readonly string[];
  /** Seconds that what it wrote holds. */
  readonly lifetime: number;
  /** That names it. */
  readonly setting: string;
  /** Milliseconds. */
  readonly nowMs?: (() => number) | undefined;
}

/** What a command writes, run as it is and never by a shell. Nothing that it writes is told to anybody. */
export function commandPassword({ command, lifetime, setting, nowMs = Date.now }: CommandOptions): Password {
  let held: { readonly password: string; readonly at: number } | undefined;
  let running: Promise<string> | undefined;
  let failed: { readonly error: unknown; readonly at: number } | undefined;
  const run = (): Promise<string> => {
    if (failed !== undefined && nowMs() - failed.at < APART) return Promise.reject(failed.error);
    running ??= outputOf(command, setting)
      .then(
        (password) => {
          held = { password, at: nowMs() };
          failed = undefined;
          return password;
        },
        (error: unknown) => {
          failed = { error, at: nowMs() };
          throw error;
        },
      )
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  return {
    async current() {
      if (held !== undefined && nowMs() - held.at < lifetime * 1000) return held.password;
      return run();
    },
    async instead(refused) {
      if (held?.password === refused && nowMs() - held.at < APART) return undefined;
      const password = held === undefined || held.password === refused ? await run() : held.password;
      return password === refused ? undefined : password;
    },
  };
}

function outputOf([program = '', ...args]: readonly string[], setting: string): Promise<string> {
  const name = basename(program);
  const fault = (what: string) =>
    new Refusal('unreachable', `The password command ${name} ${what}, so upstream is not asked (${setting}).`);
  return new Promise((resolve, reject) => {
    const options = { timeout: LONGEST_RUN, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT, windowsHide: true } as const;
    // Its errors may hold what it wrote: only how it ended is told.
    const child = execFile(program, args, options, (error, stdout) => {
      const password = stdout.trim();
      if (error !== null) reject(fault(endOf(error)));
      else if (password === '') reject(fault('wrote nothing'));
      else if (/[\u0000-\u001f\u007f]/.test(password)) reject(fault('wrote more than one line'));
      else resolve(password);
    });
    child.stdin?.end();
  });
}

function endOf({ code, killed }: { readonly code?: unknown; readonly killed?: boolean }): string {
  if (code === 'ENOENT' || code === 'EACCES') return 'cannot be run';
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'wrote too much';
  if (killed === true) return `took longer than ${LONGEST_RUN / 1000} seconds`;
  return typeof code === 'number' ? `ended with status ${code}` : 'failed';
}
