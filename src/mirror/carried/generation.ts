import { type Expected, makeExpected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type {
  CarriedDocument,
  CarriedFile,
  CarriedGeneration,
  CarriedTables,
  ContentName,
} from '../../ports/carried.ts';

/** Documents of one generation: an index of more cannot be carried to a machine of this kind. */
const MOST_DOCUMENTS = 2_000_000;

/** The documents of one import, by what they are of. Its files are those of its pages, and are read from its table when they are asked for. */
export class LoadedGeneration {
  readonly record: CarriedGeneration;
  readonly #pages = new Map<string, CarriedDocument>();
  /** By file name. */
  readonly #signatures = new Map<string, CarriedDocument>();
  readonly #provenances = new Map<string, CarriedDocument>();
  readonly #tables: Pick<CarriedTables, 'files'>;
  #list: CarriedDocument | undefined;

  private constructor(record: CarriedGeneration, tables: CarriedTables) {
    this.record = record;
    this.#tables = tables;
  }

  /** Throws Refusal `state` where its table cannot be believed. */
  static async load(record: CarriedGeneration, tables: CarriedTables): Promise<LoadedGeneration> {
    const loaded = new LoadedGeneration(record, tables);
    let count = 0;
    for await (const document of tables.documents(record.table)) {
      if (++count > MOST_DOCUMENTS)
        throw new Refusal('limit', `A bundle carries at most ${MOST_DOCUMENTS} pages and documents of files.`, {
          subject: 'state',
        });
      loaded.#add(document);
    }
    return loaded;
  }

  get pages(): number {
    return this.#pages.size;
  }

  page(project: string): CarriedDocument | undefined {
    return this.#pages.get(project);
  }

  /** The files of a page, as the manifest names them. Throws Refusal `state`. */
  files(page: CarriedDocument): AsyncIterable<CarriedFile> {
    return this.#tables.files(this.record.table, page);
  }

  get list(): CarriedDocument | undefined {
    return this.#list;
  }

  signature(filename: string): CarriedDocument | undefined {
    return this.#signatures.get(filename);
  }

  provenance(filename: string): CarriedDocument | undefined {
    return this.#provenances.get(filename);
  }

  #add(document: CarriedDocument): void {
    switch (document.kind) {
      case 'page':
        this.#pages.set(document.project, document);
        break;
      case 'list':
        this.#list = document;
        break;
      case 'signature':
        this.#signatures.set(document.filename, document);
        break;
      case 'provenance':
        this.#provenances.set(document.filename, document);
        break;
    }
  }
}

/** What the bytes of a document must be: as a manifest says that a key of this site's signed. */
export function expectedOf({ sha256, size }: ContentName): Expected {
  return makeExpected({ length: size, digests: new Map([['sha256', sha256]]) });
}
