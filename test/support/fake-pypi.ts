import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { digestHex } from '../../src/repository/digests.ts';
import { filePath, type IndexFile } from '../../src/repository/index-pages.ts';
import type { Send, Sent } from './bad-days.ts';
import { startUpstream } from './upstream.ts';

/** What makes an upstream poorer than PyPI. */
export interface FakePypiOptions {
  /** Pages in HTML whatever is asked for, with none of the attributes that PyPI added to PEP 503. */
  readonly plainHtml?: boolean;
  readonly etags?: boolean;
  readonly serials?: boolean;
  /** Absent: not announced, though `.metadata` files exist. */
  readonly coreMetadata?: boolean;
  /** False for an index without legacy JSON. */
  readonly api?: boolean;
  /** Of pages, seconds; absent: no Cache-Control. */
  readonly maxAge?: number | undefined;
  /** The time it is there, seconds; by default this machine's. */
  readonly time?: (() => number) | undefined;
}

/** One file as its page states it; every member may be made to lie. */
export interface Line {
  readonly filename: string;
  readonly url: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly size?: number;
  readonly 'upload-time'?: string;
  readonly 'requires-python'?: string;
  readonly yanked: boolean | string;
  readonly 'core-metadata'?: Readonly<Record<string, string>>;
  readonly provenance?: string;
  readonly 'gpg-sig'?: boolean;
}

interface Project {
  readonly lines: readonly Line[];
  readonly status?: { readonly status: string; readonly reason?: string } | undefined;
  readonly serial: number;
}

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const HTML_TYPE = 'text/html; charset=UTF-8';
const INTEGRITY = 'application/vnd.pypi.integrity.v1+json';

/**
 * PyPI on loopback, as it answers today: an index and a file host of its own. What goes wrong
 * with pages is a `Send` of bad-days.ts; with files, a fault of upstream.ts:
 *
 *     const pypi = await startFakePypi();
 *     pypi.upload('alpha', wheel);
 *     pypi.page('alpha', emptied, 1);                       // once
 *     pypi.files.fault(pypi.storedAt(wheel), { kind: 'flip', at: 9 }, 1);
 */
export async function startFakePypi(options: FakePypiOptions = {}) {
  const { plainHtml = false, etags = true, serials = true, coreMetadata = true, api = true } = options;
  const maxAge = 'maxAge' in options ? options.maxAge : 600;
  const projects = new Map<string, Project>();
  const distortions = new Map<string, { readonly send: Send; left: number }[]>();
  const contents = new Map<string, Uint8Array>();
  /** What is said of who published a file, by its name; something that says nothing where it is not here. */
  const provenance = new Map<string, Uint8Array | string>();
  const files = await startUpstream({ files: contents });
  let serial = 1000;

  const change = (name: string, next: (project: Project) => Partial<Project>) => {
    const project = projects.get(name) ?? { lines: [], serial: 0 };
    projects.set(name, { ...project, serial: ++serial, ...next(project) });
  };
  const edit = (name: string, filename: string, next: (line: Line) => Line | undefined) =>
    change(name, ({ lines }) => ({
      lines: lines.flatMap((line) => (line.filename === filename ? (next(line) ?? []) : line)),
    }));

  const lineOf = (file: IndexFile): Line => ({
    filename: file.filename,
    url: files.url + filePath(file),
    hashes: { sha256: digestHex('sha256', file.bytes) },
    size: file.bytes.byteLength,
    'upload-time': file.uploadTime ?? '2026-01-02T03:04:05.678901Z',
    ...(file.requiresPython !== undefined && { 'requires-python': file.requiresPython }),
    yanked: file.yanked ?? false,
    ...(file.coreMetadata && coreMetadata && { 'core-metadata': { sha256: digestHex('sha256', file.coreMetadata) } }),
  });
  const store = (file: IndexFile) => {
    contents.set(filePath(file), file.bytes);
    if (file.coreMetadata !== undefined) contents.set(`${filePath(file)}.metadata`, file.coreMetadata);
  };

  /** What the core metadata of its newest file says. */
  const requiresOf = ({ lines }: Project): readonly string[] | undefined => {
    const path = new URL(lines.at(-1)?.url ?? files.url).pathname.slice(1);
    const text = contents.get(`${path}.metadata`);
    return (
      text &&
      [
        ...Buffer.from(text)
          .toString()
          .matchAll(/^Requires-Dist: (.*)$/gm),
      ].map(([, line = '']) => line)
    );
  };

  const written = (name: string, project: Project, json: boolean) =>
    Buffer.from(json ? jsonOf(name, project) : htmlOf(name, project, plainHtml));

  /** What PyPI would send, before anything goes wrong with it. */
  const truth = (path: string, request: IncomingMessage): Sent => {
    const json = !plainHtml && (request.headers.accept ?? '').includes(JSON_TYPE);
    const [, kind, name = '', ...rest] = path.split('/');
    const project = projects.get(name);
    if (kind === 'simple' && name === '') return sent(listOf(projects, json, serials), json ? JSON_TYPE : HTML_TYPE);
    if (project === undefined) return absent;
    if (kind === 'simple' && rest.join('/') === '') {
      const headers: Record<string, string> = { vary: 'Accept, Accept-Encoding' };
      if (serials) headers['x-pypi-last-serial'] = String(project.serial);
      return sent(written(name, project, json), json ? JSON_TYPE : HTML_TYPE, headers);
    }
    if (kind === 'pypi' && rest.at(-1) === 'json' && api)
      return sent(
        legacyOf(name, project, requiresOf(project)),
        'application/json',
        serials ? { 'x-pypi-last-serial': String(project.serial) } : {},
      );
    if (kind === 'integrity' && rest.at(-1) === 'provenance') {
      const line = project.lines.find(({ filename }) => filename === rest[1]);
      if (line?.provenance === undefined) return absent;
      return sent(provenance.get(line.filename) ?? '{"version":1,"attestation_bundles":[]}', INTEGRITY);
    }
    return absent;
  };

  const handler = (request: IncomingMessage, response: ServerResponse) => {
    const { url = '/' } = request;
    // A fault may have held this one up while others came.
    const connection = index.requests.findLast((other) => other.url === url)?.connection ?? 0;
    const path = decodeURIComponent(url.split('?')[0] ?? '/');
    const queue = distortions.get(path);
    const first = queue?.[0];
    if (first !== undefined && --first.left <= 0) queue?.shift();
    const answer = truth(path, request);
    const isCoded = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    // PyPI's tags are of the coded body; the tag of what is distorted stays the true one unless the distortion says otherwise.
    const etag = `"${createHash('md5')
      .update(isCoded ? 'gzip' : '')
      .update(answer.body)
      .digest('hex')}"`;
    const headers: Record<string, string> = { ...answer.headers };
    if (answer.status === 200 && etags) headers['etag'] = etag;
    if (answer.status === 200 && maxAge !== undefined) headers['cache-control'] = `max-age=${maxAge}, public`;
    if (first === undefined && etags && answer.status === 200 && request.headers['if-none-match'] === etag) {
      const { 'content-type': _, ...kept } = headers;
      return void response.writeHead(304, kept).end();
    }
    const sends = first?.send({ ...answer, headers }, connection) ?? { ...answer, headers };
    reply(isCoded && sends.status === 200 ? coded(sends) : sends, response);
  };

  const index = await startUpstream({ handler, time: options.time });

  return {
    /** Of the index; ends with a slash. Pages are under `simple/`. */
    url: index.url,
    index,
    files,
    /** `reset` and redirects for every path are upstream.ts's own faults. */
    requests: index.requests,
    upload(project: string, file: IndexFile, says: Partial<Line> = {}): void {
      store(file);
      change(project, ({ lines }) => ({ lines: [...lines, { ...lineOf(file), ...says }] }));
    },
    /** Other bytes under a name that was used before, as PyPI would never have it. */
    replace(project: string, file: IndexFile): void {
      store(file);
      edit(project, file.filename, () => lineOf(file));
    },
    edit: (project: string, filename: string, says: Partial<Line>) =>
      edit(project, filename, (line) => ({ ...line, ...says })),
    /** Without a member the line had. */
    drop: (project: string, filename: string, member: keyof Line) =>
      edit(project, filename, ({ [member]: _, ...line }) => line as Line),
    remove: (project: string, filename: string) => edit(project, filename, () => undefined),
    removeProject: (project: string) => void projects.delete(project),
    quarantine: (project: string, reason: string) =>
      change(project, () => ({ lines: [], status: { status: 'quarantined', reason } })),
    restatus: (project: string, status: Project['status']) => change(project, () => ({ status })),
    /** Everything of a project, to bring it back later as it was. */
    remember: (project: string) => projects.get(project),
    recall: (name: string, project: Project | undefined) => void (project && projects.set(name, project)),
    setSerial: (name: string, to: number) => change(name, () => ({ serial: to })),
    /** The page's bytes as they would be sent now. */
    pageOf: (name: string): Buffer => written(name, projects.get(name) ?? { lines: [], serial: 0 }, !plainHtml),
    /** What goes wrong with a project's page, in the order given, each `times` answers (default: for ever). */
    page(project: string, send: Send, times = Number.POSITIVE_INFINITY): void {
      const path = `/simple/${project}/`;
      distortions.set(path, [...(distortions.get(path) ?? []), { send, left: times }]);
    },
    heal(): void {
      distortions.clear();
      index.heal();
      files.heal();
    },
    asked: (project: string) => index.asked(`/simple/${project}/`),
    storedAt: (file: IndexFile) => `/${filePath(file)}`,
    /** Path on the file host → bytes; to be changed at will. */
    contents,
    provenance,
    async close(): Promise<void> {
      await Promise.all([index.close(), files.close()]);
    },
  };
}

export type FakePypi = Awaited<ReturnType<typeof startFakePypi>>;

const absent: Sent = { status: 404, headers: { 'content-type': 'text/plain' }, body: Buffer.from('404 Not Found') };

function sent(body: string | Uint8Array, type: string, headers: Record<string, string> = {}): Sent {
  return { status: 200, headers: { 'content-type': type, ...headers }, body: Buffer.from(body) };
}

/** As whoever asks for gzip gets it. */
function coded(answer: Sent): Sent {
  if (answer.headers['content-encoding'] !== undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' }, body: gzipSync(answer.body) };
}

function reply({ status, headers, body, cut, framing = 'length' }: Sent, response: ServerResponse): void {
  if (framing === 'close') {
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
  }
  response.writeHead(status, framing === 'length' ? { ...headers, 'content-length': body.byteLength } : headers);
  if (cut === undefined) {
    response.write(body);
    return void response.end();
  }
  response.write(body.subarray(0, cut.at), () =>
    cut.how === 'rst' ? response.socket?.resetAndDestroy() : response.socket?.end(),
  );
}

function jsonOf(name: string, { lines, status, serial }: Project): string {
  return JSON.stringify({
    meta: { 'api-version': '1.4', '_last-serial': serial },
    name,
    ...(status && { 'project-status': status }),
    versions: [...new Set(lines.map(({ filename }) => filename.split('-')[1] ?? ''))],
    files: lines,
  });
}

function htmlOf(name: string, { lines }: Project, plain: boolean): string {
  const anchors = lines.map((line) => {
    const core = line['core-metadata']?.['sha256'];
    const extra = plain
      ? ''
      : `${line.yanked === false ? '' : ' data-yanked=""'}${core === undefined ? '' : ` data-core-metadata="sha256=${core}"`}`;
    return `<a href='${line.url}#sha256=${line.hashes['sha256']}'${extra}>${line.filename}</a><br>`;
  });
  const declared = plain ? '' : '<meta name="pypi:repository-version" content="1.4">';
  return `<!DOCTYPE html><html><head>${declared}<title>Links for ${name}</title></head><body>${anchors.join('\n')}</body></html>`;
}

function listOf(projects: ReadonlyMap<string, Project>, json: boolean, serials: boolean): string {
  if (!json) return [...projects.keys()].map((name) => `<a href="/simple/${name}/">${name}</a>`).join('\n');
  const listed = [...projects].map(([name, { serial }]) => ({ ...(serials && { '_last-serial': serial }), name }));
  return JSON.stringify({ meta: { 'api-version': '1.4' }, projects: listed });
}

function legacyOf(name: string, { lines, serial }: Project, requires: readonly string[] | undefined): string {
  const urls = lines.map(({ filename, url, hashes, size, 'upload-time': uploaded }) => ({
    filename,
    url,
    digests: hashes,
    size,
    upload_time_iso_8601: uploaded,
    yanked: false,
  }));
  const info = { name, version: '1.0', summary: null, requires_python: null, requires_dist: requires ?? null };
  return JSON.stringify({ info, last_serial: serial, releases: { '1.0': urls }, urls });
}
