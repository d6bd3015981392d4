import { html as escaping, raw } from 'hono/html';
import { shown } from '../bytes/printable.ts';

let make: (text: string) => Markup;

/** HTML in which everything that was put in is text, unless it is Markup itself. */
export class Markup {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static {
    make = (text) => new Markup(text);
  }

  static is(value: unknown): value is Markup {
    return typeof value === 'object' && value !== null && #text in value;
  }

  toString(): string {
    return this.#text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

/**
 * A template whose literal parts are HTML and whose values are text: markup signs are escaped, and what is invisible or turns the
 * direction of text is a dot, so that no name looks like another one. Undefined is nothing; a list is its parts.
 */
export function html(literals: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return make(escaping(literals, ...values.map(tame)).toString());
}

function tame(value: Content): unknown {
  if (value === undefined || typeof value === 'number') return value;
  if (typeof value === 'string') return shown(value);
  if (Markup.is(value)) return raw(value.toString());
  return value.map(tame);
}

/** The one style of a page. Throws TypeError for what could end the element. */
export function styleElement(css: string): Markup {
  if (css.includes('<')) throw new TypeError('A style has no markup.');
  return make(`<style>${css}</style>`);
}
