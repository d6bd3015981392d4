// SPDX licence expressions (SPDX 2.3 annex D, PEP 639): a licence, several that all hold (AND), or a choice (OR).

export type Expression =
  | { readonly is: 'licence'; readonly id: string; readonly exception: string | undefined }
  | { readonly is: 'and' | 'or'; readonly of: readonly Expression[] };

const TOKEN = /[()]|[A-Za-z0-9.+:-]+|\S/g;
const ID = /^[A-Za-z0-9.+:-]+$/;
const MOST_TOKENS = 500;

/** Undefined for what is none. Operators in any case, as PEP 639 has it. */
export function parseExpression(text: string): Expression | undefined {
  const tokens = text.match(TOKEN) ?? [];
  if (tokens.length === 0 || tokens.length > MOST_TOKENS) return undefined;
  const reading = { tokens, at: 0 };
  const read = chain(reading, 'or');
  return read !== undefined && reading.at === tokens.length ? read : undefined;
}

interface Reading {
  readonly tokens: readonly string[];
  at: number;
}

/** Operands between one operator: AND binds more closely. */
function chain(reading: Reading, by: 'and' | 'or'): Expression | undefined {
  const of: Expression[] = [];
  do {
    const one = by === 'or' ? chain(reading, 'and') : operand(reading);
    if (one === undefined) return undefined;
    of.push(one);
  } while (took(reading, by));
  const [only] = of;
  return of.length === 1 ? only : { is: by, of };
}

function operand(reading: Reading): Expression | undefined {
  if (took(reading, '(')) {
    const inner = chain(reading, 'or');
    return took(reading, ')') ? inner : undefined;
  }
  const id = name(reading);
  if (id === undefined) return undefined;
  const isExcepted = took(reading, 'with');
  const exception = isExcepted ? name(reading) : undefined;
  return isExcepted && exception === undefined ? undefined : { is: 'licence', id, exception };
}

function name(reading: Reading): string | undefined {
  const token = reading.tokens[reading.at];
  if (token === undefined || !ID.test(token) || /^(?:and|or|with)$/i.test(token)) return undefined;
  reading.at++;
  return token;
}

function took(reading: Reading, token: string): boolean {
  if (reading.tokens[reading.at]?.toLowerCase() !== token) return false;
  reading.at++;
  return true;
}

/** Whether somebody who accepts these licences may have it: of a choice one is enough. */
export function permits(
  expression: Expression,
  isPermitted: (id: string, exception: string | undefined) => boolean,
): boolean {
  switch (expression.is) {
    case 'licence':
      return isPermitted(expression.id, expression.exception);
    case 'and':
      return expression.of.every((each) => permits(each, isPermitted));
    case 'or':
      return expression.of.some((each) => permits(each, isPermitted));
  }
}

/** What the classifiers say that name exactly one licence; `BSD License` names several. */
export const CLASSIFIED: ReadonlyMap<string, string> = new Map([
  ['MIT License', 'MIT'],
  ['MIT No Attribution License (MIT-0)', 'MIT-0'],
  ['Apache Software License', 'Apache-2.0'],
  ['Mozilla Public License 2.0 (MPL 2.0)', 'MPL-2.0'],
  ['ISC License (ISCL)', 'ISC'],
  ['The Unlicense (Unlicense)', 'Unlicense'],
  ['zlib/libpng License', 'Zlib'],
  ['Boost Software License 1.0 (BSL-1.0)', 'BSL-1.0'],
  ['Eclipse Public License 2.0 (EPL-2.0)', 'EPL-2.0'],
  ['European Union Public Licence 1.2 (EUPL 1.2)', 'EUPL-1.2'],
  ['CC0 1.0 Universal (CC0 1.0) Public Domain Dedication', 'CC0-1.0'],
  ['Python Software Foundation License', 'PSF-2.0'],
  ['GNU General Public License v2 (GPLv2)', 'GPL-2.0-only'],
  ['GNU General Public License v2 or later (GPLv2+)', 'GPL-2.0-or-later'],
  ['GNU General Public License v3 (GPLv3)', 'GPL-3.0-only'],
  ['GNU General Public License v3 or later (GPLv3+)', 'GPL-3.0-or-later'],
  ['GNU Lesser General Public License v2 (LGPLv2)', 'LGPL-2.0-only'],
  ['GNU Lesser General Public License v2 or later (LGPLv2+)', 'LGPL-2.0-or-later'],
  ['GNU Lesser General Public License v3 (LGPLv3)', 'LGPL-3.0-only'],
  ['GNU Lesser General Public License v3 or later (LGPLv3+)', 'LGPL-3.0-or-later'],
  ['GNU Affero General Public License v3', 'AGPL-3.0-only'],
  ['GNU Affero General Public License v3 or later (AGPLv3+)', 'AGPL-3.0-or-later'],
]);
