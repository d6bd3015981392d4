import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = '\0release';
const NO_PROGRAMS = '\0no-programs';

/** Where threads begin: by which word of its own address the one file knows what it was started as. */
const THREADS = [
  { at: 'src/workers/thread.ts', names: './entry.js', entry: 'src/workers/entry.ts', word: 'work' },
  {
    at: 'src/disk/database/database-thread.ts',
    names: './thread-entry.js',
    entry: 'src/disk/database/thread-entry.ts',
    word: 'database',
  },
] as const;

/** The program as one module, and the modules of packages that lie in it: paths below the checkout. */
export interface SingleFile {
  readonly code: string;
  readonly modules: readonly string[];
}

/** Nothing in it says where or when it was made. */
export async function singleFile(): Promise<SingleFile> {
  const bundle = await rolldown({
    input: { verbatim: ENTRY },
    cwd: ROOT,
    platform: 'node',
    logLevel: 'warn',
    plugins: [entry, threads, commanderStartsNothing],
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false, sourcemap: false });
    const [chunk, ...others] = output;
    if (chunk?.type !== 'chunk' || others.length > 0) throw new Error('the program did not become one file');
    const modules = chunk.moduleIds.filter((id) => !id.startsWith('\0'));
    const outside = modules.find((id) => !id.startsWith(ROOT));
    // What is elsewhere, nobody said under which licence.
    if (outside !== undefined) throw new Error(`${outside} lies outside the checkout`);
    return { code: chunk.code, modules: modules.map((id) => id.slice(ROOT.length)).sort() };
  } finally {
    await bundle.close();
  }
}

const entry: Plugin = {
  name: 'one entry for the program and its threads',
  resolveId: (source) => (source === ENTRY ? ENTRY : undefined),
  load(id) {
    if (id !== ENTRY) return undefined;
    const started = THREADS.map(
      (thread) => `if (word === '${thread.word}') await import(${JSON.stringify(`${ROOT}${thread.entry}`)});`,
    );
    return [
      "const word = new URL(import.meta.url).searchParams.get('thread');",
      `if (word === null) await import(${JSON.stringify(`${ROOT}src/main.ts`)});`,
      ...started,
    ].join('\n');
  },
};

const threads: Plugin = {
  name: 'threads begin in the same file',
  transform(code, id) {
    const thread = THREADS.find(({ at }) => id === `${ROOT}${at}`);
    if (thread === undefined) return undefined;
    const quoted = `'${thread.names}'`;
    if (code.split(quoted).length !== 2) throw new Error(`${thread.at} does not name ${thread.names} once`);
    // Node starts a thread at a file and forgets what stands behind its name: a module of one line says it instead.
    const address = `new URL('?thread=${thread.word}', import.meta.url).href`;
    return code.replace(quoted, `\`data:text/javascript,import \${encodeURIComponent(JSON.stringify(${address}))}\``);
  },
};

const commanderStartsNothing: Plugin = {
  name: 'commander starts no programs',
  resolveId: (source, importer) =>
    source === 'node:child_process' && /[\\/]commander[\\/]/.test(importer ?? '') ? NO_PROGRAMS : undefined,
  load: (id) => (id === NO_PROGRAMS ? 'export {};' : undefined),
};
