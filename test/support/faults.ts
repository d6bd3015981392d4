import { type FileOps, nodeFileOps, type OpenFile } from '../../src/disk/file-ops.ts';

/** Steps that change what is on disk, in the order the store takes them. */
export type Step =
  | 'open-new'
  | 'open-again'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'remove-tree'
  | 'make-directory'
  | 'sync-directory';
/** Steps that only look. */
export type Look = 'open-read' | 'read' | 'facts' | 'list';

export interface Counted {
  readonly kind: Step | Look;
  readonly path: string;
}

/** Called before and after each step with the same object; what it throws is what the step fails with. */
export interface Faults {
  before?(step: Counted): void;
  after?(step: Counted): void;
}

/** An error as the system makes it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The real file operations, with something that may go wrong around each. */
export function faultyOps(faults: Faults): FileOps {
  const around = async <T>(kind: Counted['kind'], path: string, run: () => Promise<T>): Promise<T> => {
    const step = { kind, path };
    faults.before?.(step);
    const result = await run();
    faults.after?.(step);
    return result;
  };
  const wrap = (path: string, file: OpenFile): OpenFile => ({
    read: (into, length, position) => around('read', path, () => file.read(into, length, position)),
    write: (bytes, position) => around('write', path, () => file.write(bytes, position)),
    truncate: () => around('truncate', path, () => file.truncate()),
    sync: () => around('sync', path, () => file.sync()),
    facts: () => file.facts(),
    close: () => file.close(),
  });
  const opened = async (kind: Counted['kind'], path: string, open: () => Promise<OpenFile>): Promise<OpenFile> => {
    const step = { kind, path };
    faults.before?.(step);
    const file = await open();
    try {
      faults.after?.(step);
    } catch (error) {
      await file.close();
      throw error;
    }
    return wrap(path, file);
  };
  return {
    openRead: (path) => opened('open-read', path, () => nodeFileOps.openRead(path)),
    openNew: (path, mode) => opened('open-new', path, () => nodeFileOps.openNew(path, mode)),
    openAgain: (path, mode) => opened('open-again', path, () => nodeFileOps.openAgain(path, mode)),
    rename: (from, to) => around('rename', to, () => nodeFileOps.rename(from, to)),
    link: (from, to) => around('link', to, () => nodeFileOps.link(from, to)),
    unlink: (path) => around('unlink', path, () => nodeFileOps.unlink(path)),
    removeTree: (path) => around('remove-tree', path, () => nodeFileOps.removeTree(path)),
    makeDirectory: (path) => around('make-directory', path, () => nodeFileOps.makeDirectory(path)),
    syncDirectory: (path) => around('sync-directory', path, () => nodeFileOps.syncDirectory(path)),
    list: (path) => around('list', path, () => nodeFileOps.list(path)),
    facts: (path) => around('facts', path, () => nodeFileOps.facts(path)),
    fileSystem: (path) => nodeFileOps.fileSystem(path),
  };
}

const STEPS: ReadonlySet<string> = new Set([
  'open-new',
  'open-again',
  'write',
  'truncate',
  'sync',
  'rename',
  'link',
  'unlink',
  'remove-tree',
  'make-directory',
  'sync-directory',
]);

/** True for a step that changes what is on disk. */
export function isStep({ kind }: Counted): boolean {
  return STEPS.has(kind);
}

/** Fails step number `at` (from 1, counted once `armed`), before or after it happened. `hit` tells whether it came to that. */
export function failAt(at: number, when: 'before' | 'after', act: (step: Counted) => void) {
  let count = 0;
  let armed = false;
  let chosen: Counted | undefined;
  const before = (step: Counted) => {
    if (!armed || !isStep(step) || ++count !== at) return;
    chosen = step;
    if (when === 'before') act(step);
  };
  const after = (step: Counted) => {
    if (when === 'after' && step === chosen) act(step);
  };
  return {
    ops: faultyOps({ before, after }),
    arm: () => {
      armed = true;
    },
    disarm: () => {
      armed = false;
    },
    hit: () => chosen !== undefined,
  };
}
