import { sha256Hex } from '../../src/bytes/digest.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { AnswerBook, type ListedFile, readPage, thingsOf } from './answer-book.ts';
import type { FakePypi } from './fake-pypi.ts';
import { fetch } from './fetch.ts';
import { until } from './redis.ts';

/** Where a replica is asked: its name, and the address of its simple index, which ends with a slash. */
export interface Asked {
  readonly replica: string;
  readonly simple: string;
}

/** The book of an index that signs nothing: each project is one by itself, its serial is the version. */
export class UnsignedBook extends AnswerBook {
  readonly #pypi: FakePypi;
  readonly #files = new Map<string, readonly IndexFile[]>();

  constructor(pypi: FakePypi) {
    super();
    this.#pypi = pypi;
  }

  /** Upstream has this file of the project from now on, beside those that it had. */
  upload(project: string, file: IndexFile): void {
    const files = [...(this.#files.get(project) ?? []), file];
    this.#files.set(project, files);
    this.#pypi.upload(project, file);
    const { meta } = JSON.parse(this.#pypi.pageOf(project).toString());
    this.published(project, meta['_last-serial'], thingsOf(files));
  }

  /** What the page lists; the status of a refusal. */
  async page({ replica, simple }: Asked, project: string): Promise<readonly ListedFile[] | number> {
    let refused = 0;
    const page = await this.answer(replica, project, async () => {
      const answer = await fetch(`${simple}${project}/`, {
        headers: { accept: 'application/vnd.pypi.simple.v1+json' },
      });
      const text = await answer.text();
      if (answer.status !== 200) refused = answer.status;
      const version = Number(answer.headers.get('x-pypi-last-serial'));
      return answer.status === 200 ? { thing: 'page', version, ...readPage(text) } : undefined;
    });
    return page?.files ?? refused;
  }

  /** The status of the answer to a file that a page lists. */
  async file({ replica, simple }: Asked, project: string, listed: ListedFile): Promise<number> {
    let status = 0;
    await this.answer(replica, project, async () => {
      const answer = await fetch(new URL(listed.url, `${simple}${project}/`));
      const sha256 = sha256Hex(Buffer.from(await answer.arrayBuffer()));
      ({ status } = answer);
      return status === 200 ? { thing: listed.filename, sha256 } : undefined;
    });
    return status;
  }

  /** The page, and a file of it: the newest, or the one of that name. Throws unless both are answered. */
  async take(asked: Asked, project: string, filename?: string): Promise<readonly ListedFile[]> {
    const files = await this.page(asked, project);
    if (typeof files === 'number') throw new Error(`the page of ${project} is answered by ${files}`);
    const listed = filename === undefined ? files.at(-1) : files.find((file) => file.filename === filename);
    if (listed === undefined) throw new Error(`the page of ${project} does not list ${filename ?? 'anything'}`);
    const status = await this.file(asked, project, listed);
    if (status !== 200) throw new Error(`${listed.filename} is answered by ${status}`);
    return files;
  }

  /** The same of a replica that may be a moment behind, as soon as it lists all that upstream has. */
  async caughtUp(asked: Asked, project: string): Promise<void> {
    const all = this.#files.get(project)?.length;
    await until(async () => (await this.take(asked, project)).length === all);
  }
}
