import { internalCaller } from '../../async/caller.ts';
import type { Scanner } from '../../bundle/import/place.ts';
import { partsOf } from '../../bundle/import/store.ts';
import { shownField } from '../../bytes/printable.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { ImportConfig } from '../../config/config.ts';
import type { Blob } from '../../ports/blob.ts';

/** What its exit status says; any other is a failure of the scanner. */
const CLEAN = 0;
const FOUND = 1;
/** Characters of what it says that are told. */
const MOST_WORDS = 1000;
/** Bytes of what it says at all. */
const MOST_OUTPUT = 1024 * 1024;
const VERSION_SECONDS = 60;
const MS = 1000;

interface Ended {
  readonly status: number;
  readonly words: string;
}

/** The operator's scanner: a program and its arguments, run as they are and never by a shell, a process a file. */
export function createScanner({ command, timeout, version }: NonNullable<ImportConfig['scan']>): Scanner {
  return {
    async version() {
      if (version === undefined) return 'not told';
      const { status, words } = await run(version, VERSION_SECONDS);
      if (status !== CLEAN) throw failed(`does not say its version: it ended with status ${status}`);
      return words.split('\n')[0]?.trim() ?? '';
    },
    async scan(name, blob) {
      const { status, words } = await run(command, timeout, blob);
      if (status === CLEAN) return;
      const said = words === '' ? '' : `: ${shownField(words)}`;
      if (status === FOUND)
        throw new Refusal('policy', `The scanner found something in ${name}${said}. Nothing was imported.`, {
          subject: 'file',
        });
      throw failed(`failed at ${name}: it ended with status ${status}${said}`);
    },
  };
}

/** Throws Refusal `state` where it cannot be run, is ended by a signal or takes too long. */
async function run([program = '', ...args]: readonly string[], seconds: number, blob?: Blob): Promise<Ended> {
  // Loaded where a scanner is configured.
  const { execFile } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const options = {
      timeout: seconds * MS,
      killSignal: 'SIGKILL',
      maxBuffer: MOST_OUTPUT,
      windowsHide: true,
    } as const;
    const child = execFile(program, args, options, (error, out, wrong) => {
      const words = `${out}${wrong}`.trim().slice(0, MOST_WORDS);
      if (error === null) resolve({ status: CLEAN, words });
      else if (typeof error.code === 'number') resolve({ status: error.code, words });
      else
        reject(
          failed(
            error.killed === true
              ? `took longer than ${seconds} seconds (import.scan_timeout)`
              : `cannot be run (${program})`,
          ),
        );
    });
    // A scanner that has heard enough closes its end.
    child.stdin?.on('error', () => undefined);
    if (child.stdin !== null)
      feed(child.stdin, blob).catch((error: unknown) => {
        child.kill('SIGKILL');
        reject(error);
      });
  });
}

async function feed(into: NodeJS.WritableStream, blob: Blob | undefined): Promise<void> {
  if (blob !== undefined)
    for await (const part of partsOf(blob, internalCaller('', 'import')))
      await new Promise<void>((resolve) => into.write(part, () => resolve()));
  into.end();
}

function failed(how: string): Refusal {
  return new Refusal('state', `The scanner ${how}: nothing that it should have seen is served.`, { subject: 'file' });
}
