import type { Markup } from './html.ts';

let make: (html: string, json: string, status: 200 | 404 | 503) => Shown;

/** A page for people, and the same for programs. Names that others chose stand in it as text. */
export class Shown {
  readonly #html: string;
  readonly #json: string;
  readonly #status: 200 | 404 | 503;

  private constructor(html: string, json: string, status: 200 | 404 | 503) {
    this.#html = html;
    this.#json = json;
    this.#status = status;
  }

  static {
    make = (html, json, status) => new Shown(html, json, status);
  }

  static is(value: unknown): value is Shown {
    return typeof value === 'object' && value !== null && #html in value;
  }

  get html(): string {
    return this.#html;
  }

  get json(): string {
    return this.#json;
  }

  get status(): 200 | 404 | 503 {
    return this.#status;
  }
}

/** Who may import this: test/architecture/makers.ts. What is not known is `null` in JSON, so that every key is always there. */
export function makeShown(view: object, page: Markup, status: 200 | 404 | 503 = 200): Shown {
  const json = JSON.stringify(view, (_, member) => (member === undefined ? null : member), 2);
  return make(page.toString(), `${json}\n`, status);
}
