import { type Token, Tokenizer } from 'parse5';
import { normalizeName } from './names.ts';
import { stateAfter } from './tokenizer-state.ts';

/** What a log-in page, a portal or an error has, and an empty list of files has not. */
const SOMETHING_ELSE: ReadonlySet<string> = new Set([
  'a',
  'form',
  'input',
  'button',
  'script',
  'iframe',
  'frame',
  'object',
  'embed',
]);

/** Where a page says what it is: there text is no content. */
const HEADING: ReadonlySet<string> = new Set(['title', 'h1']);

/**
 * True where HTML that lists no file and does not say that it is a project page (PEP 629) is an empty one all the same, as Nexus,
 * Artifactory and others make them: it is headed "Links for PROJECT", or there is nothing on it.
 */
export function isEmptyPage(html: string, project: string): boolean {
  let heading: string | undefined;
  let isHeaded = false;
  let hasContent = false;
  const ended = () => {
    if (heading !== undefined && isLinksFor(heading, project)) isHeaded = true;
    heading = undefined;
  };
  const tokenizer = new Tokenizer(
    {},
    {
      onStartTag({ tagName, attrs }: Token.TagToken) {
        tokenizer.state = stateAfter(tagName) ?? tokenizer.state;
        if (HEADING.has(tagName)) heading = '';
        hasContent ||= SOMETHING_ELSE.has(tagName) || (tagName === 'meta' && attrs.some(isRefresh));
      },
      onEndTag({ tagName }: Token.TagToken) {
        if (HEADING.has(tagName)) ended();
      },
      onCharacter({ chars }: Token.CharacterToken) {
        if (heading === undefined) hasContent = true;
        else if (heading.length < MOST_HEADING) heading += chars;
      },
      onWhitespaceCharacter({ chars }: Token.CharacterToken) {
        if (heading !== undefined && heading.length < MOST_HEADING) heading += chars;
      },
      onComment: ignore,
      onDoctype: ignore,
      onEof: ended,
      onNullCharacter: ignore,
    },
  );
  tokenizer.write(html, true);
  return isHeaded || !hasContent;
}

const MOST_HEADING = 1000;
const ignore = () => {};

function isLinksFor(heading: string, project: string): boolean {
  const name = /\blinks for\s+(\S+)\s*$/i.exec(heading)?.[1];
  return name !== undefined && normalizeName(name) === project;
}

function isRefresh({ name, value }: Token.Attribute): boolean {
  return name === 'http-equiv' && value.toLowerCase() === 'refresh';
}
