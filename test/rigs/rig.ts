import type { LookAhead } from '../../src/config/config.ts';
import type { UpstreamLimits } from '../../src/upstream/limits.ts';
import type { TinyWheel } from '../support/tiny-wheel.ts';
import type { Fault } from '../support/upstream.ts';
import { OLD, startIndexRig } from './index-rig.ts';
import type { Mirror } from './mirror.ts';
import { startSignedRig } from './signed-rig.ts';

/** A mirror and an upstream whose kind of evidence a test need not know. */
export interface Rig extends Omit<Mirror, 'start'> {
  readonly evidence: 'tuf' | 'index';
  /** Upstream has these files besides from now on, and so much time passes that the mirror asks for their pages again. */
  readonly upload: (...files: readonly TinyWheel[]) => Promise<void>;
  /** The same for a page that says something else than what its uploads make of it. */
  readonly editPage: (project: string, edit: (page: RawPage) => RawPage) => Promise<void>;
  /** What goes wrong upstream with the page that stands there now. */
  readonly pageFault: (project: string, fault: Fault) => void;
  readonly fileFault: (file: TinyWheel, fault: Fault) => void;
  /** How often upstream was asked for the page that stands there now. */
  readonly pageAsked: (project: string) => number;
  readonly fileAsked: (file: TinyWheel) => number;
  /** How many requests upstream has had, of any kind. */
  readonly requests: () => number;
  /** How many connections upstream has had, whatever came on them. */
  readonly connections: () => number;
  /** Nothing upstream answers any more. */
  readonly silence: () => void;
  /** All faults end. */
  readonly heal: () => void;
  /** Where the mirror serves a file. */
  readonly path: (file: TinyWheel) => string;
}

/** A project page in JSON, before anybody has looked at it. */
export interface RawPage {
  readonly files: readonly Readonly<Record<string, unknown>>[];
  readonly [key: string]: unknown;
}

export interface RigOptions {
  /** What upstream has when the mirror starts. */
  readonly files: readonly TinyWheel[];
  readonly upstreamLimits?: Partial<UpstreamLimits> | undefined;
  /** Nothing unless given. */
  readonly lookAhead?: LookAhead | undefined;
}

/** No headers until the mirror gives up. */
const SILENT = { kind: 'stall', at: 'headers' } as const;

/** PEP 458 as the preset has it, and a signed list of all projects besides. */
const PEP458_WITH_LIST = {
  metadata: 'metadata/',
  pages: { base: './', hashPrefix: true, target: 'simple/{project}/index.html', list: 'simple/index.html' },
  files: { base: './', hashPrefix: true, target: 'packages/{aa}/{bb}/{rest}/{filename}' },
};

async function signed({ files, upstreamLimits, lookAhead }: RigOptions): Promise<Rig> {
  const rig = await startSignedRig({
    upstreamLimits,
    index: { layout: PEP458_WITH_LIST, lookAhead },
    fill(index) {
      const { bins, repository } = index;
      for (const file of files) index.upload(file.project, file);
      const projects = [...new Set(files.map(({ project }) => project))].map((name) => ({ name }));
      const list = JSON.stringify({ meta: { 'api-version': '1.1' }, projects });
      repository.addTarget(bins.binOf('simple/index.html'), 'simple/index.html', Buffer.from(list));
    },
  });
  const { upstream } = rig;
  return {
    ...rig,
    evidence: 'tuf',
    async upload(...more) {
      for (const file of more) rig.signed.upload(file.project, file);
      await rig.publish();
    },
    async editPage(project, edit) {
      rig.signPage(project, Buffer.from(JSON.stringify(edit(JSON.parse(String(rig.signed.page(project)))))));
      await rig.publish();
    },
    pageFault: (project, fault) => upstream.fault(rig.storedPage(project), fault),
    fileFault: (file, fault) => upstream.fault(rig.storedFile(file), fault),
    pageAsked: (project) => upstream.asked(rig.storedPage(project)).length,
    fileAsked: (file) => upstream.asked(rig.storedFile(file)).length,
    silence: () => upstream.fault('*', SILENT),
    requests: () => upstream.requests.length,
    connections: () => upstream.connections().accepted,
  };
}

async function unsigned({ files, upstreamLimits, lookAhead }: RigOptions): Promise<Rig> {
  const rig = await startIndexRig({
    upstreamLimits,
    index: { lookAhead },
    fill(pypi) {
      for (const file of files) pypi.upload(file.project, file);
    },
  });
  const { pypi, clock } = rig;
  const edits = new Map<string, (page: RawPage) => RawPage>();
  return {
    ...rig,
    evidence: 'index',
    async upload(...more) {
      for (const file of more) pypi.upload(file.project, file);
      clock.advance(OLD);
    },
    async editPage(project, edit) {
      const edited = edits.has(project);
      edits.set(project, edit);
      if (!edited)
        pypi.page(project, (answer) => {
          const page = JSON.parse(String(answer.body));
          return { ...answer, body: Buffer.from(JSON.stringify(edits.get(project)?.(page) ?? page)) };
        });
      clock.advance(OLD);
    },
    pageFault: (project, fault) => pypi.index.fault(`/simple/${project}/`, fault),
    fileFault: (file, fault) => pypi.files.fault(pypi.storedAt(file), fault),
    pageAsked: (project) => pypi.asked(project).length,
    fileAsked: (file) => pypi.files.asked(pypi.storedAt(file)).length,
    silence() {
      pypi.index.fault('*', SILENT);
      pypi.files.fault('*', SILENT);
    },
    requests: () => pypi.index.requests.length + pypi.files.requests.length,
    connections: () => pypi.index.connections().accepted + pypi.files.connections().accepted,
    heal() {
      pypi.index.heal();
      pypi.files.heal();
    },
  };
}

/** Both kinds of evidence, for `describe.each`. */
export const RIGS = [
  { evidence: 'tuf', start: signed },
  { evidence: 'index', start: unsigned },
] as const;
